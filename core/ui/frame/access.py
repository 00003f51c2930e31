"""Sign-in and roles: who is let in, what a viewer is spared, who is signed in.

Sign-in is Streamlit's own (``st.login``, OpenID Connect); docs/sign-in.md says how it is
configured and what it does not protect. A visitor has a role, or a sentence that says why not.
Where sign-in is not configured everyone who reaches the server is an editor, as on one's own
machine.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from core.errors import HeadstartError, NotAllowed
from core.operations.sign_in import is_loopback
from core.settings import EDITORS_VARIABLE, VIEWERS_VARIABLE, Settings, current_settings
from core.text import escape_markdown
from core.ui.frame.drawing import refuse_in_shared
from core.ui.frame.errors import error_box

log = logging.getLogger("headstart.access")

ONLY_EDITORS_HELP = "Only an editor can do this; you are signed in as a viewer."
OPEN_TO_OTHERS = (
    "This server can be reached from other machines and nobody has to sign in: whoever opens it "
    "can add, run and remove. docs/sign-in.md says how to change that."
)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Role(StrEnum):
    """``VIEWER`` looks, tries and takes reports; ``EDITOR`` also adds, runs and removes."""

    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True)
class Visitor:
    """What a visitor may do.

    ``role`` None: nothing, and ``reason`` says why; ``may_sign_in`` where signing in could change
    that. ``email`` is that of the person who is signed in, None where nobody is.
    """

    role: Role | None
    reason: str = ""
    may_sign_in: bool = False
    email: str | None = None


def visitor_of(user: Mapping[str, Any], settings: Settings, now: float) -> Visitor:
    """The standing of the visitor that ``st.user`` describes, at ``now`` (seconds since 1970).

    Streamlit gives ``is_logged_in`` if and only if sign-in is configured; the rest are the claims
    of the identity token.
    """
    if "is_logged_in" not in user:
        return _without_sign_in(settings)
    if not user["is_logged_in"]:
        return Visitor(None, may_sign_in=True)
    if now - _signed_in_at(user) > settings.sign_in_seconds:
        hours = settings.sign_in_seconds / 3600
        reason = f"You signed in more than {hours:g} hours ago. Sign in again to go on."
        return Visitor(None, reason, may_sign_in=True)
    email = user.get("email")
    if not isinstance(email, str) or "@" not in email:
        return Visitor(
            None,
            "Your identity provider did not say which e-mail address you have, and that is what "
            "Headstart knows people by.",
            email=str(user.get("name") or user.get("sub") or "unknown"),
        )
    return _by_email(email, user.get("email_verified"), settings)


def is_listed(email: str, patterns: Sequence[str]) -> bool:
    """Whether an address is among ``patterns``: addresses, or ``*@domain`` for all of a domain."""
    address = email.strip().lower()
    return address in patterns or f"*@{address.rpartition('@')[2]}" in patterns


def _without_sign_in(settings: Settings) -> Visitor:
    if not settings.editors and not settings.viewers:
        return Visitor(Role.EDITOR)
    # Whoever lists people wants them asked: an unreadable secrets file must not open the door.
    return Visitor(
        None,
        f"{EDITORS_VARIABLE} or {VIEWERS_VARIABLE} lists who may come in, but sign-in is not "
        "configured, so nobody can be known. Whoever runs this server finds in docs/sign-in.md "
        "what is missing.",
    )


def _signed_in_at(user: Mapping[str, Any]) -> float:
    """When the identity token was issued; without a readable moment, long ago."""
    issued = user.get("iat")
    return float(issued) if isinstance(issued, int | float) else 0.0


def _by_email(email: str, verified: object, settings: Settings) -> Visitor:
    # Some providers say nothing about it, some give the word instead of the truth value.
    if verified is not None and str(verified).lower() not in ("true", "1"):
        return Visitor(
            None,
            "Your identity provider says that it has not verified your e-mail address. Verify it "
            "there, then sign in again.",
            email=email,
        )
    if is_listed(email, settings.editors):
        return Visitor(Role.EDITOR, email=email)
    if not settings.viewers or is_listed(email, settings.viewers):
        return Visitor(Role.VIEWER, email=email)
    return Visitor(
        None,
        "This address is not on the list of people who may use this Headstart. Ask whoever runs "
        "it, or sign in with another address.",
        email=email,
    )


def visitor() -> Visitor:
    """What the visitor of this session may do now; never raises for what people configure."""
    refuse_in_shared("What a visitor may do")
    try:
        settings = current_settings()
    except HeadstartError as error:
        return Visitor(None, str(error))
    problem = _secrets_problem()
    if problem:
        return Visitor(None, problem)
    return visitor_of(st.user.to_dict(), settings, time.time())


def role() -> Role | None:
    """The role of the visitor, None for somebody who is not let in."""
    return visitor().role


def may_edit() -> bool:
    """Whether what only editors can do is offered."""
    return role() is Role.EDITOR


def editor_help() -> str | None:
    """The ``help`` of a widget that is disabled for viewers: why; None for editors."""
    return None if may_edit() else ONLY_EDITORS_HELP


def show_viewer_note(what: str) -> None:
    """Say to a viewer what ("start runs") only an editor can do here; nothing to others."""
    if not may_edit():
        st.caption(f":material/lock: You are signed in as a viewer; only an editor can {what}.")


def require_editor() -> None:
    """Raise ``NotAllowed`` unless the visitor may change things now; each action asks this."""
    found = visitor()
    if found.role is Role.EDITOR:
        return
    if found.role is Role.VIEWER:
        raise NotAllowed(f"{ONLY_EDITORS_HELP} Whoever runs this server can make you an editor.")
    raise NotAllowed(
        "You are not signed in any more, so nothing was changed. Load the page again and sign in."
    )


def editors_only(action: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Make ``action`` ask first whether the visitor may change things."""

    @wraps(action)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        require_editor()
        return action(*args, **kwargs)

    return guarded


def admit() -> None:
    """Let the visitor on, or show the sign-in page or the refusal, and end the run of the page."""
    found = visitor()
    if found.role is not None:
        if found.email is None and reachable_by_others():
            st.warning(OPEN_TO_OTHERS, icon=":material/lock_open:")
        return
    if found.may_sign_in:
        _show_sign_in(found.reason)
    else:
        _show_refusal(found)
    st.stop()


def show_account() -> None:
    """The person who is signed in and the way out, in one quiet line; nothing without sign-in."""
    found = visitor()
    if found.email is None or found.role is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="account"):
        # Not Markdown, which would make a link of the address.
        st.text(f"Signed in as {found.email}, {found.role}.", width="content")
        st.button("Sign out", type="tertiary", icon=":material/logout:", on_click=st.logout)


def reachable_by_others() -> bool:
    """Whether the server listens beyond this machine, or answers to names beyond it."""
    hosts = st.get_option("server.allowedHosts") or ["*"]
    return not all(is_loopback(host) for host in (st.get_option("server.address"), *hosts))


def warn_operator() -> None:
    """Warn whoever runs the server, on the console, about who can do what."""
    settings = current_settings()
    if "is_logged_in" not in st.user.to_dict():
        if reachable_by_others():
            log.warning(OPEN_TO_OTHERS)
    elif not settings.editors:
        log.warning(
            "Sign-in is configured and %s is empty: nobody can add, run or remove anything.",
            EDITORS_VARIABLE,
        )


def _show_sign_in(reason: str) -> None:
    st.title("Sign in")
    st.markdown("Headstart shows how much of a head start a pre-trained model gives.")
    st.markdown(escape_markdown(reason) if reason else "Sign in to look around.")
    for provider, label in _providers().items():
        st.button(
            label,
            type="primary",
            icon=":material/login:",
            key=f"sign-in.{provider}",
            on_click=_sign_in,
            args=(provider,),
        )
    if st.query_params.to_dict():
        st.caption("Afterwards you are on the first page: open your link once more.")


def _show_refusal(found: Visitor) -> None:
    st.title("You cannot come in")
    st.error(escape_markdown(found.reason), icon=":material/lock:")
    if found.email is not None:
        st.text(f"You are signed in as {found.email}.")  # Markdown would make a link of it
        st.button("Sign out", type="primary", icon=":material/logout:", on_click=st.logout)


def _providers() -> dict[str | None, str]:
    """What ``st.login`` takes and what its button says: ``[auth]``, or each ``[auth.NAME]``."""
    section = st.secrets.get("auth", {}) if st.secrets.load_if_toml_exists() else {}
    named = [
        name
        for name, table in section.items()
        if isinstance(table, Mapping) and "server_metadata_url" in table
    ]
    return {name: f"Sign in with {escape_markdown(name)}" for name in named} or {None: "Sign in"}


def _sign_in(provider: str | None) -> None:
    with error_box():
        st.login(provider)


def _secrets_problem() -> str | None:
    """Why the configuration of sign-in cannot be trusted: Streamlit takes secrets that it cannot
    read for none at all, and without them everyone would be let in."""
    if "is_logged_in" in st.user.to_dict():
        return None
    if st.secrets.load_if_toml_exists():
        if "auth" in st.secrets:
            return "The part [auth] of the secrets is empty, so nobody can sign in."
    elif any(Path(path).exists() for path in st.get_option("secrets.files")):
        return (
            "The secrets of this server cannot be read, so nobody can be let in. Its log says "
            "what is wrong with them."
        )
    return None
