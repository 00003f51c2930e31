"""Every page, every view and every scene as pictures for people: ``python -m tests.screenshots``.

Wide and narrow, light and dark, into ``artefacts/screenshots/``, which git ignores.
"""

import os
import tempfile
from pathlib import Path

from core.datasets.bundled import ensure_bundled_datasets
from tests.browser import (
    MILLISECONDS,
    SCREENSHOTS,
    keep_screenshot,
    open_whole,
    running_browser,
    stand_still,
)
from tests.pages.addresses import ADDRESSES, EXPERIMENT, app_with_everything

WIDTHS = (1280, 390)
SCENES = {
    f"story-scene-{number}": f"/?experiment={EXPERIMENT}&scene={number}" for number in range(1, 8)
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="headstart-screenshots-") as name:
        folder = Path(name)
        os.environ["HEADSTART_HOME"] = str(folder / "bundled")
        ensure_bundled_datasets()
        with (
            app_with_everything(folder / "bundled", folder) as address,
            running_browser() as browser,
        ):
            page = browser.new_page(
                base_url=address, color_scheme="light", viewport={"width": 1280, "height": 900}
            )
            page.set_default_timeout(60 * MILLISECONDS)
            for name, place in (ADDRESSES | SCENES).items():
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    open_whole(page, place)
                    for scheme in ("light", "dark"):
                        page.emulate_media(color_scheme=scheme)
                        stand_still(page)
                        keep_screenshot(page, f"{name}-{width}-{scheme}")
    print(f"{len(list(SCREENSHOTS.glob('*.png')))} screenshots in {SCREENSHOTS}")


if __name__ == "__main__":
    main()
