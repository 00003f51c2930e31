"""The exported tables of time: where it went, and what an accuracy cost. Seconds and bytes."""

from collections.abc import Sequence
from typing import Any

from core.comparison.ledger import Ledger

Record = dict[str, Any]
# Column names, and one record a line with exactly these.
Table = tuple[Sequence[str], list[Record]]
_PARTS = ("extraction", "head", "first_epoch", "steady_epochs", "validation", "other")
_LEDGER_COLUMNS = (
    "strategy",
    "title",
    "seeds",
    "end_to_end_seconds",
    *(f"{part}_seconds" for part in _PARTS),
    "fastest_seconds",
    "slowest_seconds",
    "cache_saved_seconds",
    "cache_hits",
    "images_per_second",
    "trains_on_features",
    "peak_memory_bytes",
)
_COST_COLUMNS = ("target", "target_accuracy", "strategy", "seconds", "reached", "seeds")


def tables_of_time(ledger: Ledger) -> dict[str, Table]:
    """``ledger`` and ``cost-to-accuracy``."""
    rows = [
        {
            "strategy": row.strategy,
            "title": row.title,
            "seeds": row.seeds,
            "end_to_end_seconds": row.parts.end_to_end,
            **{f"{part}_seconds": getattr(row.parts, part) for part in _PARTS},
            "fastest_seconds": row.fastest,
            "slowest_seconds": row.slowest,
            "cache_saved_seconds": row.cache_saved,
            "cache_hits": row.cache_hits,
            "images_per_second": row.images_per_second,
            "trains_on_features": row.trains_on_features,
            "peak_memory_bytes": row.peak_memory_bytes,
        }
        for row in ledger.rows
    ]
    costs = [
        {
            "target": cost.target.title,
            "target_accuracy": cost.target.accuracy,
            "strategy": cost.strategy,
            "seconds": cost.seconds,
            "reached": cost.reached,
            "seeds": cost.seeds,
        }
        for cost in ledger.costs
    ]
    return {"ledger": (_LEDGER_COLUMNS, rows), "cost-to-accuracy": (_COST_COLUMNS, costs)}
