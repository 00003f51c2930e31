"""A trained network put together again from the weights that its run kept. Only workers call this.

The architecture is built as for the training, the arrays that the run changed are put in, and a
head that was fitted on cached features gets the frozen backbone back under it: images
in, probabilities out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.backbones.backend import dtype_policy, load_keras
from core.backbones.features import build_extractor
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images, prepared_size
from core.errors import BadInput, StoreError
from core.strategies.network import Stage, build_plan
from core.strategies.registry import find_strategy
from core.strategies.settings import uses_dataset_mean
from core.training.context import build_context, feature_request, mean_colour
from core.training.policy import DevicePolicy, choose_policy
from core.training.scoring import SCORING_BATCH
from core.training.spec import TrainingSpec


@dataclass(frozen=True)
class RestoredModel:
    """A network ready to predict.

    ``model`` is a compiled Keras model: uint8 pictures ``(n, *image_shape)``, as they are
    prepared for the run, to class probabilities ``(n, classes)`` float32. ``strategy`` is the
    name of what it was trained as.
    """

    strategy: str
    model: Any
    batch_size: int = SCORING_BATCH

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one picture; channels is 1 (grey) or 3 (RGB)."""
        height, width, channels = self.model.input_shape[1:]
        return height, width, channels

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        """float32 ``(n, classes)`` for uint8 ``pictures`` ``(n, *image_shape)``."""
        self.check_images(pictures)
        found = [
            np.asarray(
                self.model.predict_on_batch(pictures[start : start + self.batch_size]),
                dtype=np.float32,
            )
            for start in range(0, len(pictures), self.batch_size)
        ]
        return np.concatenate(found)

    def check_images(self, pictures: np.ndarray) -> None:
        """``BadInput`` for pictures of another type or shape than the network was trained on."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != self.image_shape:
            raise BadInput(
                f"{self.strategy} takes uint8 pictures of {self.image_shape} (height, width, "
                f"channels), not {pictures.dtype} of {pictures.shape[1:]}.",
                "pictures",
            )
        if len(pictures) == 0:
            raise BadInput("There is no picture to look at.", "pictures")


def restored_model(
    spec: TrainingSpec, weights: Mapping[str, np.ndarray], dataset: Dataset
) -> RestoredModel:
    """The network of a finished run; ``weights`` are its ``TrainingOutcome.trained_weights``.

    It gives the probabilities that the run stored, where ``spec.precision`` is the run's. Raises
    ``BadInput`` for a strategy without a network, ``StoreError`` where the arrays do not fit the
    architecture, and ``WeightsUnavailable`` or ``WeightsRefused`` without the ImageNet weights
    under it.
    """
    strategy = find_strategy(spec.strategy)
    if not strategy.has_network:
        raise BadInput(f"{strategy.title} has no network: it never looks at a picture.", "strategy")
    load_keras()
    policy = choose_policy(spec.precision)
    side = prepared_size(dataset, spec.image_size)
    shape = (side, side, dataset.channels)
    mean_rgb = _mean_rgb(spec, dataset)
    with dtype_policy(policy.precision):
        context = build_context(spec, dataset, shape, mean_rgb)
        main = build_plan(strategy, context).stages[-1]
        _put_in(main.model, weights, spec.strategy)
        model = main.model
        if main.on_features:
            model = _on_images(spec, main, mean_rgb, policy, shape)
        model.compile(jit_compile=policy.compile_with_xla)
    return RestoredModel(spec.strategy, model, min(SCORING_BATCH, main.options.batch_size))


def _mean_rgb(spec: TrainingSpec, dataset: Dataset) -> tuple[float, float, float]:
    if not uses_dataset_mean(spec.settings):
        return mean_colour(spec, None, np.empty(0, np.int64))
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    return mean_colour(spec, prepared, spec.subsets_of(dataset).train)


def _on_images(
    spec: TrainingSpec,
    main: Stage,
    mean_rgb: tuple[float, float, float],
    policy: DevicePolicy,
    shape: tuple[int, int, int],
) -> Any:
    """The head of ``main`` over the frozen network that its features came from."""
    import keras

    from core.layers.own import Float16RoundTrip

    extractor = build_extractor(feature_request(spec, main, mean_rgb, policy), shape)
    features = Float16RoundTrip(dtype="float32", name="float16_round_trip")(extractor.outputs[0])
    return keras.Model(extractor.inputs[0], main.model(features), name=spec.strategy)


def _put_in(model: Any, weights: Mapping[str, np.ndarray], strategy: str) -> None:
    variables = {variable.path: variable for variable in model.trainable_variables}
    unlike = sorted(
        name
        for name in variables.keys() | weights.keys()
        if name not in variables
        or name not in weights
        or tuple(variables[name].shape) != weights[name].shape
    )
    if unlike:
        raise StoreError(
            f"The kept weights do not fit {find_strategy(strategy).title} as this version of "
            "Headstart builds it "
            f"({', '.join(unlike[:4])}). Run the benchmark again to make new ones."
        )
    for name, variable in variables.items():
        variable.assign(weights[name])
