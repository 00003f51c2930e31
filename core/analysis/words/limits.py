"""The limits of an exported model in sentences, for its model card."""

from core.analysis.evidence import ExperimentPredictions
from core.analysis.scores import ClassScore, StrategyScore
from core.analysis.words.verdicts import TIED, always, points_words
from core.datasets.dataset import Dataset
from core.experiments.spec import ExperimentSpec
from core.text import exact_percent_text, percent_text, some_text

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
    evidence: ExperimentPredictions,
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
            f"It was trained on {exact_percent_text(spec.train_share)} of the training pictures "
            "only."
        )
    return tuple(found)


def _beside_majority(evidence: ExperimentPredictions, accuracy: StrategyScore) -> str:
    baseline = f"{always(evidence.majority_name)} ({percent_text(accuracy.majority)})"
    low, high, majority = accuracy.low or 0.0, accuracy.high or 1.0, accuracy.majority or 0.0
    if low > majority:
        return f"It is better than {baseline}: the whole interval of its accuracy lies above."
    if high < majority:
        return f"It is worse than {baseline}. Do not use it."
    return f"It {TIED} from {baseline} on these test pictures. Do not use it."


def _small_test(evidence: ExperimentPredictions, accuracy: StrategyScore) -> list[str]:
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
    listed = some_text([f"{entry.name} ({entry.images:,})" for entry in few], NAMED)
    return [
        f"Classes with fewer than {FEW_TEST_PICTURES} test pictures: {listed}. The numbers for "
        "them are little more than a guess."
    ]


def _weak(classes: tuple[ClassScore, ...]) -> list[str]:
    weak = sorted(
        (entry for entry in classes if entry.recall is not None and entry.recall < 0.5),
        key=lambda entry: entry.recall or 0.0,
    )
    if not weak:
        return []
    listed = some_text([f"{entry.name} ({percent_text(entry.recall)})" for entry in weak], NAMED)
    return [f"Classes of whose pictures it predicts fewer than half correctly: {listed}."]


def _confidence(calibration: StrategyScore) -> list[str]:
    return [
        "Its probabilities are not the chance to be right: on average they lie "
        f"{points_words(calibration.mean)} away from how often such predictions are correct "
        "(calibration error)."
    ]


def _copies(dataset: Dataset) -> list[str]:
    groups = dataset.health.near_duplicate_groups
    found = []
    if groups:
        pictures = dataset.health.images_in_groups
        found.append(
            f"The dataset holds {groups:,} groups of pictures that look nearly the same "
            f"({pictures:,} pictures). Each group is in one subset of the split, so none was "
            "trained on and tested with; but such pictures are counted several times."
        )
    conflicts = len(dataset.health.label_conflicts)
    if conflicts:
        found.append(f"{conflicts:,} pictures appear in the dataset under two labels.")
    return found
