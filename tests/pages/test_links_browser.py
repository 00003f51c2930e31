"""Names that look like addresses stay text: on every page, no link leads to where one names."""

from collections.abc import Iterator

import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.experiments.store import open_store
from core.ui.compare.images import SHOWS
from core.ui.measured.sections import SECTIONS
from tests import stored_home
from tests.browser import MARKS, open_whole, running_app
from tests.pages.addresses import ADDRESSES
from tests.pages.compared import EXPERIMENT, store_compared

pytestmark = [*MARKS, pytest.mark.timeout(600)]

CLASSES = ("http://evil.example/a?b=c", "www.evil.example", "me@evil.example")
FILE_NAMES = ("HTTPS.www.evil.example", "www.evil.example", "mailto:me@evil.example")
DATASET_NAME = "me@evil.example, HTTPS://www.evil.example"
# Headings are links to themselves, with their words in the address.
FOREIGN = """all => all.map(each => each.href).filter(
    href => href.startsWith('mailto:') || new URL(href).hostname.includes('evil')
)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("links")
    home, images = folder / "home", folder / "images"
    images.mkdir()
    rows = ["file,label"]
    for position in range(60):
        name = f"{FILE_NAMES[position % 3]}.{position}.png"
        shade = Image.linear_gradient("L").resize((40, 40)).rotate(position * 6)
        shade.save(images / name)
        rows.append(f"{name},{CLASSES[position % 3]}")
    (images / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(home))
        stored_home.leave_out_bundled_datasets(home)
        dataset = add_dataset(images, DATASET_NAME)
        assert set(dataset.classes) == set(CLASSES)
        store_compared(open_store(), dataset)
        with running_app(home, folder / "server.log") as found:
            yield f"{found} {dataset.folder.name}"


def test_no_name_becomes_a_link(browser, address: str) -> None:
    address, dataset = address.split()
    paths = [path.replace("dataset=arrows", f"dataset={dataset}") for path in ADDRESSES.values()]
    paths += [f"/compare?experiment={EXPERIMENT}&view=pictures&show={show}" for show in SHOWS]
    paths += [f"/measured?experiment={EXPERIMENT}&section={name}" for name in SECTIONS]
    paths += [
        f"/compare?experiment={EXPERIMENT}&view=pictures&image=0",
        f"/datasets?dataset={dataset}&section=Images&image=0",
        f"/benchmark?experiment={EXPERIMENT}",
        f"/benchmark?dataset={dataset}",
        f"/try_it?experiment={EXPERIMENT}&image=0",
        f"/datasets?dataset={CLASSES[1]}",
        *(f"/?experiment={EXPERIMENT}&scene={scene}" for scene in range(1, 8)),
    ]
    with browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}) as context:
        tab = context.new_page()
        found, named = {}, 0
        for path in paths:
            open_whole(tab, path)
            named += "evil.example" in tab.inner_text("body").replace("\N{WORD JOINER}", "")
            links = tab.locator("a[href]").evaluate_all(FOREIGN)
            if links:
                found[path] = links
    assert found == {}
    assert named > len(paths) / 2  # the names were there to be made into links
