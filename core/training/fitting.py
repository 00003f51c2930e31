"""Fit one stage: batches, clocks, validation, the best weights by validation."""

import math
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.ahead import read_ahead
from core.backbones.backend import out_of_memory_named, trace_for_any_batch
from core.conditions import Look, Meter, look_at_machine
from core.errors import Cancelled, TrainingDiverged
from core.layers.augmentation import Augmentation
from core.strategies.network import Stage
from core.training.clock import MONOTONIC, SECONDS_BETWEEN_PROGRESS, Clock, Stopwatch
from core.training.events import EpochRecord, Progress
from core.training.optimisation import class_weights, loss_of, optimizer_of
from core.training.scoring import Inputs, predict, score, tracked_predictions


@dataclass(frozen=True)
class TrainingData:
    """Images or features of a dataset with all its labels, and the indices of two subsets.

    ``augmentation``: how training images vary; None for images as they are, and for features.
    """

    inputs: Inputs
    labels: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    augmentation: Augmentation | None = None


@dataclass
class Fitted:
    """The records of a stage, and ``Stage.changed_variables`` as they were after its best epoch.

    ``highest_epoch`` has the highest validation accuracy, ``best_epoch`` is the latest that cannot
    be told from it on so few images; both count from 1, 0 before the first.
    """

    records: list[EpochRecord] = field(default_factory=list)
    highest_epoch: int = 0
    best_epoch: int = 0
    best_weights: list[np.ndarray] = field(default_factory=list)

    @property
    def highest(self) -> EpochRecord:
        return self.records[self.highest_epoch - 1]

    @property
    def epochs_since_highest(self) -> int:
        return len(self.records) - self.highest_epoch


@dataclass(frozen=True)
class Fitting:
    """How a stage is fitted: seed of the order of images, XLA, cancellation, source of time, and
    the look at the machine by which each epoch tells its conditions."""

    name: str
    seed: int
    compile_with_xla: bool
    should_stop: Callable[[], bool]
    clock: Clock = MONOTONIC
    look: Look = look_at_machine

    def check(self) -> None:
        if self.should_stop():
            raise Cancelled(f"{self.name} was cancelled.")

    def fit(
        self, stage: Stage, data: TrainingData
    ) -> Generator[Progress | EpochRecord, None, Fitted]:
        """Train ``stage`` and leave its best weights in the model.

        Yields progress and one record after each epoch; the generator's return value is a
        ``Fitted``. Raises ``Cancelled`` within one batch, ``TrainingDiverged`` at the first loss
        that is not finite, and ``OutOfMemory`` with the batch size that was tried.
        """
        trained = self._trained(stage, data.augmentation)
        trained.compile(
            optimizer=optimizer_of(stage.options, len(data.train)),
            loss=loss_of(stage.options),
            metrics=["accuracy"],
            jit_compile=self.compile_with_xla,
        )
        trace_for_any_batch(stage.model, "float16" if stage.on_features else "uint8")
        failure = (
            f"{self.name} ran out of memory with a batch of {stage.options.batch_size} images. "
            "Choose a smaller batch size or image size."
        )
        variables = stage.changed_variables
        patience = stage.options.patience or stage.options.epochs
        fitted = Fitted()
        meter = Meter(self.look)
        for epoch in range(1, stage.options.epochs + 1):
            with out_of_memory_named(failure):
                record = yield from self._epoch(stage, trained, data, epoch, fitted, meter)
            fitted.records.append(record)
            if fitted.highest_epoch == 0 or _is_better(record, fitted.highest):
                fitted.highest_epoch = epoch
            if _is_as_good(record, fitted.highest, len(data.validation)):
                fitted.best_epoch = epoch
                fitted.best_weights = [_as_array(variable) for variable in variables]
            yield record
            if fitted.epochs_since_highest >= patience:
                break
        for variable, value in zip(variables, fitted.best_weights, strict=True):
            variable.assign(value)
        return fitted

    def _trained(self, stage: Stage, augmentation: Augmentation | None) -> Any:
        """The model that takes the training steps: that of ``stage``, or the same weights behind a
        layer that varies images. Whatever predicts, restores or exports never has that layer."""
        if augmentation is None:
            return stage.model
        # Imported here: it loads Keras.
        from core.layers.own import augmenting

        stage.model.compile(jit_compile=self.compile_with_xla)
        return augmenting(stage.model, augmentation, self.seed)

    def _epoch(
        self,
        stage: Stage,
        trained: Any,
        data: TrainingData,
        epoch: int,
        fitted: Fitted,
        meter: Meter,
    ) -> Generator[Progress, None, EpochRecord]:
        batch_size = stage.options.batch_size
        order = data.inputs.shuffled(data.train, np.random.default_rng([self.seed, epoch]))
        weights = None
        if stage.options.class_weights:
            weights = class_weights(data.labels[data.train])
        training = Stopwatch(self.clock)
        last_progress = -SECONDS_BETWEEN_PROGRESS
        loss_sum = accuracy_sum = 0.0
        done = 0
        parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        with closing(read_ahead(data.inputs.take, parts)) as batches:
            for indices, batch in zip(parts, batches, strict=True):
                logs = trained.train_on_batch(
                    batch,
                    data.labels[indices],
                    None if weights is None else weights[data.labels[indices]],
                    return_dict=True,
                )
                # One batch's own means, and the last batch may be short: weighed by its images.
                loss = float(logs["loss"])
                loss_sum += loss * len(indices)
                accuracy_sum += float(logs["accuracy"]) * len(indices)
                done += len(indices)
                with training.paused():
                    self.check()
                    self._refuse_divergence(loss, epoch)
                    if training.seconds - last_progress >= SECONDS_BETWEEN_PROGRESS:
                        last_progress = training.seconds
                        yield self._progress(stage, epoch, done, len(order), training, fitted)
        _drain(stage.model)
        training.pause()
        validating = Stopwatch(self.clock)
        probabilities = predict(stage, data.inputs, data.validation, self.check)
        validating.pause()
        conditions = meter.conditions()  # since the end of the epoch before: one look for each
        validation_labels = data.labels[data.validation]
        validated = score(probabilities, validation_labels)
        # The last step's update is seen by no training loss: its NaN shows here first.
        self._refuse_divergence(validated.log_loss, epoch)
        return EpochRecord(
            stage=stage.name,
            epoch=epoch,
            epochs=stage.options.epochs,
            train_loss=loss_sum / len(order),
            train_accuracy=accuracy_sum / len(order),
            validation_loss=validated.log_loss,
            validation_accuracy=validated.accuracy,
            train_seconds=training.seconds,
            validation_seconds=validating.seconds,
            images_per_second=len(order) / training.seconds if training.seconds > 0 else 0.0,
            tracked=tracked_predictions(data.validation, validation_labels, probabilities),
            conditions=conditions,
        )

    def _refuse_divergence(self, loss: float, epoch: int) -> None:
        if not np.isfinite(loss):
            raise TrainingDiverged(
                f"{self.name} stopped in epoch {epoch}: its loss became {loss}. "
                "A smaller learning rate usually helps."
            )

    def _progress(
        self, stage: Stage, epoch: int, done: int, total: int, training: Stopwatch, fitted: Fitted
    ) -> Progress:
        """Time left is hidden until one epoch is over: the first holds tracing and compiling."""
        can_stop = stage.options.patience > 0
        planned = stage.options.epochs
        speed = done / training.seconds if training.seconds > 0 else None
        seconds_left = None
        if fitted.records:
            last = fitted.records[-1]
            one_epoch = last.train_seconds + last.validation_seconds
            seconds_left = one_epoch * (planned - epoch + 1 - done / total)
        action = "Fitting the head" if stage.name == "head" else "Training"
        step = f"{action}, epoch {epoch} of {'at most ' if can_stop else ''}{planned}"
        return Progress(
            step, done, total, speed, seconds_left, epoch, planned, is_upper_bound=can_stop
        )


def _is_better(record: EpochRecord, best: EpochRecord) -> bool:
    """Higher validation accuracy; ties go to the lower loss, then the earlier epoch."""
    if record.validation_accuracy != best.validation_accuracy:
        return record.validation_accuracy > best.validation_accuracy
    return record.validation_loss < best.validation_loss


def _is_as_good(record: EpochRecord, highest: EpochRecord, images: int) -> bool:
    """Whether the validation accuracy is within one standard error of the highest.

    The rule of Breiman et al. 1984. On a hundred images an early epoch is often the highest by
    luck: see docs/decisions/0031.
    """
    accuracy = highest.validation_accuracy
    error = math.sqrt(accuracy * (1 - accuracy) / images)
    return record.validation_accuracy >= accuracy - error


def _as_array(variable: Any) -> np.ndarray:
    from keras import ops

    return np.array(ops.convert_to_numpy(variable))


def _drain(model: Any) -> None:
    """Wait until the device has done all its work: a GPU returns from a step before it is over."""
    _as_array(model.trainable_variables[-1])
