"""Sign-in in a real browser, at a real OpenID provider that runs beside the test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import psutil
import pytest

from core.experiments.store import Store
from core.ui.frame.page import PAGES
from tests import stored_home
from tests.browser import (
    MARKS,
    MILLISECONDS,
    free_port,
    running_app,
    running_browser,
    settle,
    wait_for_server,
)

pytestmark = [*MARKS, pytest.mark.slow]

PEOPLE = [
    {"sub": "ed", "email": "ed@example.org", "email_verified": True},
    {"sub": "vera", "email": "vera@example.org"},
    {"sub": "unverified", "email": "ed@example.org", "email_verified": False},
    {"sub": "mal", "email": "mal@example.com"},
]
DISCOVERY = "/.well-known/openid-configuration"
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{secret}"
client_id = "headstart"
client_secret = "of no use to anybody"
server_metadata_url = "http://127.0.0.1:{port}{discovery}"
"""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[int]:
    """The port of a provider that knows ``PEOPLE``; it lies on this machine, so without TLS."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    for person in PEOPLE:
        command += ["--user-claims", json.dumps(person)]
    with open(tmp_path / "provider.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for_server(f"http://127.0.0.1:{port}{DISCOVERY}", process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def address(home: Path, tmp_path: Path, provider: int) -> Iterator[str]:
    """The app with sign-in: Ed is an editor, everybody of his domain a viewer."""
    stored_home.leave_out_bundled_datasets(home)
    stored_home.add_arrows()
    secrets = tmp_path / "secrets.toml"
    # Streamlit puts the port of the app in the place of the {port} that is left.
    secrets.write_text(
        SECRETS.format(secret=os.urandom(32).hex(), port=provider, discovery=DISCOVERY)
    )
    more = {
        "STREAMLIT_SECRETS_FILES": str(secrets),
        "HEADSTART_EDITORS": "ed@example.org",
        "HEADSTART_VIEWERS": "*@example.org",
    }
    with running_app(home, tmp_path / "server.log", more) as found:
        yield found


@contextmanager
def a_person(browser: Any, address: str) -> Iterator[Any]:
    """A tab of a browser that nobody has used before."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(60 * MILLISECONDS)
    yield page
    context.close()


def sign_in(page: Any, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name, exact=True).first.click()


def test_strangers_viewers_editors_and_the_refused(address, home):
    from playwright.sync_api import expect

    listening = [entry for entry in psutil.net_connections("tcp") if entry.status == "LISTEN"]
    ports = {entry.laddr.port: entry.laddr.ip for entry in listening}
    assert ports[urlparse(address).port] == "127.0.0.1"
    store = Store(f"sqlite:///{home / 'headstart.db'}")
    with running_browser() as browser:
        with a_person(browser, address) as page:
            for entry in PAGES:  # deep links: each page is opened cold
                page.goto(f"/{entry.path}?dataset=arrows")
                expect(page.get_by_role("button", name="Sign in")).to_be_visible()
                settle(page)
                expect(page.get_by_role("heading")).to_have_text(["Sign in"])
                expect(page.get_by_role("link", name="Compare")).to_have_count(0)
                expect(page.get_by_text("arrows")).to_have_count(0)
            assert not store.jobs()

            sign_in(page, "vera")
            expect(page.get_by_text("Signed in as vera@example.org, viewer.")).to_be_visible()
            page.goto("/benchmark")  # the cookie signs in a session of its own
            expect(page.get_by_text("Signed in as vera@example.org, viewer.")).to_be_visible()
            expect(page.get_by_text("only an editor can start runs")).to_be_visible()
            expect(page.get_by_role("button", name="Start the benchmark")).to_be_disabled()

            page.get_by_role("button", name="Sign out").click()
            page.get_by_role("button", name="End session").click()  # at the provider
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            page.goto("/benchmark")
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()

        for name, sentence in (
            ("mal", "not on the list of people"),
            ("unverified", "has not verified your e-mail address"),
        ):
            with a_person(browser, address) as page:
                page.goto("/")
                sign_in(page, name)
                expect(page.get_by_role("heading", name="You cannot come in")).to_be_visible()
                expect(page.get_by_text(sentence)).to_be_visible()
                expect(page.get_by_role("link", name="Compare")).to_have_count(0)

        with a_person(browser, address) as page:
            page.goto("/benchmark")
            sign_in(page, "ed")
            expect(page.get_by_text("Signed in as ed@example.org, editor.")).to_be_visible()
            page.goto("/benchmark")
            settle(page)
            assert [entry for entry in store.experiments() if not entry.recorded] == []
            page.get_by_role("button", name="Start the benchmark").click()
            expect(page.get_by_role("heading", name="Benchmark of arrows")).to_be_visible()
            assert [entry for entry in store.experiments() if not entry.recorded] != []
