"""How far times of the same work agree on a quiet machine: measured by ``benchmarks.clocks``."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.settings import BUNDLED_DATA

REPEATS_FILE = BUNDLED_DATA / "repeats.json"

_Difference = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Agreement(BaseModel):
    """Of the steady epochs of ``undisturbed`` runs of one strategy: the largest and the median
    difference of any two, as fractions of the shorter one; None with fewer than two."""

    model_config = ConfigDict(frozen=True)

    undisturbed: int
    largest_difference: _Difference | None
    median_difference: _Difference | None


class Repeats(BaseModel):
    """The agreement of each strategy, and where and when it was measured (ISO 8601)."""

    model_config = ConfigDict(frozen=True)

    date: str
    device: str
    strategies: dict[str, Agreement]


def recorded_repeats() -> Repeats | None:
    """Those that come with Headstart; None where nobody has measured them.

    Raises ``ValueError`` for a file that holds anything else.
    """
    if not REPEATS_FILE.exists():
        return None
    return Repeats.model_validate_json(REPEATS_FILE.read_bytes())
