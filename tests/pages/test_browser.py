"""The app in a real browser: start a small benchmark, see progress, cancel a run, open Compare;
upload a zip, open the dataset, look at its pictures, make a version, get both as files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.datasets.storage import open_dataset
from core.experiments.store import Store
from tests import stored_home
from tests.browser import MARKS, MILLISECONDS, click, download, running_app, settle
from tests.datasets.pictures import two_classes, write_zip
from tests.pages.compared import EXPERIMENT, store_compared

pytestmark = MARKS


@pytest.fixture
def address(home: Path, tmp_path: Path) -> Iterator[str]:
    stored_home.leave_out_bundled_datasets(home)
    stored_home.add_arrows()
    with running_app(home, tmp_path / "server.log") as found:
        yield found


@pytest.fixture
def page(browser, address: str):
    tab = browser.new_page(base_url=address, viewport={"width": 1280, "height": 1600})
    tab.set_default_timeout(60 * MILLISECONDS)
    yield tab
    tab.close()


def test_start_watch_cancel_compare(page, home):
    from playwright.sync_api import expect

    page.goto("/benchmark")  # a deep link: the page is opened cold
    size = page.get_by_role("spinbutton", name="Image size (pixels)")
    size.fill("64")
    size.press("Enter")
    # Drawn when they are unfolded.
    click(page, page.get_by_text(re.compile(r"^\d+ settings$")).first)
    expect(page.get_by_text("64×64×3 pixels").first).to_be_visible()
    click(page, page.get_by_role("button", name="Start the benchmark"))
    expect(page.get_by_role("heading", name="Benchmark of arrows")).to_be_visible()
    expect(page.get_by_text("0 of 3 runs done").or_(page.get_by_text("1 of 3"))).to_be_visible()

    # Cancel the last waiting run, and see the first one come to its end.
    settle(page)  # before, the last button may be that of the first run
    click(page, page.get_by_role("button", name="Cancel", exact=True).last)
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    expect(page.get_by_text("of 36 test images correct").first).to_be_visible()
    # The network is seen at work, then finished, and the page stops asking.
    expect(page.get_by_text("Training, epoch", exact=False).first).to_be_visible()
    expect(page.get_by_text("3 of 3 runs done")).to_be_visible(timeout=120 * MILLISECONDS)

    experiments = Store(f"sqlite:///{home / 'headstart.db'}").experiments()
    (experiment,) = [entry for entry in experiments if not entry.recorded]
    assert experiment.spec.image_size == 64
    assert experiment.state_counts == {"finished": 2, "cancelled": 1}

    click(page, page.get_by_role("link", name="Compare in full"))
    expect(page.get_by_role("heading", name="Test accuracy")).to_be_visible()
    expect(page).to_have_url(f"{page.url.split('/compare')[0]}/compare?experiment={experiment.id}")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    table = download(page, page.get_by_role("button", name="Table as CSV"))
    assert table.suggested_filename == f"headstart-{experiment.id}.csv"
    lines = Path(table.path()).read_bytes().decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["strategy", "majority", "mlp", "cnn"]


def test_upload_look_clean_up_download_add_again(page, tmp_path):
    from playwright.sync_api import expect

    members = two_classes(20) | {"dogs/torn.png": b"\x89PNG\r\n\x1a\n nothing"}
    members["cats/again.png"] = members["cats/3.png"]
    page.goto("/datasets")  # a deep link: the page is opened cold
    expect(page.get_by_text("Images may have any size, grey or colour")).to_be_visible()
    settle(page)
    chooser = page.locator("input[type=file]")
    chooser.set_input_files(write_zip(tmp_path / "pets.zip", members))
    expect(page.get_by_text("1 could not be used: see its Health")).to_be_visible()
    page.reload()  # what became of it is still there
    click(page, page.get_by_role("link", name="Open pets"))
    expect(page.get_by_role("heading", name="pets", level=1)).to_be_visible()
    expect(page.get_by_text("1 file or line could not be used")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/datasets\?dataset="))
    address = page.url

    click(page, page.get_by_role("tab", name="Images", exact=True))
    expect(page.get_by_text("1 to 24 of 41 images")).to_be_visible()
    expect(page.get_by_role("img", name="cats/0.png, class cats")).to_be_visible()
    click(page, page.get_by_role("button", name="3.png", exact=True))
    expect(page.get_by_role("button", name="All images")).to_be_visible()
    settle(page)  # the gallery, with the same picture in it, goes at the end
    large = page.get_by_role("img", name="cats/3.png, class cats")
    expect(large).to_have_js_property("naturalWidth", 636)  # once it is there: 12 pixels, 53 times
    expect(page).to_have_url(re.compile("image="))
    page.reload()  # the link to one picture works by itself
    expect(page.get_by_text("Images that look the same")).to_be_visible()

    click(page, page.get_by_role("tab", name="Health"))
    click(page, page.get_by_role("button", name="Leave out exact copies"))
    expect(page.get_by_text("Images that go")).to_be_visible()
    click(page, page.get_by_role("button", name="Make a new version"))
    expect(page.get_by_role("heading", name="pets, version 2", level=1)).to_be_visible()
    expect(page).not_to_have_url(address)
    expect(page).to_have_url(re.compile(r"/datasets\?dataset="))

    click(page, page.get_by_role("tab", name="Manage"))
    images = download(page, page.get_by_role("button", name="The images as a zip"))
    assert images.suggested_filename == "pets, version 2.zip"
    click(page, page.get_by_role("link", name="All datasets"))
    expect(page.get_by_text("Images may have any size, grey or colour")).to_be_visible()
    expect(page).to_have_url(re.compile("/datasets$"))
    settle(page)
    chooser.set_input_files(images.path())
    expect(page.get_by_text("was there already")).to_be_visible()


def test_a_cell_of_the_confusion_matrix_opens_its_pictures(page, home):
    from playwright.sync_api import expect

    store_compared(Store(f"sqlite:///{home / 'headstart.db'}"), open_dataset("arrows"))
    page.goto(f"/compare?experiment={EXPERIMENT}&view=pictures&strategy=mlp")
    chart = page.locator(".js-plotly-plot")
    expect(chart).to_be_visible()
    expect(page.get_by_text("Choose a cell to see its pictures")).to_be_visible()
    place = chart.evaluate(
        """chart => {
            const box = chart.getBoundingClientRect();
            const { xaxis, yaxis } = chart._fullLayout;
            return {
                x: box.x + xaxis._offset + xaxis.c2p(0),
                y: box.y + yaxis._offset + yaxis.c2p(2),
            };
        }"""
    )
    page.mouse.click(place["x"], place["y"])
    expect(page.get_by_role("heading", name="up predicted as down")).to_be_visible()
    expect(page).to_have_url(re.compile("true=up&predicted=down"))

    page.reload()  # the link to one cell works by itself
    expect(page.get_by_role("heading", name="up predicted as down")).to_be_visible()
    click(page, page.locator("[data-testid=stButton] button").filter(has_text="000").first)
    expect(page.get_by_role("heading", name="Predicted", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("image="))
    click(page, page.get_by_role("button", name="Back to all pictures"))
    expect(page.get_by_role("heading", name="up predicted as down")).to_be_visible()

    report_view = page.get_by_role("radio", name="Report").or_(
        page.get_by_role("button", name="Report", exact=True)
    )
    click(page, report_view.first)
    report = download(page, page.get_by_role("button", name="Download the report"))
    assert report.suggested_filename == f"headstart-{EXPERIMENT}.html"
    assert Path(report.path()).read_bytes().startswith(b"<!doctype html>")


def test_an_experiment_is_chosen_named_sent_removed_and_taken_back(page, home):
    from playwright.sync_api import expect

    store = Store(f"sqlite:///{home / 'headstart.db'}")
    store_compared(store, open_dataset("arrows"))
    page.goto("/experiments?words=cccc3333")
    settle(page)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + 17, box["y"] + 56)  # the box at the left edge of the first row
    click(page, page.get_by_role("button", name="Name …"))
    page.get_by_label("Name", exact=True).fill("Wings")
    click(page, page.get_by_role("button", name="Save"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert store.experiment(EXPERIMENT).labels.name == "Wings"
    click(page, page.get_by_role("button", name="Export …"))
    sent = download(page, page.get_by_role("button", name="Results and weights"))
    assert sent.suggested_filename == f"headstart-{EXPERIMENT}.zip"
    click(page, page.get_by_text("Remove …"))
    click(page, page.get_by_role("button", name="Remove", exact=True))
    expect(page.get_by_text("No experiment is like that")).to_be_visible()
    assert [one.id for one in store.removed_experiments()] == [EXPERIMENT]
    click(page, page.get_by_text("Removed within the hour: 1"))
    click(page, page.get_by_role("button", name="Take back"))
    expect(page.get_by_text("1 experiment of")).to_be_visible()
    assert store.experiment(EXPERIMENT).labels.name == "Wings"
