"""Every page in Chromium, light and dark, over a dataset whose names look like addresses: no
violation of the accessibility rules, nothing from the network, nothing wider than the window, and
no name becomes a link."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.ui.compare.images import SHOWS
from core.ui.measured.sections import SECTIONS
from tests.browser import MARKS, MILLISECONDS, WCAG_AA, open_whole, stand_still
from tests.pages.addresses import ADDRESSES, app_with_everything
from tests.pages.compared import EXPERIMENT

pytestmark = [*MARKS, pytest.mark.timeout(600)]

WIDTH = 1280  # at which axe looks
OTHER_WIDTHS = (390, 1920)
# Streamlit's own elements, which nothing that Python says can change: (rule, part of the selector
# or of the element) and why.
STREAMLITS_OWN = {
    # The drop zone of the file uploader is focusable by script (tabindex -1) and has a name, though
    # its role says that it is only for looks. The button inside it is what keys and readers use.
    ("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"'),
    # The column with the boxes that choose rows of a table has no title, nor a way to give it one.
    ("empty-table-header", 'role="columnheader" aria-selected="false" aria-colindex="1"'),
}


CLASSES = ("http://evil.example/a?b=c", "www.evil.example", "me@evil.example")
FILE_NAMES = ("HTTPS.www.evil.example", "www.evil.example", "mailto:me@evil.example")
DATASET_NAME = "me@evil.example, HTTPS://www.evil.example"
# Headings are links to themselves, with their words in the address.
FOREIGN = """all => all.map(each => each.href).filter(
    href => href.startsWith('mailto:') || new URL(href).hostname.includes('evil')
)"""
# Where names stand that no page of ``ADDRESSES`` shows.
WITH_NAMES = (
    *(f"/compare?experiment={EXPERIMENT}&view=pictures&show={show}" for show in SHOWS),
    *(f"/measured?experiment={EXPERIMENT}&section={name}" for name in SECTIONS),
    f"/compare?experiment={EXPERIMENT}&view=pictures&image=0",
    "/datasets?dataset=arrows&section=Images&image=0",
    f"/benchmark?experiment={EXPERIMENT}",
    "/benchmark?dataset=arrows",
    f"/advice?dataset={quote(DATASET_NAME)}",
    f"/try_it?experiment={EXPERIMENT}&image=0",
    f"/datasets?dataset={CLASSES[1]}",
    *(f"/?experiment={EXPERIMENT}&scene={scene}" for scene in range(1, 8)),
)


def add_evil(images: Path) -> Dataset:
    """60 grey pictures of 40x40 in three classes; every name is an address or looks like one."""
    images.mkdir()
    rows = ["file,label"]
    for position in range(60):
        name = f"{FILE_NAMES[position % 3]}.{position}.png"
        shade = Image.linear_gradient("L").resize((40, 40)).rotate(position * 6)
        shade.save(images / name)
        rows.append(f"{name},{CLASSES[position % 3]}")
    (images / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    dataset = add_dataset(images, DATASET_NAME)
    assert set(dataset.classes) == set(CLASSES)
    return dataset


@pytest.fixture(scope="module")
def evil() -> list[Dataset]:
    """The dataset, once ``address`` has stored it."""
    return []


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, session_home: Path, evil: list[Dataset]
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("axe")

    def add() -> Dataset:
        evil.append(add_evil(folder / "images"))
        return evil[0]

    with app_with_everything(session_home, folder, add) as found:
        yield found


@pytest.fixture(scope="module")
def context(browser, address):
    """One for all pages: what the first of them fetched and compiled is there for the others."""
    with browser.new_context(
        base_url=address, color_scheme="light", viewport={"width": WIDTH, "height": 900}
    ) as found:
        yield found


@pytest.fixture
def page(context):
    tab = context.new_page()
    tab.set_default_timeout(60 * MILLISECONDS)
    yield tab
    tab.close()


def violations(page) -> list[str]:
    """Rule, element and what is wrong, without what is Streamlit's own."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": WCAG_AA}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in node["html"] for known, part in STREAMLITS_OWN)
    ]


def open_named(page, evil: list[Dataset], path: str) -> None:
    """Go there, on the dataset of this home in place of the arrows."""
    open_whole(page, path.replace("dataset=arrows", f"dataset={evil[0].folder.name}"))


def foreign_links(page) -> list[str]:
    return page.locator("a[href]").evaluate_all(FOREIGN)


def shows_a_name(page) -> bool:
    return "evil.example" in page.inner_text("body").replace("\N{WORD JOINER}", "")


@pytest.mark.parametrize("name", ADDRESSES)
def test_no_page_has_a_violation_asks_the_network_or_is_wider_than_the_window(page, evil, name):
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    open_named(page, evil, ADDRESSES[name])
    assert foreign_links(page) == []
    assert widths(page) == [WIDTH] * 3
    assert drawn_scheme(page) == "light"
    assert violations(page) == []
    # One load for both themes: the page follows the system's.
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"({DRAWN_SCHEME})() === 'dark'")
    stand_still(page)
    assert violations(page) == []
    for width in OTHER_WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        stand_still(page)
        assert widths(page) == [width] * 3
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert [url for url in asked if not url.startswith(local)] == []


DRAWN_SCHEME = "() => getComputedStyle(document.querySelector('.stApp')).colorScheme"


def drawn_scheme(page) -> str:
    return page.evaluate(DRAWN_SCHEME)


def widths(page) -> list[int]:
    """What is in the page, what of it is seen, and the whole document, in pixels."""
    return page.evaluate(
        """() => {
            const main = document.querySelector("[data-testid=stMain]");
            return [main.scrollWidth, main.clientWidth, document.documentElement.scrollWidth];
        }"""
    )


def test_no_name_becomes_a_link(page, evil) -> None:
    found, named = {}, 0
    for path in WITH_NAMES:
        open_named(page, evil, path)
        named += shows_a_name(page)
        if links := foreign_links(page):
            found[path] = links
    assert found == {}
    assert named > len(WITH_NAMES) / 2  # the names were there to be made into links
