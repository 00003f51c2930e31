"""The check of sign-in: what is missing, weak, or open to everybody."""

from pathlib import Path

import pytest

from core import settings as settings_module
from core.files import written_whole
from core.operations import sign_in
from core.operations.check import Check
from core.settings import current_settings
from tests.operations.test_doctor import only

GOOD = """[auth]
redirect_uri = "https://headstart.example.org/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "headstart"
client_secret = "x"
server_metadata_url = "https://id.example.org/.well-known/openid-configuration"
"""


@pytest.fixture
def secrets(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    path = tmp_path / "secrets.toml"
    with written_whole(path, private=True) as file:
        file.write(GOOD.encode())
    monkeypatch.setenv(sign_in.SECRETS_VARIABLE, str(path))
    monkeypatch.setenv("HEADSTART_EDITORS", "ana@example.org")
    monkeypatch.setenv("HEADSTART_VIEWERS", "*@example.org")
    return path


def sign_in_checks() -> list[Check]:
    return list(sign_in.check_sign_in(current_settings()))


def test_sign_in_that_is_sound(secrets: Path) -> None:
    assert only(sign_in_checks()) == Check(
        "sign-in", "ok", "Configured; the provider was not asked."
    )
    named = GOOD.replace("client_id", "[auth.google]\nclient_id")
    secrets.write_text(named + 'client_kwargs = {prompt = "login"}\n')
    assert only(sign_in_checks()).state == "ok"


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("client_id = ", "klient = ", "[auth] lacks client_id."),
        ("cookie_secret = ", "# ", "[auth] lacks cookie_secret."),
        ("0123456789abcdef0123456789abcdef", "short", "cookie_secret has 5 characters"),
        ("/oauth2callback", "/", "must end with /oauth2callback"),
        ("https://headstart", "http://headstart", "without https"),
        ("[auth]", "[auth", "so nobody is let in"),
    ],
)
def test_sign_in_that_is_not(secrets: Path, good: str, bad: str, words: str) -> None:
    secrets.write_text(GOOD.replace(good, bad))
    problems = [check for check in sign_in_checks() if check.state == "problem"]
    assert words in only(problems).found


def test_secrets_that_everybody_reads(secrets: Path) -> None:
    secrets.chmod(0o644)
    assert sign_in_checks()[0].to_do == f"Run: chmod 600 {secrets}"


def test_people_listed_without_sign_in_and_open_doors(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.unlink()
    assert "nobody is let in" in only(sign_in_checks()).found
    monkeypatch.delenv("HEADSTART_EDITORS")
    monkeypatch.delenv("HEADSTART_VIEWERS")
    assert only(sign_in_checks()).state == "ok"
    monkeypatch.setenv(sign_in.HOSTS_VARIABLE, "headstart.example.org")
    assert "whoever comes may remove" in only(sign_in_checks()).found
    monkeypatch.delenv(sign_in.HOSTS_VARIABLE)
    monkeypatch.setattr(sign_in, "STREAMLIT_CONFIG", settings_module.PROJECT_ROOT / "none.toml")
    check = only(sign_in_checks())
    assert "(address all, allowed hosts *)" in check.found


def test_nobody_is_an_editor_and_the_server_is_open(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secrets.exists()
    monkeypatch.delenv("HEADSTART_EDITORS")
    monkeypatch.delenv("HEADSTART_VIEWERS")
    monkeypatch.setenv(sign_in.ADDRESS_VARIABLE, "0.0.0.0")
    assert [check.found.partition(" ")[0] for check in sign_in_checks()] == [
        "The",
        "Nobody",
        "Everybody",
    ]
