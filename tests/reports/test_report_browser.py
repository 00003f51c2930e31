"""The report of themes16 in a real browser: accessible, no request, prints without a cut."""

import shutil

import pytest

from tests.browser import MARKS, WCAG_AA

# A4 less margins of 12 mm, at 96 pixels an inch.
PRINTED_WIDTH, PRINTED_HEIGHT = 703, 1032
# Elements that reach past the right edge of the paper, by name and text.
CUT = """width => [...document.querySelectorAll("body *")]
    .filter(element => element.tagName === "text" || !element.closest("svg"))
    .filter(element => element.getBoundingClientRect().right > width + 1)
    .map(element => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`)"""
DRAWN = "document.querySelectorAll('.js-plotly-plot .main-svg').length"

pytestmark = MARKS


@pytest.fixture(scope="module")
def report_file(tmp_path_factory, session_home):
    from core.experiments.recorded import import_recorded
    from core.experiments.store import open_store
    from core.reports.report import report_html

    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(session_home / "datasets", folder / "home" / "datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(folder / "home"))
        patch.delenv("HEADSTART_DATABASE_URL", raising=False)
        store = open_store()
        import_recorded(store)
        path = folder / "report.html"
        path.write_bytes(report_html(store, "e9933081"))
    return path


@pytest.fixture
def page(browser, report_file):
    tab = browser.new_page(viewport={"width": 1280, "height": 1000})
    tab.heard = []
    tab.on("request", lambda request: tab.heard.append(request.url))
    tab.on("console", lambda message: tab.heard.append(message.text))
    tab.on("pageerror", lambda error: tab.heard.append(str(error)))
    tab.goto(report_file.as_uri())
    tab.wait_for_function(f"{DRAWN} >= 7")
    yield tab
    tab.close()


def test_no_request_and_no_message(page, report_file):
    assert page.heard == [report_file.as_uri()]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(page, width):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 900})
    results = Axe().run(page, options={"runOnly": WCAG_AA})
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_nothing_is_cut_on_paper(page):
    page.set_viewport_size({"width": PRINTED_WIDTH, "height": PRINTED_HEIGHT})
    page.emulate_media(media="print")
    page.wait_for_timeout(500)  # charts take their new width
    assert page.evaluate(CUT, PRINTED_WIDTH) == []
    assert not page.get_by_role("navigation").is_visible()
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"


def test_a_chart_drawn_on_a_wide_screen_fits_the_paper_as_it_is(page):
    """Printing does not draw anew: what the screen shows must not be wider than the page."""
    widths = page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot .main-svg')]"
        ".map(drawing => drawing.getBoundingClientRect().width)"
    )
    assert max(widths) <= PRINTED_WIDTH + 1


def test_the_keyboard_reaches_the_content_first(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the summary"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    assert page.evaluate("document.activeElement.id") == "content"
