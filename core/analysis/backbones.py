"""Which pre-trained model? Every backbone and mode of an experiment, and which to take.

Backbones are compared in the same mode, image by image. Holm's correction is over these pairs
alone: the pairs that ``BackboneMatrix.pairs`` has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from core.analysis.choice import smallest_first
from core.analysis.comparison import Row
from core.analysis.evidence import ExperimentPredictions
from core.analysis.scores import StrategyScore, score_table
from core.analysis.verdicts import Outcome, PairVerdict, family_of_pairs
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Mode

# Costs this close together, as a fraction, are no reason to prefer one.
NEARLY_EQUAL = 0.1


@dataclass(frozen=True)
class BackboneCell:
    """One backbone trained in one mode; ``score`` is its test accuracy. ``title`` is the
    backbone's, for people."""

    backbone: str
    title: str
    mode: Mode
    score: StrategyScore


@dataclass(frozen=True)
class BackboneMatrix:
    """What was run: names of ``backbones`` in the order of the ladder, and ``modes`` in theirs.

    ``pairs`` are the pairs of backbones in the same mode that are tested, modes from random weights
    left out, with intervals; ``images`` is the number of test images. ``saw_test_images`` are the
    strategies that have seen some of these.
    """

    backbones: tuple[str, ...]
    modes: tuple[Mode, ...]
    cells: tuple[BackboneCell, ...]
    pairs: tuple[PairVerdict, ...]
    images: int
    saw_test_images: frozenset[str] = frozenset()

    def cell(self, backbone: str, mode: Mode) -> BackboneCell | None:
        """None for what was not run."""
        return next(
            (cell for cell in self.cells if (cell.backbone, cell.mode) == (backbone, mode)), None
        )

    def pairs_by_mode(self) -> dict[Mode, dict[str, PairVerdict]]:
        """``pairs`` of each mode that has any, by the titles of the backbones: ``A over B``."""
        found: dict[Mode, dict[str, PairVerdict]] = {}
        for mode in self.modes:
            titles = {cell.score.strategy: cell.title for cell in self.cells if cell.mode is mode}
            pairs = {
                f"{titles[pair.second]} over {titles[pair.first]}": pair
                for pair in self.pairs
                if pair.first in titles
            }
            found |= {mode: pairs} if pairs else {}
        return found

    @property
    def scores(self) -> tuple[StrategyScore, ...]:
        return tuple(cell.score for cell in self.cells)


@dataclass(frozen=True)
class Answer:
    """The backbone to take, beside another one, both trained in ``mode``.

    ``chosen`` has the lowest cost of those that cannot be told apart from the most accurate one; of
    costs within ``NEARLY_EQUAL`` it is the smallest network, which costs less to use. ``other`` is
    the most accurate one, or where that is chosen, the next. ``outcome`` is ``chosen`` beside
    ``other``, by ``pair``. ``rest`` are the other backbones of the mode, each with its outcome
    beside ``chosen``, and with its pair.
    """

    mode: Mode
    chosen: BackboneCell
    other: BackboneCell
    outcome: Outcome
    pair: PairVerdict
    rest: tuple[tuple[BackboneCell, Outcome, PairVerdict], ...]


def backbone_matrix(evidence: ExperimentPredictions) -> BackboneMatrix:
    """From the predictions of an experiment; empty where no strategy has a backbone."""
    cells = []
    for score in score_table(evidence):
        strategy = STRATEGIES.get(score.strategy)
        if strategy is not None and strategy.backbone is not None and strategy.mode is not None:
            backbone = strategy.backbone
            cells.append(BackboneCell(backbone.name, backbone.title, strategy.mode, score))
    modes = {cell.mode for cell in cells}
    pairs = [
        (first.score.strategy, second.score.strategy)
        for first, second in combinations(cells, 2)
        if first.mode is second.mode and first.mode is not Mode.SCRATCH
    ]
    return BackboneMatrix(
        backbones=tuple(dict.fromkeys(cell.backbone for cell in cells)),
        modes=tuple(mode for mode in Mode if mode in modes),
        cells=tuple(cells),
        pairs=family_of_pairs(evidence, pairs, with_intervals=True),
        images=evidence.images,
        saw_test_images=evidence.saw_test_images,
    )


def answer_of(matrix: BackboneMatrix, seconds: Mapping[str, float]) -> Answer | None:
    """The backbone to take in the mode that most of them share, of equals the earlier mode.

    ``seconds`` is the cost by strategy; one without a cost comes last. None where no two backbones
    were trained in the same mode. Those that have seen test images are left out.
    """
    fair = [cell for cell in matrix.cells if cell.score.strategy not in matrix.saw_test_images]
    by_mode = {
        mode: [cell for cell in fair if cell.mode is mode]
        for mode in matrix.modes
        if mode is not Mode.SCRATCH
    }
    mode = max(by_mode, key=lambda each: len(by_mode[each]), default=None)
    if mode is None or len(by_mode[mode]) < 2:
        return None
    ranked = sorted(by_mode[mode], key=lambda cell: -cell.score.mean)
    best = ranked[0]
    level = [best] + [cell for cell in ranked[1:] if _beside(matrix, cell, best)[0] is Outcome.TIED]
    chosen = _cheapest(level, seconds)
    other = best if chosen is not best else ranked[1]
    outcome, pair = _beside(matrix, chosen, other)
    rest = [cell for cell in ranked if cell not in (chosen, other)]
    return Answer(
        mode,
        chosen,
        other,
        outcome,
        pair,
        tuple((cell, *_beside(matrix, cell, chosen)) for cell in rest),
    )


def _cheapest(cells: Sequence[BackboneCell], seconds: Mapping[str, float]) -> BackboneCell:
    """By ``seconds``; of those that cost nearly as little as the cheapest, the smallest network."""
    costs = [seconds.get(cell.score.strategy, float("inf")) for cell in cells]
    limit = min(costs) * (1 + NEARLY_EQUAL)
    near = {
        cell.score.strategy: cell for cell, cost in zip(cells, costs, strict=True) if cost <= limit
    }
    return near[smallest_first(list(near))[0]]


def _beside(
    matrix: BackboneMatrix, cell: BackboneCell, other: BackboneCell
) -> tuple[Outcome, PairVerdict]:
    """``cell`` beside ``other``, and the pair that says so; tied where the seeds disagree."""
    names = {cell.score.strategy, other.score.strategy}
    pair = next(pair for pair in matrix.pairs if {pair.first, pair.second} == names)
    outcome = pair.settled_outcome
    if pair.second != cell.score.strategy and outcome is not Outcome.TIED:
        outcome = Outcome.BEHIND if outcome is Outcome.AHEAD else Outcome.AHEAD
    return outcome, pair


@dataclass(frozen=True)
class BackboneCost:
    """What a strategy costs; None is not known. ``extraction_seconds`` is None without features.

    ``is_disturbed``, ``run_is_disturbed`` and ``extraction_is_disturbed``: other work on the
    machine made the time of one image, of the run, of the extraction longer.
    """

    whole_run_seconds: float | None
    extraction_seconds: float | None
    image_seconds: float | None
    parameters: int | None
    file_bytes: int | None
    is_disturbed: bool
    run_is_disturbed: bool = False
    extraction_is_disturbed: bool = False


def costs_of(rows: Sequence[Row]) -> dict[str, BackboneCost]:
    """By strategy, from the rows of the comparison."""
    return {
        row.strategy: BackboneCost(
            whole_run_seconds=row.end_to_end_seconds,
            extraction_seconds=row.feature_seconds,
            image_seconds=row.deployment.image_seconds if row.deployment else None,
            parameters=row.parameters,
            file_bytes=row.deployment.file_bytes if row.deployment else None,
            is_disturbed=bool(row.deployment and row.deployment.is_disturbed),
            run_is_disturbed="end_to_end_seconds" in row.disturbed,
            extraction_is_disturbed="feature_seconds" in row.disturbed,
        )
        for row in rows
        if row.strategy in STRATEGIES and STRATEGIES[row.strategy].backbone is not None
    }
