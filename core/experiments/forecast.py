"""How long an experiment will take, from earlier runs in the store.

For each strategy the closest earlier run is taken (of itself, else of the same mode of a backbone
with the same layers; of these the same settings first, then this machine, the nearest image size,
the newest) and scaled: training by epochs, training images and pixels; scoring and extraction by
images and pixels; the rest (loading, tracing) is not scaled. There is no forecast for a strategy
that never ran.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    RunRecord,
    deployment_of,
    finished_runs,
)
from core.strategies.heads import are_pooled
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.settings import uses_dataset_mean
from core.strategies.strategy import Strategy
from core.training.events import RunResult

ALL_SUBSETS = ("train", "validation", "test")
Measured = tuple[ExperimentRecord, RunRecord, RunResult]


@dataclass(frozen=True)
class Forecast:
    """``seconds`` sums what is known, with extraction (once for each kind of features, whether or
    not they are in the cache); None where nothing is known. ``unknown`` names the strategies
    without a forecast. ``basis`` tells people in sentences what it is computed from.
    """

    seconds: float | None
    extraction_seconds: float
    unknown: tuple[str, ...]
    basis: str


def forecast_experiment(
    spec: ExperimentSpec, experiments: Sequence[ExperimentRecord], runs: Sequence[RunRecord]
) -> Forecast:
    """The forecast for ``spec`` from the finished ones among ``runs`` of ``experiments``."""
    return _forecast(spec, _measured(experiments, runs))


def forecast_each(
    spec: ExperimentSpec, experiments: Sequence[ExperimentRecord], runs: Sequence[RunRecord]
) -> dict[str, float]:
    """The seconds that each strategy of ``spec`` would take alone, with the extraction of its
    features; without those that never ran."""
    measured = _measured(experiments, runs)
    alone = (spec.model_copy(update={"strategies": (one,)}) for one in spec.strategies)
    found = {one.strategies[0][0]: _forecast(one, measured).seconds for one in alone}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _measured(experiments: Sequence[ExperimentRecord], runs: Sequence[RunRecord]) -> list[Measured]:
    by_id = {experiment.id: experiment for experiment in experiments}
    return [
        (by_id[run.experiment_id], run, result)
        for run, result in finished_runs(runs)
        if run.experiment_id in by_id
        # A time on another machine's GPU is no guide to this machine.
        and not (by_id[run.experiment_id].recorded and result.device_kind == "gpu")
    ]


def _forecast(spec: ExperimentSpec, measured: Sequence[Measured]) -> Forecast:
    training_seconds = 0.0
    extraction: dict[tuple[Any, ...], float] = {}
    known: dict[str, Measured] = {}
    for strategy, settings in spec.strategies:
        closest = _closest(strategy, spec, measured)
        if closest is None:
            continue
        known[strategy] = closest
        training_seconds += _scaled(closest, spec, settings) * len(spec.seeds)
        deployment = deployment_of((run for _, run, _ in measured), strategy)
        if deployment is not None:  # once, whatever the number of seeds
            training_seconds += deployment.measuring_seconds
        seconds = _scaled_extraction(closest, spec, settings)
        if seconds and "features" in find_strategy(strategy).needs(settings):
            kind = _features_kind(strategy, settings)
            extraction[kind] = max(seconds, extraction.get(kind, 0.0))
    extraction_seconds = sum(extraction.values())
    return Forecast(
        seconds=training_seconds + extraction_seconds if known else None,
        extraction_seconds=extraction_seconds,
        unknown=tuple(name for name, _ in spec.strategies if name not in known),
        basis=_basis([experiment for experiment, _, _ in known.values()], spec),
    )


def _closest(strategy: str, spec: ExperimentSpec, measured: Sequence[Measured]) -> Measured | None:
    settings = dict(spec.strategies)[strategy]
    candidates = [entry for entry in measured if _is_same_work(entry[1].strategy, strategy)]
    candidates.sort(key=lambda entry: entry[1].finished_at or "", reverse=True)  # breaks ties
    return min(
        candidates,
        key=lambda entry: (
            entry[1].strategy != strategy,
            _different_settings(find_strategy(strategy), settings, entry[1].settings),
            entry[0].recorded,
            abs(entry[0].spec.image_size - spec.image_size),
        ),
        default=None,
    )


def _is_same_work(measured: str, wanted: str) -> bool:
    """The same strategy, or the same mode of a backbone that has the same layers."""
    if measured == wanted:
        return True
    one, other = STRATEGIES.get(measured), find_strategy(wanted)
    if one is None or one.backbone is None or other.backbone is None or one.mode != other.mode:
        return False
    own = (one.backbone, other.backbone)
    return len({each.network or each.name for each in own}) == 1


def _different_settings(
    strategy: Strategy, wanted: Mapping[str, Any], measured: Mapping[str, Any]
) -> int:
    """How many of the settings that change what is computed differ.

    A setting that a stored run lacks is newer than the run, which had its value of ``quick``.
    """
    changing = [setting for setting in strategy.settings if setting.changes_work]
    return sum(
        wanted.get(setting.name, setting.quick) != measured.get(setting.name, setting.quick)
        for setting in changing
    )


def _scaled(measured: Measured, spec: ExperimentSpec, settings: Mapping[str, Any]) -> float:
    """The seconds of one run, extraction apart."""
    experiment, run, result = measured
    whole = result.total_seconds
    whole -= (result.feature_seconds or 0.0) - result.extraction_saved_seconds
    training, scoring = _parts(experiment.spec.images, result)
    fixed = max(0.0, whole - training - scoring)
    pixels = _pixel_fraction(spec, experiment.spec, settings, run)
    training *= pixels * _fraction(spec.images, experiment.spec.images, ("train",))
    if result.epochs and "epochs" in settings:
        training *= _expected_epochs(settings, run, result) / result.epochs
    scoring *= pixels * _fraction(spec.images, experiment.spec.images, ALL_SUBSETS)
    return fixed + training + scoring


def _expected_epochs(settings: Mapping[str, Any], run: RunRecord, result: RunResult) -> int:
    """As many as the measured run needed, where it stopped early by the same rule; else all."""
    planned = settings["epochs"]
    same_rule = settings.get("patience", 0) == run.settings.get("patience", 0)
    stopped_early = result.epochs < result.planned_epochs
    return min(planned, result.epochs) if same_rule and stopped_early else planned


def _parts(images: Mapping[str, int], result: RunResult) -> tuple[float, float]:
    """``(all epochs, scoring of every split)`` in seconds; the rest of a run is fixed cost.

    Scoring treats every image as validation treated the validation images.
    """
    validation = result.validation_seconds or 0.0
    steady = result.steady_epoch_seconds or result.first_epoch_seconds or 0.0
    validated = images.get("validation", 0)
    scoring = validation * sum(images.values()) / validated if validated else 0.0
    return result.epochs * (steady + validation), scoring


def _scaled_extraction(
    measured: Measured, spec: ExperimentSpec, settings: Mapping[str, Any]
) -> float:
    experiment, run, result = measured
    extracted = result.feature_images or _all_images(experiment.spec)
    subsets = find_strategy(run.strategy).subsets_with_features(settings)
    needed = sum(spec.images.get(subset, 0) for subset in subsets)
    seconds = result.feature_seconds or 0.0
    seconds *= needed / extracted if needed and extracted else 1.0
    return seconds * _pixel_fraction(spec, experiment.spec, settings, run)


def _all_images(spec: ExperimentSpec) -> float:
    """Images of the whole split, also where only a fraction was trained on."""
    images = spec.images
    return sum(images.values()) + images.get("train", 0) * (1 / spec.train_share - 1)


def _features_kind(strategy: str, settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Strategies of the same kind find each other's features in the cache."""
    found = find_strategy(strategy)
    backbone = found.backbone.name if found.backbone else None
    include_top = found.include_top(settings)
    return (backbone, include_top, are_pooled(settings), uses_dataset_mean(settings))


def _fraction(
    wanted: Mapping[str, int], measured: Mapping[str, int], subsets: Sequence[str]
) -> float:
    before = sum(measured.get(subset, 0) for subset in subsets)
    now = sum(wanted.get(subset, 0) for subset in subsets)
    return now / before if before and now else 1.0


def _pixel_fraction(
    wanted: ExperimentSpec, measured: ExperimentSpec, settings: Mapping[str, Any], run: RunRecord
) -> float:
    """How many times as many pixels the network computes on; 1 where its top fixes the size."""
    side = find_strategy(run.strategy).network_side
    return (side(settings, wanted.image_size) / side(run.settings, measured.image_size)) ** 2


def _basis(known: Sequence[ExperimentRecord], spec: ExperimentSpec) -> str:
    """``known``: the experiment that each strategy with a forecast was measured in."""
    if not known:
        return "None of these strategies has run here yet, so there is no forecast."
    elsewhere = [experiment.origin.machine for experiment in known if experiment.origin]
    sentences = []
    if here := len(known) - len(elsewhere):
        sentences.append(
            f"From earlier runs on this machine ({here} of {len(known)} known strategies)."
        )
    if elsewhere:
        sentences.append(
            f"Measured on {', '.join(sorted(set(elsewhere)))}, not on this machine: here it can be "
            "faster or several times as slow. After one run here the forecast is from this machine."
        )
    sizes = sorted({experiment.spec.image_size for experiment in known} - {spec.image_size})
    if sizes:
        listed = ", ".join(f"{size} px" for size in sizes)
        sentences.append(f"Scaled by the number of pixels from {listed} to {spec.image_size} px.")
    if any(settings.get("patience") for _, settings in spec.strategies):
        sentences.append("Early stopping can end a run sooner.")
    return " ".join(sentences)
