"""The app in a real browser: what all browser tests share."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import psutil
import pytest

from core.settings import PROJECT_ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SERVER_SECONDS = 60
MILLISECONDS = 1000
# In the checkout but not in git, for people to look at.
SCREENSHOTS = PROJECT_ROOT / "artefacts" / "screenshots"

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed on this system"),
    pytest.mark.timeout(240),
    # In one worker: two browsers with two servers beside each other want four cores.
    pytest.mark.xdist_group("browser"),
    # Playwright's event loop leaves its own sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""``pytestmark`` of a file of browser tests."""


@contextmanager
def running_browser() -> Iterator[Any]:
    """A headless Chromium; ``browser.new_page(base_url=..., color_scheme="dark", ...)``."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60 * MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def running_app(
    home: Path, log: Path, more: Mapping[str, str] | None = None, script: str | Path = "app.py"
) -> Iterator[str]:
    """The app on a free port over ``home``; gives its address, ``http://127.0.0.1:PORT``.

    What the server says goes into ``log``; ``more`` is added to its environment.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with open(log, "wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)],
            cwd=PROJECT_ROOT,
            # A Keras cache with weights in it would put another strategy into the form.
            env={
                **os.environ,
                "HEADSTART_HOME": str(home),
                "KERAS_HOME": str(log.parent),
                **(more or {}),
            },
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_server(f"{address}/_stcore/health", server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        end_workers(home)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_server(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Until ``url`` is answered with 200."""
    end = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError("the server did not answer in time")


def end_workers(home: Path) -> None:
    """End what was started for this home alone: the detached worker and its children."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("HEADSTART_HOME") == str(home) and "-m" in process.cmdline():
                process.kill()
        except psutil.Error:
            continue  # not ours to look at, or gone by now


def settle(page: Any) -> None:
    """Wait until the page is drawn to its end: until then parts of the one before stay, and a click
    on a download was seen to be dropped."""
    from playwright.sync_api import expect

    expect(page.locator("[data-test-script-state=notRunning]").first).to_be_attached()


def click(page: Any, what: Any) -> None:
    """Click a locator once the page that has it is drawn to its end.

    Before, what is drawn may not listen yet: a tab that was clicked as soon as it was there did not
    hear one click in four, nothing was sent, and the page stayed as it was.
    """
    from playwright.sync_api import expect

    expect(what).to_be_visible()  # else it would be the page before that is settled
    settle(page)
    what.click()


def download(page: Any, button: Any) -> Any:
    """Press a download button, a locator, as ``click`` does, and give the file that comes."""
    with page.expect_download() as coming:
        click(page, button)
    return coming.value


# Resolves when nothing in the document has changed for a while; transitions jump to their end. To
# wait for one took for ever when the machine was busy: one page in three never said "finished".
STANDS_STILL = """async () => {
    await new Promise(done => {
        let timer = setTimeout(end, 150);
        const watcher = new MutationObserver(() => {
            clearTimeout(timer);
            timer = setTimeout(end, 150);
        });
        function end() { watcher.disconnect(); done(); }
        setTimeout(end, 10000);  // what never rests is looked at as it is
        watcher.observe(document, {
            subtree: true, childList: true, attributes: true, characterData: true,
        });
    });
    const moving = document.getAnimations().filter(
        each => each.playState === 'running'
            && each.effect.getComputedTiming().endTime !== Infinity
    );
    moving.forEach(each => each.finish());
}"""


def stand_still(page: Any) -> None:
    """Wait until the page is drawn, nothing in it changes any more, and nothing fades in."""
    settle(page)
    page.evaluate(STANDS_STILL)


def open_whole(page: Any, address: str) -> None:
    """Go there and wait until all of it is drawn."""
    from playwright.sync_api import expect

    page.goto(address)
    page.locator("[data-testid=stMain] h1").first.wait_for()
    settle(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    stand_still(page)


def press(page: Any, key: str) -> None:
    """Press a key that a button listens to: it does so a few milliseconds after it is drawn (within
    50 it was not heard in every second try), which is soon enough for fingers."""
    settle(page)
    page.wait_for_timeout(200)
    page.keyboard.press(key)


def keep_screenshot(page: Any, name: str) -> Path:
    """The whole page as ``artefacts/screenshots/<name>.png``, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    # Streamlit scrolls its main part, not the document: a window as high as that shows all of it.
    width = page.viewport_size["width"]
    height = page.evaluate(
        "() => document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0"
    )
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": max(before["height"], height)})
    page.screenshot(path=path)
    page.set_viewport_size(before)
    return path
