"""What a kept model cannot be trusted with, said from what is known of it: for its model card."""

from core.charts.style import percent_text
from core.comparison.evidence import Evidence
from core.comparison.scores import ClassScore, StrategyScore
from core.comparison.verdict_words import points_words, quoted
from core.datasets.model import Dataset
from core.runs.experiment_spec import ExperimentSpec

FEW_TEST_PICTURES = 10
SURE_ENOUGH = 0.05
NAMED = 5
RESIZED = {
    "stretch": "their proportions are lost",
    "pad": "white is put around them",
    "crop": "only the middle of them is seen",
}


def limits(
    spec: ExperimentSpec,
    dataset: Dataset,
    evidence: Evidence,
    scores: dict[str, StrategyScore],
    classes: tuple[ClassScore, ...],
) -> tuple[str, ...]:
    """Sentences, plain text; ``evidence`` holds the answers of this one run alone."""
    found = [
        f"It answers one of its {len(classes):,} classes for every picture, also for a picture "
        "of something else altogether, and may be sure of it.",
        f"It was measured on {evidence.images:,} pictures of the same collection that it was "
        "trained on. Pictures that were made in another way (another camera, drawings instead of "
        "photographs) may do much worse: measure it on yours first.",
        _beside_majority(evidence, scores["accuracy"]),
        *_small_test(evidence, scores["accuracy"]),
        *_few(classes),
        *_weak(classes),
        *_confidence(scores["calibration_error"]),
        f"It sees pictures at {spec.image_size} x {spec.image_size} pixels: smaller things are "
        f"lost, and of pictures that are not square {RESIZED[spec.resize]}.",
        *_copies(dataset),
    ]
    if spec.train_share != 1:
        found.append(
            f"It was trained on {100 * spec.train_share:g} % of the training pictures only."
        )
    return tuple(found)


def _beside_majority(evidence: Evidence, accuracy: StrategyScore) -> str:
    share = percent_text(accuracy.majority)
    always = f"always answering {quoted(evidence.majority_name)} ({share})"
    low, high, majority = accuracy.low or 0.0, accuracy.high or 1.0, accuracy.majority or 0.0
    if low > majority:
        return f"It is better than {always}: the whole interval of its accuracy lies above."
    if high < majority:
        return f"It is worse than {always}. Do not use it."
    return f"It cannot be told apart from {always} on these test pictures. Do not use it."


def _small_test(evidence: Evidence, accuracy: StrategyScore) -> list[str]:
    if accuracy.low is None or accuracy.high is None:
        return []
    half = (accuracy.high - accuracy.low) / 2
    if half <= SURE_ENOUGH:
        return []
    return [
        f"The test set is small: with {evidence.images:,} pictures the accuracy is known to about "
        f"{points_words(half)} up or down only."
    ]


def _few(classes: tuple[ClassScore, ...]) -> list[str]:
    few = [entry for entry in classes if entry.images < FEW_TEST_PICTURES]
    if not few:
        return []
    listed = _listed([f"{entry.name} ({entry.images:,})" for entry in few])
    return [
        f"Classes with fewer than {FEW_TEST_PICTURES} test pictures: {listed}. What is said of "
        "them is little more than a guess."
    ]


def _weak(classes: tuple[ClassScore, ...]) -> list[str]:
    weak = sorted(
        (entry for entry in classes if entry.recall is not None and entry.recall < 0.5),
        key=lambda entry: entry.recall or 0.0,
    )
    if not weak:
        return []
    listed = _listed([f"{entry.name} ({percent_text(entry.recall)})" for entry in weak])
    return [f"Classes of whose pictures it names fewer than half right: {listed}."]


def _confidence(calibration: StrategyScore) -> list[str]:
    return [
        "Its probabilities are not the chance to be right: on average they lie "
        f"{points_words(calibration.mean)} away from how often such answers are right "
        "(calibration error)."
    ]


def _copies(dataset: Dataset) -> list[str]:
    groups = int(dataset.health.get("near_duplicate_groups", 0))
    found = []
    if groups:
        pictures = int(dataset.health.get("images_in_groups", 0))
        found.append(
            f"The dataset holds {groups:,} groups of pictures that look nearly the same "
            f"({pictures:,} pictures). Each group is on one side of the split, so none was trained "
            "on and tested with; but such pictures are counted several times."
        )
    conflicts = len(dataset.health.get("label_conflicts", ()))
    if conflicts:
        found.append(f"{conflicts:,} pictures stand in the dataset under two labels.")
    return found


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
