"""What a list of experiments says of each: made once, kept in the store."""

from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from core.analysis.evidence import load_evidence
from core.analysis.summary import Summary, summary_of
from core.analysis.time_breakdown import load_time_breakdown
from core.analysis.verdicts import Outcome, PairVerdict
from core.experiments.records import finished_runs
from core.experiments.removal import size_of_run
from core.experiments.store import Store
from core.experiments.summaries import keep_summary, read_summaries


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PretrainingGain:
    """Accuracy of ``pretrained`` minus that of ``scratch`` (titles), -1 to 1, with its 95 %
    interval over images and seeds, and what the test finds."""

    scratch: str
    pretrained: str
    difference: float
    low: float
    high: float
    outcome: Outcome


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ListedResult:
    """The best strategy by its title with its accuracy (0 to 1) and the 95 % interval, the gain
    over the majority class with whether the test finds it, what pre-training gained (None: not
    tried), the cheapest strategy that cannot be told apart from the best.

    ``seconds``: of all runs together; ``size_bytes``: of their predictions and weights here;
    ``device``: that of the runs, several joined with semicolons.
    """

    best: str
    accuracy: float
    low: float
    high: float
    gain: float
    is_better: bool
    pretraining: PretrainingGain | None
    cheapest: str | None
    cheapest_seconds: float | None
    seconds: float
    device: str
    size_bytes: int

    @property
    def outcome(self) -> Outcome | None:
        """Whether pre-training helps; None where it was not tried."""
        return self.pretraining.outcome if self.pretraining else None

    @property
    def difference(self) -> float | None:
        return self.pretraining.difference if self.pretraining else None


_LISTED = TypeAdapter(ListedResult)
_NOTHING = "{}"
MOST_READ = 20_000


def listed_results(store: Store) -> tuple[dict[str, ListedResult | None], dict[str, str]]:
    """What is kept, by experiment (None: no run has finished), and the marks of those that
    ``list_result`` has to make."""
    kept, marks = read_summaries(store.database)
    found: dict[str, ListedResult | None] = {}
    for experiment_id, text in kept.items():
        with suppress(ValidationError):  # of another edition, or damaged: it is made anew
            found[experiment_id] = _read(text)
    return found, {one: mark for one, mark in marks.items() if one not in found}


@lru_cache(maxsize=MOST_READ)
def _read(text: str) -> ListedResult | None:
    """The same for the same text: most are as they were when the store changed last."""
    return None if text == _NOTHING else _LISTED.validate_json(text)


def list_result(store: Store, experiment_id: str, mark: str) -> ListedResult | None:
    """Make and keep it, up to a second; None where no run has finished yet."""
    evidence = load_evidence(store, experiment_id)
    summary = summary_of(evidence, load_time_breakdown(store, experiment_id))
    found = None if summary is None else _listed(store, experiment_id, summary)
    keep_summary(store.database, experiment_id, mark, {} if found is None else asdict(found))
    return found


def _listed(store: Store, experiment_id: str, summary: Summary) -> ListedResult:
    finished = finished_runs(store.runs(experiment_id))
    cheapest = summary.cheapest
    low, high = summary.best_interval
    return ListedResult(
        best=summary.best.title,
        accuracy=summary.best.accuracy,
        low=low,
        high=high,
        gain=summary.verdict.difference,
        is_better=summary.verdict.is_better,
        pretraining=_pretraining(summary.head_start),
        cheapest=cheapest.title if cheapest else None,
        cheapest_seconds=cheapest.seconds if cheapest else None,
        seconds=sum(result.total_seconds for _, result in finished),
        device="; ".join(sorted({result.device for _, result in finished})),
        size_bytes=sum(size_of_run(run.id) for run, _ in finished),
    )


def _pretraining(pair: PairVerdict | None) -> PretrainingGain | None:
    if pair is None or pair.low is None or pair.high is None:
        return None
    return PretrainingGain(
        scratch=pair.first_title,
        pretrained=pair.second_title,
        difference=pair.difference,
        low=pair.low,
        high=pair.high,
        outcome=pair.settled_outcome,
    )
