"""A trained network rebuilt from the weights that its run kept. Only workers call this.

The architecture is built as for the training, the arrays that the run changed are assigned, and a
head that was fitted on cached features gets its frozen backbone back: images in, probabilities out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.backbones.backend import dtype_policy, load_keras
from core.backbones.features import FeatureRequest, extractor_network
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepared_size
from core.errors import BadInput, StoreError
from core.strategies.network import Stage, build_plan
from core.strategies.registry import find_strategy
from core.training.engine import build_context, feature_request, mean_colour
from core.training.policy import choose_policy
from core.training.scoring import SCORING_BATCH
from core.training.spec import TrainingSpec


@dataclass(frozen=True)
class RestoredModel:
    """A network ready to predict.

    ``model`` is a compiled Keras model: uint8 images ``(n, *image_shape)``, prepared as for the
    run, to class probabilities ``(n, classes)`` float32. ``strategy`` is the name of the run's.
    """

    strategy: str
    model: Any
    batch_size: int = SCORING_BATCH

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image; channels is 1 (grey) or 3 (RGB)."""
        height, width, channels = self.model.input_shape[1:]
        return height, width, channels

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """float32 ``(n, classes)`` for uint8 ``images`` ``(n, *image_shape)``."""
        self.check_images(images)
        return predict_in_batches(self.model, images, self.batch_size)

    def check_images(self, images: np.ndarray) -> None:
        """``BadInput`` for images of another type or shape than the network was trained on."""
        if images.dtype != np.uint8 or images.shape[1:] != self.image_shape:
            raise BadInput(
                f"{self.strategy} takes uint8 images of {self.image_shape} (height, width, "
                f"channels), not {images.dtype} of {images.shape[1:]}.",
                "images",
            )
        if len(images) == 0:
            raise BadInput("There is no image to look at.", "images")


def predict_in_batches(model: Any, images: np.ndarray, batch_size: int) -> np.ndarray:
    """The outputs of a Keras model for ``images``, float32."""
    starts = range(0, len(images), batch_size)
    batches = [model.predict_on_batch(images[start : start + batch_size]) for start in starts]
    return np.concatenate([np.asarray(batch, np.float32) for batch in batches])


def restored_model(
    spec: TrainingSpec, weights: Mapping[str, np.ndarray], dataset: Dataset
) -> RestoredModel:
    """The network of a finished run; ``weights`` are its ``TrainingOutcome.trained_weights``.

    It gives the probabilities that the run stored, where ``spec.precision`` is the run's; with
    batch normalisation, which is folded for features alone, about those in bfloat16. Raises
    ``BadInput`` for a strategy without a network, ``StoreError`` where the arrays do not fit the
    architecture, and ``WeightsUnavailable`` or ``WeightsRefused`` without the pre-trained
    weights under it.
    """
    strategy = find_strategy(spec.strategy)
    if not strategy.has_network:
        raise BadInput(f"{strategy.title} has no network: it never looks at an image.", "strategy")
    load_keras()
    policy = choose_policy(spec.precision)
    side = prepared_size(dataset, spec.image_size)
    shape = (side, side, dataset.channels)
    mean_rgb = mean_colour(spec, dataset)
    with dtype_policy(policy.precision):
        context = build_context(spec, dataset, shape, mean_rgb, policy)
        main = build_plan(strategy, context).stages[-1]
        _assign(main, weights, strategy.title)
        model = main.model
        if main.on_features:
            model = _on_backbone(
                model, feature_request(spec, main.options.batch_size, mean_rgb, policy), shape
            )
        model.compile(jit_compile=policy.compile_with_xla)
    return RestoredModel(spec.strategy, model, min(SCORING_BATCH, main.options.batch_size))


def _on_backbone(head: Any, request: FeatureRequest, shape: tuple[int, int, int]) -> Any:
    """``head`` on the frozen network that its features came from."""
    import keras

    from core.layers.own import Float16RoundTrip

    # What goes into an export, or becomes a backbone of one's own, keeps its batch normalisation.
    extractor = extractor_network(request, shape, as_published=True)
    features = Float16RoundTrip(dtype="float32", name="float16_round_trip")(extractor.outputs[0])
    return keras.Model(extractor.inputs[0], head(features), name="restored")


def _assign(main: Stage, weights: Mapping[str, np.ndarray], title: str) -> None:
    variables = {variable.path: variable for variable in main.changed_variables}
    expected = {(name, tuple(variable.shape)) for name, variable in variables.items()}
    unlike = sorted({name for name, _ in expected ^ {(n, a.shape) for n, a in weights.items()}})
    if unlike:
        raise StoreError(
            f"The kept weights do not fit {title} as this version of Headstart builds it "
            f"({', '.join(unlike[:4])}). Run the benchmark again to make new ones."
        )
    for name, variable in variables.items():
        variable.assign(weights[name])
