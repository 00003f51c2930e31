"""Every page in Chromium, light and dark: no violation of the accessibility rules, nothing from the
network, nothing wider than the window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import MARKS, MILLISECONDS, WCAG_AA, open_whole, stand_still
from tests.pages.addresses import ADDRESSES, app_with_everything

pytestmark = [*MARKS, pytest.mark.timeout(600)]

WIDTH = 1280  # at which axe looks
OTHER_WIDTHS = (390, 1920)
# Streamlit's own elements, which nothing that Python says can change: (rule, part of the selector
# or of the element) and why.
STREAMLITS_OWN = {
    # The drop zone of the file uploader is focusable by script (tabindex -1) and has a name, though
    # its role says that it is only for looks. The button inside it is what keys and readers use.
    ("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"')
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, session_home: Path) -> Iterator[str]:
    with app_with_everything(session_home, tmp_path_factory.mktemp("axe")) as found:
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


@pytest.mark.parametrize("name", ADDRESSES)
def test_no_page_has_a_violation_asks_the_network_or_is_wider_than_the_window(page, name):
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    open_whole(page, ADDRESSES[name])
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
