"""Every page in Chromium, light and dark: no violation of the accessibility rules, nothing from the
network, nothing wider than the window; the screenshots are kept for people to look at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.experiments.store import open_store
from core.ui.frame.page import PAGES
from tests import stored_home
from tests.browser import (
    MARKS,
    MILLISECONDS,
    WCAG_AA,
    keep_screenshot,
    running_app,
    running_browser,
    settle,
)
from tests.pages.compared import EXPERIMENT, store_compared

pytestmark = [*MARKS, pytest.mark.timeout(600)]

RECORDED = "c0819b9b"  # its CNN and probe bring their weights
WIDTHS = (390, 1920, 1280)  # axe looks at the last
VIEWS = {
    "compare-differences": f"/compare?experiment={EXPERIMENT}&view=differences",
    "compare-time": f"/compare?experiment={EXPERIMENT}&view=time",
    "compare-pictures": f"/compare?experiment={EXPERIMENT}&view=pictures",
    "compare-flips": f"/compare?experiment={EXPERIMENT}&view=pictures&show=flips",
    "compare-data": f"/compare?experiment={EXPERIMENT}&view=data",
    "compare-several": f"/compare?experiment={EXPERIMENT}&view=several",
    "compare-report": f"/compare?experiment={EXPERIMENT}&view=report",
    "dataset-health": "/datasets?dataset=arrows",
    "dataset-pictures": "/datasets?dataset=arrows&section=Pictures",
    "dataset-cleanup": "/datasets?dataset=arrows&section=Clean+up",
    "dataset-manage": "/datasets?dataset=arrows&section=Manage",
    "try-guess": f"/try_it?experiment={EXPERIMENT}&view=guess",
    "try-keep": f"/try_it?experiment={RECORDED}&view=keep",
}
ADDRESSES = {page.path: f"/{page.path}" for page in PAGES} | VIEWS
# Streamlit's own elements, which nothing that Python says can change: (rule, part of the selector
# or of the element) and why.
STREAMLITS_OWN = {
    # The drop zone of the file uploader is focusable by script (tabindex -1) and has a name, though
    # its role says that it is only for looks. The button inside it is what keys and readers use.
    ("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"'),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, session_home: Path) -> Iterator[str]:
    """Over the bundled datasets, their recorded results, and an experiment made up on arrows."""
    folder = tmp_path_factory.mktemp("axe")
    shutil.copytree(session_home / "datasets", folder / "home" / "datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder / "home"))
        store_compared(open_store(), stored_home.add_arrows())
        with running_app(folder / "home", folder / "server.log") as found:
            yield found


@pytest.fixture(scope="module")
def browser():
    with running_browser() as found:
        yield found


@pytest.fixture
def page(browser, address):
    tab = browser.new_page(
        base_url=address, color_scheme="light", viewport={"width": 1280, "height": 900}
    )
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


def open_whole(page, address: str) -> None:
    """Go there and wait until all of it is drawn and nothing fades in any more."""
    from playwright.sync_api import expect

    page.goto(address)
    page.locator("[data-testid=stMain] h1").first.wait_for()
    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("name", ADDRESSES)
def test_no_page_has_a_violation_asks_the_network_or_is_wider_than_the_window(page, name):
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    open_whole(page, ADDRESSES[name])
    # One load for both themes: the page follows the system's.
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(500)  # charts are drawn anew
            settle(page)
            keep_screenshot(page, f"{name}-{width}-{scheme}")
            assert widths(page) == [width, width, width]
            if width == WIDTHS[-1]:
                assert drawn_scheme(page) == scheme
                assert violations(page) == []
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    assert [url for url in asked if not url.startswith(local)] == []


def drawn_scheme(page) -> str:
    return page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).colorScheme")


def widths(page) -> list[int]:
    """What is in the page, what of it is seen, and the whole document, in pixels."""
    return page.evaluate(
        """() => {
            const main = document.querySelector("[data-testid=stMain]");
            return [main.scrollWidth, main.clientWidth, document.documentElement.scrollWidth];
        }"""
    )
