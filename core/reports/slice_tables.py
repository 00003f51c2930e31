"""The tables of the view "Where it helps": every strategy in every slice, and the pair's gains."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.analysis.evidence import ExperimentPredictions
from core.analysis.image_properties import kept_measurements
from core.analysis.slice_gains import Difference, SliceGain, slice_gains
from core.analysis.slices import experiment_slices, slice_accuracies
from core.analysis.words.slices import describe_slice_gain, slice_title
from core.datasets.storage import open_dataset
from core.errors import UnknownName
from core.experiments.records import ExperimentRecord

_OF_DIFFERENCE = tuple(Difference.__dataclass_fields__)
_OF_SLICE = ("property", "slice", "title", "images")
_ACCURACY = ("strategy", "seeds", "accuracy", "low", "high")
_GAIN = (
    *("first", "second", "first_accuracy", "second_accuracy"),
    *(f"gain_{name}" for name in _OF_DIFFERENCE),
    "elsewhere",
    *(f"beyond_{name}" for name in _OF_DIFFERENCE),
    *("fixed", "regressed", "tests", "words"),
)


def slice_tables(
    evidence: ExperimentPredictions, experiment: ExperimentRecord, pair: tuple[str, str] | None
) -> Mapping[str, tuple[Sequence[str], list[Sequence[Any]]]]:
    """``slice-accuracies`` and ``slice-gains`` (of ``pair``), column names and lines of each.

    Slices are those of the page: by what is measured on pixels only where somebody had it measured,
    and by class alone where the dataset is no longer here.
    """
    try:
        dataset = open_dataset(experiment.spec.dataset_id)
    except UnknownName:
        dataset = None
    measurements = kept_measurements(experiment.id)
    slicing = experiment_slices(evidence, experiment, dataset, measurements)
    classes = evidence.classes
    of_slices = {
        one.key: (one.kind.value, one.key, slice_title(one, classes), one.images)
        for one in slicing.slices
    }
    accuracies: list[Sequence[Any]] = [
        [*of_slices[one.key], *(getattr(one, name) for name in _ACCURACY)]
        for one in slice_accuracies(evidence, slicing)
    ]
    gains: list[Sequence[Any]] = []
    if pair is not None:
        found = slice_gains(evidence, slicing.slices, *pair)
        gains = [
            [
                *of_slices[one.of.key],
                *pair,
                *_numbers(one),
                found.tests,
                describe_slice_gain(one, found, classes),
            ]
            for one in found.entries
        ]
    return {
        "slice-accuracies": ((*_OF_SLICE, *_ACCURACY), accuracies),
        "slice-gains": ((*_OF_SLICE, *_GAIN), gains),
    }


def _numbers(one: SliceGain) -> list[Any]:
    return [
        *(one.first_accuracy, one.second_accuracy),
        *(getattr(one.gain, name) for name in _OF_DIFFERENCE),
        one.elsewhere,
        *(one.beyond and getattr(one.beyond, name) for name in _OF_DIFFERENCE),
        *(one.fixed, one.regressed),
    ]
