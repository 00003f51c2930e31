"""The record that describes one strategy: a way to get a classifier.

It is data and functions of data: the web process shows strategies without loading TensorFlow.
``core.strategies.network`` makes the Keras networks from it, in a worker.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from core.backbones.backbone import Backbone
from core.backbones.weights.digests import WeightSet
from core.datasets.choices import SUBSETS
from core.layers.record import LayerRecord, outline_of
from core.strategies.settings import Optimizer, Schedule, Setting, Value, resolve_settings

Need = Literal["gradient", "weights", "full_weights", "features"]
Settings = Mapping[str, Any]
USUAL_MOMENTUM = 0.9


class Role(StrEnum):
    """The purpose of a strategy. Pages, story and analysis choose by role, never by name."""

    BASELINE = "baseline"  # always the majority class
    FROM_SCRATCH = "from scratch"  # a network of its own, without pre-training
    RANDOM_START = "random start"  # the network of a backbone, without its weights
    LINEAR_PROBE = "linear probe"  # a linear layer on the features of a frozen backbone
    FROZEN_FEATURES = "frozen features"  # another head on the features of a frozen backbone
    FINE_TUNED = "fine-tuned"  # a backbone whose own weights are trained further


PRETRAINED_ROLES = frozenset({Role.LINEAR_PROBE, Role.FROZEN_FEATURES, Role.FINE_TUNED})


class Mode(StrEnum):
    """How far a backbone is trained."""

    PROBE = "probe"
    DENSE = "dense"
    SOFTMAX = "softmax"
    FREEZE = "freeze"
    FINETUNE = "finetune"
    SCRATCH = "scratch"


@dataclass(frozen=True)
class Appearance:
    """How a strategy looks on every chart; ``marker`` and ``dash`` are Plotly names."""

    colour: str
    marker: str
    dash: str = "solid"


@dataclass(frozen=True)
class FitOptions:
    """How a network is fitted. ``epochs`` are planned ones.

    ``momentum`` (with Nesterov's correction) and ``decay`` (a constant learning rate is divided by
    1 + decay × steps) are for ``sgd``, ``weight_decay`` for ``sgd`` and ``adamw``, and
    ``warmup_epochs`` for the schedule ``cosine``. Training ends after ``patience`` epochs without
    a better one; 0 never. ``class_weights`` balance the loss by the counts of the training images;
    ``label_smoothing`` is the fraction (0 to 0.5) of a label that is spread over all classes.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Optimizer = "adam"
    momentum: float = 0.0
    decay: float = 0.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    warmup_epochs: int = 0
    patience: int = 0
    class_weights: bool = False
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Fit:
    """One fit of a run, in order; the last one is named ``main``.

    ``on_features``: only what stands on the backbone is fitted, on cached features.
    """

    name: str
    options: FitOptions
    on_features: bool = False


def fit_options(settings: Settings) -> FitOptions:
    """The options in ``settings``; one that a stored run lacks has the value it had then.

    Before there was a choice, SGD was used where there is a momentum, and Adam elsewhere.
    """
    usual = "sgd" if "momentum" in settings else "adam"
    optimizer = settings.get("optimizer", usual)
    return FitOptions(
        settings["epochs"],
        settings["batch_size"],
        settings["learning_rate"],
        optimizer,
        settings.get("momentum", USUAL_MOMENTUM) if optimizer == "sgd" else 0.0,
        settings.get("decay", 0.0) if optimizer == "sgd" else 0.0,
        settings.get("weight_decay", 0.0),
        settings.get("schedule", "constant"),
        settings.get("warmup_epochs", 0),
        settings.get("patience", 0),
        **loss_options(settings),
    )


def loss_options(settings: Settings) -> dict[str, Any]:
    """The options that change what is made small; they hold for every fit of a run."""
    return {
        name: settings[name] for name in ("class_weights", "label_smoothing") if name in settings
    }


def one_fit(settings: Settings) -> tuple[Fit, ...]:
    """Everything at once."""
    return (Fit("main", fit_options(settings)),)


@dataclass(frozen=True)
class Strategy:
    """A way to get a classifier.

    ``teaches``: its lesson in a sentence. ``tutorial``: where the tutorial describes it.
    ``cost``: orders the work; cheap strategies run first.
    ``appearance``: no other strategy has the same colour and marker.
    ``terms``: the words of its title that the glossary explains.
    ``needs(settings)``: ``gradient`` (trained by the engine, has the device to itself), ``weights``
    (of the backbone, without top), ``full_weights`` (with top), ``features`` (from the cache).
    ``needs({})`` is what it always needs.
    ``architecture(settings, image_size, class_count)``: its network as layer records; None where
    there is no network. Raises ``BadInput`` for an image size that does not fit.
    ``fits(settings)``: how the network is fitted.
    ``estimator``: makes an estimator of scikit-learn, for a strategy without a network.
    ``backbone``, ``mode``: the pre-trained network and how far it is trained; None for others.
    ``convolutional``: there is a feature map that can show where the network looked.
    ``default_chosen``: chosen by default in a new experiment.
    """

    name: str
    title: str
    role: Role
    teaches: str
    tutorial: str
    settings: tuple[Setting, ...]
    cost: int
    appearance: Appearance
    terms: tuple[str, ...]
    needs: Callable[[Settings], frozenset[Need]] = lambda _settings: frozenset({"gradient"})
    architecture: Callable[[Settings, int, int], tuple[LayerRecord, ...]] | None = None
    fits: Callable[[Settings], tuple[Fit, ...]] = one_fit
    estimator: Callable[[], Any] | None = None
    backbone: Backbone | None = None
    mode: Mode | None = None
    convolutional: bool = True
    default_chosen: bool = False

    @property
    def has_network(self) -> bool:
        return self.architecture is not None

    @property
    def is_pretrained(self) -> bool:
        """Whether it starts from weights that were trained on other images."""
        return self.role in PRETRAINED_ROLES

    def layers(
        self, settings: Settings, image_size: int, class_count: int
    ) -> tuple[LayerRecord, ...]:
        """The layers from image to probabilities, without building them; none without a network.

        Raises ``BadInput`` at ``image_size`` (pixels) where the architecture does not fit.
        """
        return self.architecture(settings, image_size, class_count) if self.architecture else ()

    def describe(self, settings: Settings, image_size: int) -> str:
        """The layers in one line, with their sizes at this image size in pixels.

        Raises ``BadInput`` as ``layers`` does, so that callers also use it to check an experiment
        before anything is stored.
        """
        any_count = 2  # the number of classes is not in the line
        return outline_of(self.layers(settings, image_size, any_count))

    def resolve(self, preset: str, overrides: Settings | None = None) -> dict[str, Value]:
        """Complete, validated settings; see ``resolve_settings``."""
        return resolve_settings(self.name, self.settings, preset, overrides)

    def include_top(self, settings: Settings) -> bool:
        """Whether the backbone is used with its top."""
        return "full_weights" in self.needs(settings)

    def weights(self, settings: Settings) -> WeightSet | None:
        """The pre-trained weights that it stands on; None for a strategy without any."""
        if self.backbone is None or "weights" not in self.needs(settings):
            return None
        return self.backbone.weight_set(self.include_top(settings))

    def subsets_with_features(self, settings: Settings) -> tuple[str, ...]:
        """The subsets whose cached features a run needs: all where the head stands on features
        alone, train and validation where only its first fit does, none without features."""
        if "features" not in self.needs(settings):
            return ()
        return SUBSETS[:2] if self.role == Role.FINE_TUNED else SUBSETS

    def network_side(self, settings: Settings, image_size: int) -> int:
        """Pixels of the side that the network computes on, where images have ``image_size``."""
        if self.backbone is None:
            return image_size
        return self.backbone.side(image_size, self.include_top(settings))
