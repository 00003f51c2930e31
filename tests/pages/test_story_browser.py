"""The story in a real browser: from the first to the last scene by keyboard, in both themes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.datasets.storage import open_dataset
from core.experiments.store import Store
from tests import stored_home
from tests.browser import MARKS, MILLISECONDS, press, running_app, settle
from tests.pages.compared import EXPERIMENT, store_compared

pytestmark = MARKS


@pytest.fixture
def address(home: Path, tmp_path: Path) -> Iterator[str]:
    """Arrows with predictions; beside them the results recorded with the project."""
    stored_home.leave_out_bundled_datasets(home)
    stored_home.add_arrows()
    with running_app(home, tmp_path / "server.log") as found:
        store_compared(Store(f"sqlite:///{home / 'headstart.db'}"), open_dataset("arrows"))
        yield found


def test_the_story_is_told_by_keyboard_in_both_themes(browser, address):
    from playwright.sync_api import expect

    for scheme in ("light", "dark"):
        page = browser.new_page(
            base_url=address, viewport={"width": 1280, "height": 800}, color_scheme=scheme
        )
        page.set_default_timeout(60 * MILLISECONDS)
        page.goto(f"/?experiment={EXPERIMENT}")
        for number in range(1, 8):
            expect(page.get_by_text(f"{number} of 7 ·")).to_be_visible()
            if number == 1:
                expect(page.get_by_role("img", name="up, picture 6")).to_be_visible()
            else:
                expect(page.locator(".js-plotly-plot")).to_have_count(1)
            expect(page.get_by_text("Experiment of this story")).to_be_visible()
            if number == 7:
                expect(page.get_by_role("link", name="Try it yourself")).to_be_visible()
            else:
                press(page, "ArrowRight")
                expect(page).to_have_url(re.compile(f"scene={number + 1}$"))

        press(page, "ArrowLeft")
        expect(page.get_by_text("6 of 7 ·")).to_be_visible()
        settle(page)
        page.go_back()
        expect(page.get_by_text("7 of 7 ·")).to_be_visible()

        settle(page)
        page.get_by_role("button", name="Present").click()
        expect(page.get_by_role("link", name="Datasets")).to_have_count(0)
        press(page, "Escape")
        expect(page.get_by_role("link", name="Datasets")).to_be_visible()
        page.close()
