"""A chart as a file, made by the browser: light also on a dark page, as large as a slide."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.experiments.store import open_store
from tests import stored_home
from tests.browser import MARKS, MILLISECONDS, click, running_app, settle
from tests.pages.compared import EXPERIMENT, store_compared

pytestmark = MARKS


@pytest.fixture
def window(browser, home, tmp_path):
    stored_home.leave_out_bundled_datasets(home)
    store_compared(open_store(), stored_home.add_arrows())
    with running_app(home, tmp_path / "server.log") as address:
        page = browser.new_page(
            base_url=address, color_scheme="dark", viewport={"width": 1280, "height": 1000}
        )
        page.set_default_timeout(60 * MILLISECONDS)
        page.goto(f"/compare?experiment={EXPERIMENT}")
        click(page, page.get_by_role("button", name="For slides"))
        yield page
        page.close()


def saved(page):
    """What the camera above the chart gives."""
    settle(page)
    camera = page.get_by_role("dialog").locator("[data-title^='Download plot']")
    with page.expect_download() as coming:
        camera.click()
    return coming.value


def test_a_chart_is_saved_as_png_and_as_svg_in_light_colours(window):
    from playwright.sync_api import expect

    dialog = window.get_by_role("dialog")
    expect(dialog.locator(".js-plotly-plot")).to_be_visible()
    png = saved(window)
    assert png.suggested_filename == f"headstart-accuracy-{EXPERIMENT}.png"
    with Image.open(png.path()) as image:
        assert image.width == 1920
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert pixels.mean() > 200
    assert pixels.min() < 100  # letters

    click(window, dialog.get_by_role("radio", name="SVG"))
    expect(dialog.get_by_text(f"headstart-accuracy-{EXPERIMENT}.svg")).to_be_visible()
    svg = saved(window)
    assert svg.suggested_filename == f"headstart-accuracy-{EXPERIMENT}.svg"
    drawn = Path(svg.path()).read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert 'width="960"' in drawn
    assert "CNN, three" in drawn
    assert "rgb(26, 37, 48)" in drawn  # the letters
