"""Which pre-trained model, in two sentences, and what the view behind them tests."""

from collections.abc import Mapping

from core.analysis.backbones import NEARLY_EQUAL, Answer, BackboneCell, BackboneCost, BackboneMatrix
from core.analysis.words.verdicts import (
    SEEDS_DISAGREE,
    adjusted_p_words,
    holm_words,
    one_seed_words,
    outcome_phrase,
)
from core.strategies.strategy import Mode
from core.text import (
    large_count_text,
    list_text,
    milliseconds_text,
    percent_text,
    rough_percent_text,
    size_text,
)

_AS = {
    Mode.PROBE: "as a probe",
    Mode.DENSE: "under a dense head",
    Mode.SOFTMAX: "with a new softmax",
    Mode.FREEZE: "with its first layers frozen",
    Mode.FINETUNE: "fine-tuned",
    Mode.SCRATCH: "from random weights",
}
_PARTS = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def describe_answer(answer: Answer, costs: Mapping[str, BackboneCost], images: int) -> list[str]:
    """Two sentences: how good and how long beside the other, and what it costs to deploy. A third
    about other backbones of the same mode, where there are any."""
    chosen, other = answer.chosen, answer.other
    difference = chosen.score.mean - other.score.mean
    first = (
        f"{_capital(_AS[answer.mode])}, {chosen.title} "
        f"{outcome_phrase(answer.outcome, difference, other.title)} on {images:,} test images "
        f"({_details(answer)}){_time_words(chosen, other, costs)}."
    )
    if answer.pair.seeds_agree is False:
        first += f" {SEEDS_DISAGREE}"
    sentences = [first, _deployed_words(chosen, other, costs)]
    if answer.rest:
        others = [
            f"{cell.title} ({percent_text(cell.score.mean)}) "
            f"{outcome_phrase(outcome, cell.score.mean - chosen.score.mean, chosen.title)}"
            for cell, outcome, _ in answer.rest
        ]
        sentences.append(f"{list_text(others)}.")
    return sentences


def describe_family(matrix: BackboneMatrix) -> str:
    """Which pairs are tested, and for how many the p values are adjusted."""
    family = "those of two backbones trained in the same mode"
    return (
        f"{holm_words(len(matrix.pairs), family)} Networks from random weights are shown, and not "
        "tested."
    )


def describe_matrix(matrix: BackboneMatrix) -> str:
    """Every cell with its interval, backbone by backbone."""
    rows = []
    for backbone in matrix.backbones:
        cells = [(mode, matrix.cell(backbone, mode)) for mode in matrix.modes]
        title = next(cell.title for _, cell in cells if cell is not None)
        texts = [f"{mode} {cell_text(cell)}" for mode, cell in cells]
        rows.append(f"{title}: {', '.join(texts)}")
    return f"Test accuracy by backbone and mode, with 95 % intervals. {'; '.join(rows)}."


def cell_text(cell: BackboneCell | None) -> str:
    """``68.1 % (63.4 % to 72.4 %)``, or ``not run``."""
    if cell is None:
        return "not run"
    score = cell.score
    return f"{percent_text(score.mean)} ({percent_text(score.low)} to {percent_text(score.high)})"


def part_text(ratio: float) -> str:
    """One amount of time beside another: ``a ninth of the time``, ``2.5 times as long``."""
    if abs(ratio - 1) <= NEARLY_EQUAL:
        return "about as long"
    if ratio > 1:
        return f"{float(f'{ratio:.2g}'):g} times as long"
    part = round(1 / ratio) - 2
    if part < 0 or (part == 0 and abs(ratio - 0.5) > 0.05):
        return f"{rough_percent_text(ratio)} of the time"
    if part >= len(_PARTS):
        return "less than a tenth of the time"
    name = _PARTS[part]
    if name == "half":
        return "half of the time"
    return f"{'an' if name.startswith('e') else 'a'} {name} of the time"


def _details(answer: Answer) -> str:
    pair, chosen, other = answer.pair, answer.chosen.score, answer.other.score
    details = [
        f"{percent_text(chosen.mean)} and {percent_text(other.mean)}",
        adjusted_p_words(pair.adjusted_p_value, pair.pairs),
        one_seed_words((chosen.title, len(chosen.seeds)), (other.title, len(other.seeds))),
    ]
    return ", ".join(filter(None, details))


def _time_words(
    chosen: BackboneCell, other: BackboneCell, costs: Mapping[str, BackboneCost]
) -> str:
    """How long the extraction took, or the whole run where neither has one; "" if not known. Times
    that were disturbed are not compared."""
    ours, theirs = costs.get(chosen.score.strategy), costs.get(other.score.strategy)
    if ours is None or theirs is None:
        return ""
    for name, mark, purpose in (
        ("extraction_seconds", "extraction_is_disturbed", "to extract the features"),
        ("whole_run_seconds", "run_is_disturbed", "for a whole run"),
    ):
        here, there = getattr(ours, name), getattr(theirs, name)
        is_disturbed = getattr(ours, mark) or getattr(theirs, mark)
        if here and there and not is_disturbed:
            return f", and takes {part_text(here / there)} {purpose}"
    return ""


def _deployed_words(
    chosen: BackboneCell, other: BackboneCell, costs: Mapping[str, BackboneCost]
) -> str:
    ours, theirs = costs.get(chosen.score.strategy), costs.get(other.score.strategy)
    if ours is None or theirs is None or ours.parameters is None or theirs.parameters is None:
        return f"What {chosen.title} costs where it is used is not known."
    parameters = (
        f"{large_count_text(ours.parameters)} parameters instead of "
        f"{large_count_text(theirs.parameters)}"
    )
    measured = (ours.image_seconds, theirs.image_seconds, ours.file_bytes, theirs.file_bytes)
    if None in measured:
        return f"It has {parameters}; the time of one image was not measured for both."
    doubt = ""
    if ours.is_disturbed or theirs.is_disturbed:
        doubt = " Other programs were at work while that was measured, so it may be too long."
    files = f"{size_text(ours.file_bytes or 0)} instead of {size_text(theirs.file_bytes or 0)}"
    return (
        f"Where it is used, one image takes {milliseconds_text(ours.image_seconds)} instead of "
        f"{milliseconds_text(theirs.image_seconds)}, the file has {files}, and the network "
        f"{parameters}.{doubt}"
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
