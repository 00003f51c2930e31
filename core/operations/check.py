"""What one check of the set-up found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import HeadstartError, words_of

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Check:
    """What was found about one part of the set-up.

    ``state``: ``problem`` where something does not work, ``note`` where a person should know
    something. ``found`` is a sentence; ``to_do`` says what to do, and is empty where nothing is.
    """

    name: str
    state: State
    found: str
    to_do: str = ""


Checks = Callable[[], Iterator[Check]]


def run_checks(name: str, checks: Checks) -> list[Check]:
    """The results of ``checks``; one that ends in an error is a problem under ``name``."""
    found: list[Check] = []
    try:
        found.extend(checks())
    except (HeadstartError, OSError) as error:
        found.append(Check(name, "problem", words_of(error) or str(error)))
    return found


def is_fit(found: list[Check]) -> bool:
    """Whether no check found a problem."""
    return all(check.state != "problem" for check in found)
