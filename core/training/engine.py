"""``train(spec, dataset, split)``: one strategy, one seed, from images to predictions.

It yields progress and epoch records while it works and a ``TrainingOutcome`` at the end; the caller
(worker, notebook, test) decides where they go. Written against Keras 3 alone, so that the same code
runs on TensorFlow, JAX and PyTorch.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.backbones.backend import dtype_policy, load_keras, out_of_memory_named
from core.backbones.feature_set import FeatureSet
from core.backbones.features import FeatureRequest, Sharing, extract_features
from core.conditions import Look, Meter, look_at_machine, look_at_machine_and_gpu
from core.datasets.choices import SUBSETS
from core.datasets.dataset import Dataset
from core.datasets.prepare import PreparedImages, prepare_images
from core.datasets.split import Split
from core.devices import processor_name
from core.strategies.augmentation import augmentation_of
from core.strategies.heads import are_pooled
from core.strategies.network import BuildContext, Plan, Stage, build_plan
from core.strategies.registry import find_strategy
from core.strategies.settings import uses_dataset_mean
from core.training.clock import MONOTONIC, Clock, Stopwatch, progress_of
from core.training.events import (
    EpochRecord,
    Event,
    Predictions,
    Progress,
    RunConditions,
    RunResult,
    SubsetScores,
    TrainingOutcome,
)
from core.training.fitting import Fitted, Fitting, TrainingData
from core.training.policy import (
    DevicePolicy,
    choose_policy,
    library_versions,
    note_libraries,
    peak_memory_bytes,
)
from core.training.scoring import Inputs, predict, score
from core.training.spec import TrainingSpec
from core.training.steady import steady_epochs

FEATURE_BATCH = 32
# The first traces and compiles; three make a median.
EPOCHS_AGAIN = 4


def train(
    spec: TrainingSpec,
    dataset: Dataset,
    split: Split,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Clock = MONOTONIC,
    look: Look | None = None,
    sharing: Sharing | None = None,
) -> Iterator[Event]:
    """Train on ``split`` of ``dataset`` as ``spec`` says; yields the events of
    ``core.training.events``.

    ``split`` is ``spec.subsets_of(dataset)``. ``should_stop`` is asked after every batch. ``look``
    tells what the machine did meanwhile; None chooses it by the device. ``sharing``: with whom
    features are extracted together. Raises ``Cancelled``, ``TrainingDiverged``, ``OutOfMemory``,
    ``WeightsUnavailable`` or ``WeightsRefused``, ``UnknownName`` for a strategy that is not there.
    """
    started = clock()
    meter = Meter(look or look_at_machine)
    strategy = find_strategy(spec.strategy)
    shared_seconds = 0.0
    if strategy.estimator is not None:
        outcome = _estimate(strategy.estimator(), dataset, split)
    else:
        training = _Training(spec, dataset, split, should_stop, clock, look, sharing)
        outcome = yield from training.run()
        shared_seconds = training.shared_seconds
    seconds = clock() - started - shared_seconds
    of_parts = outcome.result.conditions or RunConditions()
    # The whole run began before it was known where it runs: its GPU is that of its epochs.
    epochs = of_parts.steady_epochs or of_parts.first_epoch
    whole_run = replace(meter.conditions(), gpu=epochs.gpu if epochs else None)
    conditions = replace(of_parts, whole_run=whole_run)
    result = replace(outcome.result, total_seconds=seconds, conditions=conditions)
    yield replace(outcome, result=result)


def measure_again(
    spec: TrainingSpec,
    dataset: Dataset,
    split: Split,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress | EpochRecord]:
    """Train the main stage of ``train`` for ``EPOCHS_AGAIN`` epochs, for their times alone.

    The work of an epoch is the same whatever the weights are, so nothing is fitted before it, and
    nothing is scored or kept. Arguments and errors are those of ``train``.
    """
    training = _Training(spec, dataset, split, should_stop, MONOTONIC, None)
    return training.measure_again(EPOCHS_AGAIN)


def _estimate(estimator: Any, dataset: Dataset, split: Split) -> TrainingOutcome:
    """A scikit-learn estimator that looks at labels alone: no Keras, no device, no epochs."""
    estimator.fit(np.zeros((len(split.train), 1)), dataset.labels[split.train])

    def probabilities(indices: np.ndarray) -> np.ndarray:
        whole = np.zeros((len(indices), len(dataset.classes)), np.float32)
        whole[:, estimator.classes_] = estimator.predict_proba(np.zeros((len(indices), 1)))
        return whole

    found = {name: probabilities(getattr(split, name)) for name in SUBSETS}
    result = RunResult(
        scores=_scores(found, dataset, split),
        device=processor_name(),
        device_kind="cpu",
        precision="float32",
        backend="scikit-learn",
        peak_memory_bytes=peak_memory_bytes(),
        versions=library_versions(),
    )
    return TrainingOutcome(result, _predictions(found["test"], dataset, split))


def mean_colour(spec: TrainingSpec, dataset: Dataset) -> tuple[float, float, float]:
    """What the backbone subtracts (0 to 255, red first): its own mean, or that of the training
    images alone. Without a backbone nothing is subtracted."""
    backbone = find_strategy(spec.strategy).backbone
    if backbone is None:
        return 0.0, 0.0, 0.0
    if not uses_dataset_mean(spec.settings):
        return backbone.preparation.mean_rgb
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    train = spec.subsets_of(dataset).train
    total = np.zeros(prepared.shape[-1], np.float64)
    for index in train:
        total += prepared.take(np.array([index])).mean(axis=(0, 1, 2))
    red, green, blue = (float(round(value, 3)) for value in np.broadcast_to(total / len(train), 3))
    return red, green, blue


def build_context(
    spec: TrainingSpec,
    dataset: Dataset,
    image_shape: tuple[int, int, int],
    mean_rgb: tuple[float, float, float],
    policy: DevicePolicy,
) -> BuildContext:
    """What the network of ``spec`` depends on, on stored images of ``image_shape``."""
    backbone = find_strategy(spec.strategy).backbone
    return BuildContext(
        image_shape,
        spec.image_size,
        len(dataset.classes),
        spec.settings,
        mean_rgb,
        policy.backbone_precision(backbone) if backbone else None,
    )


def feature_request(
    spec: TrainingSpec, batch_size: int, mean_rgb: tuple[float, float, float], policy: DevicePolicy
) -> FeatureRequest:
    """The features of the frozen backbone that the head is fitted on, in batches like its own."""
    strategy = find_strategy(spec.strategy)
    if strategy.backbone is None:
        raise ValueError(f"{spec.strategy} has no backbone")
    include_top = strategy.include_top(spec.settings)
    return FeatureRequest(
        backbone=strategy.backbone,
        include_top=include_top,
        image_size=strategy.backbone.side(spec.image_size, include_top),
        mean_rgb=mean_rgb,
        precision=policy.precision,
        jit=policy.compile_with_xla,
        # Smaller where the run was started again because memory ran out.
        batch_size=min(FEATURE_BATCH, batch_size),
        made_on=policy.made_on,
        resize=spec.resize,
        pooled=are_pooled(spec.settings),
    )


@dataclass
class _Training:
    """One gradient training; holds what its steps share."""

    spec: TrainingSpec
    dataset: Dataset
    split: Split
    should_stop: Callable[[], bool]
    clock: Clock
    look: Look | None
    sharing: Sharing | None = None
    shared_seconds: float = 0.0

    def run(self) -> Generator[Progress | EpochRecord, None, TrainingOutcome]:
        yield from self._prepare()
        with dtype_policy(self.policy.precision):
            plan, fitting = yield from self._plan()
            fitted = Fitted()
            for stage in plan.stages:
                inputs = yield from self._inputs(stage)
                fitted = yield from fitting.fit(stage, self._data(stage, inputs))
            main = plan.stages[-1]
            probabilities = yield from self._probabilities(main, inputs, fitting.check)
        load_keras().utils.clear_session(free_memory=False)
        return TrainingOutcome(
            self._result(plan, fitted, probabilities),
            _predictions(probabilities["test"], self.dataset, self.split),
            {
                variable.path: value.astype(np.float32, copy=False)
                for variable, value in zip(main.changed_variables, fitted.best_weights, strict=True)
            },
        )

    def measure_again(self, epochs: int) -> Iterator[Progress | EpochRecord]:
        yield from self._prepare()
        with dtype_policy(self.policy.precision):
            plan, fitting = yield from self._plan()
            main = plan.stages[-1]
            stage = replace(main, options=replace(main.options, epochs=epochs, patience=0))
            inputs = yield from self._inputs(stage)
            yield from fitting.fit(stage, self._data(stage, inputs))
        load_keras().utils.clear_session(free_memory=False)

    def _prepare(self) -> Generator[Progress, None, None]:
        """The libraries, the policy of the device and the images."""
        yield Progress("Loading the libraries")
        # Left out of the run's time: whichever run comes first does it for all the others.
        sharing = Stopwatch(self.clock)
        keras = load_keras()
        note_libraries()
        keras.utils.clear_session()  # names begin as in a process that did no run before
        self.policy = choose_policy(self.spec.precision)
        on_gpu = self.policy.kind == "gpu"
        self.look = self.look or (look_at_machine_and_gpu if on_gpu else look_at_machine)
        self.features: FeatureSet | None = None
        self.features_folded: bool | None = None
        self.prepared: PreparedImages = yield from progress_of(
            "Preparing the images",
            lambda report: prepare_images(
                self.dataset, self.spec.image_size, self.spec.resize, report, self.should_stop
            ),
        )
        self.shared_seconds = sharing.seconds
        self.mean_rgb = mean_colour(self.spec, self.dataset)
        keras.utils.set_random_seed(self.spec.seed)

    def _plan(self) -> Generator[Progress, None, tuple[Plan, Fitting]]:
        """The networks, and how they are fitted."""
        where = f"{self.policy.device}, {self.policy.precision}"
        yield Progress(f"Building the network ({where})")
        fitting = Fitting(
            f"{self.spec.strategy}, seed {self.spec.seed}",
            self.spec.seed,
            self.policy.compile_with_xla,
            self.should_stop,
            self.clock,
            self.look or look_at_machine,
        )
        return self._build(), fitting

    def _data(self, stage: Stage, inputs: Inputs) -> TrainingData:
        augmentation = augmentation_of(self.spec.settings, self.dataset.classes)
        varied = None if stage.on_features else augmentation
        subsets = (self.split.train, self.split.validation)
        return TrainingData(inputs, self.dataset.labels, *subsets, varied)

    def _build(self) -> Plan:
        images = self.prepared.shape[1:]
        context = build_context(self.spec, self.dataset, images, self.mean_rgb, self.policy)
        return build_plan(find_strategy(self.spec.strategy), context)

    def _inputs(self, stage: Stage) -> Generator[Progress, None, Inputs]:
        """The images, or the cached features that the stage is fitted on (extracted if need be)."""
        if not stage.on_features:
            return self.prepared
        if self.features is None:
            batch_size = stage.options.batch_size
            request = feature_request(self.spec, batch_size, self.mean_rgb, self.policy)
            self.features_folded = request.folds
            images = images_with_features(self.spec, self.split)
            self.features = yield from progress_of(
                "Extracting features",
                lambda report: extract_features(
                    self.prepared,
                    request,
                    images,
                    report,
                    self.should_stop,
                    self.look or look_at_machine,
                    self.sharing,
                ),
            )
            # What others did is among the reused seconds; to wait for it is no work of this run.
            self.shared_seconds += self.features.waited_seconds
        return self.features

    def _probabilities(
        self, main: Stage, inputs: Inputs, check: Callable[[], None]
    ) -> Generator[Progress, None, dict[str, np.ndarray]]:
        """Every image of every subset, scored once with the weights of the best epoch."""
        found: dict[str, np.ndarray] = {}
        for subset in SUBSETS:
            indices = getattr(self.split, subset)
            yield Progress(f"Scoring the {subset} images", 0, len(indices))
            with out_of_memory_named(f"{self.spec.strategy} ran out of memory while scoring."):
                found[subset] = predict(main, inputs, indices, check)
        return found

    def _result(
        self, plan: Plan, fitted: Fitted, probabilities: dict[str, np.ndarray]
    ) -> RunResult:
        records, main = fitted.records, plan.stages[-1]
        first, steady = records[0], steady_epochs(records[1:])
        trainable = sum(int(np.prod(v.shape)) for v in main.model.trainable_variables)
        return RunResult(
            scores=_scores(probabilities, self.dataset, self.split),
            epochs=len(records),
            best_epoch=fitted.best_epoch,
            last_epoch=replace(records[-1], tracked=()),
            first_epoch_seconds=first.train_seconds,
            steady_epoch_seconds=steady.seconds,
            validation_seconds=first.validation_seconds
            if steady.validation_seconds is None
            else steady.validation_seconds,
            feature_seconds=self.features.seconds if self.features else None,
            feature_cache=self.features.cache if self.features else None,
            feature_reused_seconds=self.features.reused_seconds if self.features else None,
            feature_images=self.features.images if self.features else None,
            features_folded=self.features_folded,
            parameters=main.model.count_params() + plan.frozen_parameters,
            trainable_parameters=trainable,
            device=self.policy.device,
            device_kind=self.policy.kind,
            precision=self.policy.precision,
            backend=self.policy.backend,
            batch_size=main.options.batch_size,
            peak_memory_bytes=peak_memory_bytes(),
            versions=library_versions(),
            notes=(
                *(self.features.notes if self.features else ()),
                *_stopped_early(records, main.options.patience),
                *steady.notes,
            ),
            conditions=RunConditions(
                first_epoch=first.conditions,
                steady_epochs=steady.conditions,
                features=self.features.conditions if self.features else None,
                left_out_epochs=steady.left_out,
            ),
        )


def images_with_features(spec: TrainingSpec, split: Split) -> np.ndarray:
    """The images (positions) whose features the strategy is fitted and scored on."""
    subsets = find_strategy(spec.strategy).subsets_with_features(spec.settings)
    return np.concatenate([getattr(split, subset) for subset in subsets])


def _stopped_early(records: Sequence[EpochRecord], patience: int) -> tuple[str, ...]:
    """The note of a run that early stopping ended."""
    done, planned = len(records), records[-1].epochs
    if done == planned:
        return ()
    return (
        f"Stopped early after {done} of {planned} epochs: none of the last {patience} was better "
        "on the validation images.",
    )


def _scores(
    probabilities: Mapping[str, np.ndarray], dataset: Dataset, split: Split
) -> SubsetScores:
    return SubsetScores(
        **{
            name: score(found, dataset.labels[getattr(split, name)])
            for name, found in probabilities.items()
        }
    )


def _predictions(probabilities: np.ndarray, dataset: Dataset, split: Split) -> Predictions:
    return Predictions(split.test, dataset.labels[split.test], probabilities)
