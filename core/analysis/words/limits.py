"""The limits of an exported model in sentences, for its model card."""

from core.analysis.evidence import ExperimentPredictions
from core.analysis.scores import ClassScore, StrategyScore
from core.analysis.words.verdicts import TIED, always, points_words
from core.datasets.dataset import Dataset
from core.experiments.records import ExperimentSpec
from core.text import exact_percent_text, percent_text, some_text

FEW_TEST_IMAGES = 10
# Half an interval: above this the test set is called small.
WIDE_INTERVAL = 0.05
NAMED = 5
RESIZED = {
    "stretch": "pictures that are not square are stretched",
    "pad": "pictures that are not square get a white border",
    "crop": "only the middle of pictures that are not square is seen",
}


def limits(
    spec: ExperimentSpec,
    dataset: Dataset,
    evidence: ExperimentPredictions,
    scores: dict[str, StrategyScore],
    classes: tuple[ClassScore, ...],
) -> tuple[str, ...]:
    """Sentences, plain text; ``evidence`` holds the predictions of this one run alone."""
    found = [
        f"It predicts one of its {len(classes):,} classes for every picture, even for a picture "
        "of something else, possibly with high confidence.",
        f"It was tested on {evidence.images:,} pictures of the collection that it was trained on. "
        "It may do much worse on pictures made in another way (another camera, drawings instead "
        "of photographs): test it on yours first.",
        _beside_majority(evidence, scores["accuracy"]),
        *_small_test(evidence, scores["accuracy"]),
    ]
    few = [entry for entry in classes if entry.images < FEW_TEST_IMAGES]
    if few:
        names = some_text([f"{entry.name} ({entry.images:,})" for entry in few], NAMED)
        found.append(
            f"Classes with fewer than {FEW_TEST_IMAGES} test pictures: {names}. "
            "Their numbers are little more than a guess."
        )
    recalls = [(entry.recall, entry.name) for entry in classes if entry.recall is not None]
    weak = sorted((entry for entry in recalls if entry[0] < 0.5), key=lambda entry: entry[0])
    if weak:
        names = some_text([f"{name} ({percent_text(recall)})" for recall, name in weak], NAMED)
        found.append(f"Classes with a recall below 50 %: {names}.")
    found += [
        "Its confidence is not the chance to be correct: on average it is "
        f"{points_words(scores['calibration_error'].mean)} away from the fraction of correct "
        "predictions (calibration error).",
        f"It sees pictures at {spec.image_size} x {spec.image_size} pixels: small details are "
        f"lost, and {RESIZED[spec.resize]}.",
    ]
    health = dataset.health
    if health.near_duplicate_groups:
        found.append(
            f"The dataset holds {health.near_duplicate_groups:,} groups of pictures that look "
            f"nearly the same ({health.images_in_groups:,} pictures). Each group is in one subset "
            "of the split, so none was both trained on and tested on; but such pictures count "
            "several times."
        )
    if health.label_conflicts:
        conflicts = len(health.label_conflicts)
        found.append(f"{conflicts:,} pictures are in the dataset with two labels.")
    if spec.train_share != 1:
        fraction = exact_percent_text(spec.train_share)
        found.append(f"It was trained on {fraction} of the training pictures only.")
    return tuple(found)


def _beside_majority(evidence: ExperimentPredictions, accuracy: StrategyScore) -> str:
    baseline = f"{always(evidence.majority_name)} ({percent_text(accuracy.majority)})"
    low, high, majority = accuracy.low or 0.0, accuracy.high or 1.0, accuracy.majority or 0.0
    if low > majority:
        return f"It is better than {baseline}: the whole interval of its accuracy is above."
    if high < majority:
        return f"It is worse than {baseline}. Do not use it."
    return f"It {TIED} from {baseline} on these test pictures. Do not use it."


def _small_test(evidence: ExperimentPredictions, accuracy: StrategyScore) -> list[str]:
    if accuracy.low is None or accuracy.high is None:
        return []
    half = (accuracy.high - accuracy.low) / 2
    if half <= WIDE_INTERVAL:
        return []
    return [
        f"The test set is small: with {evidence.images:,} pictures the accuracy is only known to "
        f"about ±{points_words(half)}."
    ]
