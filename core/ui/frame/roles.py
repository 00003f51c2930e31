"""Who may do what: the rules of sign-in, without Streamlit.

A visitor has a role, or a sentence that says why not. Where sign-in is not configured everyone who
reaches the server is an editor, as on one's own machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.settings import EDITORS_VARIABLE, VIEWERS_VARIABLE, Settings


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
