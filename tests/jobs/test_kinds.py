"""The table of kinds names handlers that are there."""

import pytest

from core.jobs.kinds import KINDS, POOLS


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_handler_and_a_pool(name: str) -> None:
    kind = KINDS[name]
    assert callable(kind.load())
    assert kind.name == name
    assert kind.pool in POOLS
    assert 0 <= kind.niceness <= 19
