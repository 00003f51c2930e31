"""Who may do what: the rules, for every kind of visitor."""

from pathlib import Path

import pytest

from core.errors import BadInput
from core.settings import Settings, current_settings
from core.ui.frame.access import Role, is_listed, visitor_of

NOW = 1_800_000_000.0
SIGNED_IN = {"is_logged_in": True, "email": "ana@example.org", "iat": NOW - 60}
ROLE_VARIABLES = ("HEADSTART_EDITORS", "HEADSTART_VIEWERS", "HEADSTART_SIGN_IN_HOURS")


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch):  # noqa: ARG001 - sets the home
    """The settings where these people are listed."""
    for name in ROLE_VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def made(editors: str = "", viewers: str = "") -> Settings:
        monkeypatch.setenv("HEADSTART_EDITORS", editors)
        monkeypatch.setenv("HEADSTART_VIEWERS", viewers)
        return current_settings()

    return made


def test_without_sign_in_everyone_is_an_editor(settings):
    found = visitor_of({"email": "test@example.com"}, settings(), NOW)
    assert (found.role, found.email, found.may_sign_in) == (Role.EDITOR, None, False)


@pytest.mark.parametrize("variable", ["editors", "viewers"])
def test_who_lists_people_but_configures_no_sign_in_lets_nobody_in(settings, variable):
    found = visitor_of({}, settings(**{variable: "ana@example.org"}), NOW)
    assert found.role is None
    assert not found.may_sign_in
    assert "sign-in is not configured" in found.reason


def test_somebody_unknown_is_asked_to_sign_in(settings):
    found = visitor_of({"is_logged_in": False}, settings(), NOW)
    assert (found.role, found.reason, found.may_sign_in) == (None, "", True)


@pytest.mark.parametrize(
    ("editors", "viewers", "role"),
    [
        ("", "", Role.VIEWER),
        ("", "*@example.org", Role.VIEWER),
        ("", "ANA@example.org , eva@example.org", Role.VIEWER),
        ("ana@example.org", "", Role.EDITOR),
        ("*@example.org", "eva@example.com", Role.EDITOR),
        ("ana@example.org", "ana@example.org", Role.EDITOR),
        ("eva@example.org", "", Role.VIEWER),
        ("eva@example.org", "eva@example.org", None),
        ("", "*@example.com", None),
        ("", "*@ample.org", None),
        ("", "*@org", None),
    ],
)
def test_the_lists_decide(settings, editors, viewers, role):
    found = visitor_of(SIGNED_IN, settings(editors, viewers), NOW)
    assert (found.role, found.email, found.may_sign_in) == (role, "ana@example.org", False)
    assert bool(found.reason) == (role is None)


def test_capitals_make_no_difference(settings):
    user = SIGNED_IN | {"email": "Ana@Example.ORG"}
    assert visitor_of(user, settings("ana@example.org"), NOW).role is Role.EDITOR
    assert visitor_of(user, settings("*@example.org"), NOW).role is Role.EDITOR


def test_only_the_last_at_sign_tells_the_domain():
    assert not is_listed("mal@example.org@evil.example", ["*@example.org"])
    assert is_listed('"x@y"@example.org', ["*@example.org"])


@pytest.mark.parametrize("verified", [False, "false", "False", 0, "no"])
def test_an_address_that_is_not_verified_is_refused(settings, verified):
    user = SIGNED_IN | {"email_verified": verified}
    found = visitor_of(user, settings("ana@example.org"), NOW)
    assert found.role is None
    assert "has not verified" in found.reason


@pytest.mark.parametrize("verified", [True, "true", 1, None])
def test_a_verified_address_or_a_silent_provider_will_do(settings, verified):
    user = SIGNED_IN | {"email_verified": verified}
    assert visitor_of(user, settings("ana@example.org"), NOW).role is Role.EDITOR


@pytest.mark.parametrize("email", [None, "", "ana", 7])
def test_without_an_address_nobody_is_known(settings, email):
    user = SIGNED_IN | {"email": email, "name": "Ana"}
    found = visitor_of(user, settings("*@example.org"), NOW)
    assert (found.role, found.email) == (None, "Ana")
    assert "did not say which e-mail address" in found.reason


@pytest.mark.parametrize(
    ("issued", "role"),
    [(NOW - 12 * 3600, Role.VIEWER), (NOW - 12 * 3600 - 1, None), (None, None), ("x", None)],
)
def test_a_sign_in_lasts_twelve_hours(settings, issued, role):
    found = visitor_of(SIGNED_IN | {"iat": issued}, settings(), NOW)
    assert found.role is role
    assert found.may_sign_in == (role is None)
    if role is None:
        assert found.reason == "You signed in more than 12 hours ago. Sign in again to go on."


@pytest.mark.parametrize("wrong", ["ana", "*", "a@b, example.org", "*ana@example.org", "a b@c.d"])
def test_a_list_that_cannot_be_meant_is_refused(settings, wrong):
    with pytest.raises(BadInput, match="HEADSTART_VIEWERS has"):
        settings(viewers=wrong)


@pytest.mark.parametrize("variable", ["SIGN_IN_HOURS", "MOST_QUEUED_RUNS", "MOST_STORED_GB"])
@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5"])
def test_a_limit_is_a_whole_number(settings, monkeypatch, variable, wrong):
    monkeypatch.setenv(f"HEADSTART_{variable}", wrong)
    with pytest.raises(BadInput, match=f"HEADSTART_{variable} is '{wrong}'"):
        settings()
