"""Moments and leases: how long a process that says nothing is still believed to be alive."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def as_text(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: all of one length, so text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class LeaseClock:
    """The clock that all verbs of the store read; a lease lasts ``lease_seconds`` from now."""

    lease_seconds: float
    _now: Callable[[], datetime]

    def moment(self) -> str:
        return as_text(self._now())

    def lease_end(self) -> str:
        return as_text(self._now() + timedelta(seconds=self.lease_seconds))
