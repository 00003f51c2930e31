"""Settings of strategies: typed, with ranges and presets, refused by the name of the field.

Those that several strategies share are at the end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from core.errors import BadInput, UnknownName

PRESETS = ("quick", "article", "best")
Value = int | float | str | bool
Optimizer = Literal["adam", "sgd", "adamw"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
Schedule = Literal["constant", "cosine"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)


@dataclass(frozen=True)
class Setting:
    """One number, choice or switch of a strategy.

    ``low`` and ``high`` are inclusive; ``choices`` are for ``kind="choice"``. ``quick``,
    ``article`` and ``best`` are the values of the presets; where ``best`` is None it is that of
    ``quick``. ``changes_work``: the value decides how long a run takes, so a forecast prefers runs
    with the same value.
    """

    name: str
    kind: Literal["int", "float", "choice", "bool"]
    title: str
    help: str
    quick: Value
    article: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    changes_work: bool = False
    best: Value | None = None

    def value_for(self, preset: str) -> Value:
        if preset == "best":
            return self.quick if self.best is None else self.best
        return self.quick if preset == "quick" else self.article

    def checked(self, raw: Any, field: str) -> Value:
        """Return ``raw`` (a number, or text from a command line or URL) as this setting's type.

        Raises ``BadInput`` that names ``field``, the value given and what is allowed.
        """
        if self.kind == "choice":
            if raw not in self.choices:
                raise BadInput(
                    f"{field} is {raw!r}; it must be one of: {', '.join(self.choices)}.", field
                )
            return str(raw)
        if self.kind == "bool":
            if str(raw).lower() not in ("true", "false"):
                raise BadInput(f"{field} is {raw!r}; it must be true or false.", field)
            return str(raw).lower() == "true"
        return self._checked_number(raw, field)

    def _checked_number(self, raw: Any, field: str) -> Value:
        whole = self.kind == "int"
        try:
            number = math.nan if isinstance(raw, bool) else float(raw)
        except (TypeError, ValueError):
            number = math.nan
        inside = self.low <= number <= self.high  # type: ignore[operator]
        if not inside or (whole and not number.is_integer()):
            word = "a whole number" if whole else "a number"
            allowed = f"{word} from {self.low:g} to {self.high:g} {self.unit}".rstrip()
            raise BadInput(f"{field} is {raw!r}; it must be {allowed}.", field)
        return int(number) if whole else number


def resolve_settings(
    strategy: str,
    declared: tuple[Setting, ...],
    preset: str,
    overrides: Mapping[str, Any] | None = None,
) -> dict[str, Value]:
    """The complete settings of a strategy: the preset's values, replaced by ``overrides``.

    Raises ``UnknownName`` for a preset or setting that does not exist (listing those that do)
    and ``BadInput`` for a value out of range, both naming the field as ``strategy.setting``.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    by_name = {setting.name: setting for setting in declared}
    values = {name: setting.value_for(preset) for name, setting in by_name.items()}
    for name, raw in (overrides or {}).items():
        if name not in by_name:
            raise UnknownName(f"setting of {strategy}", name, by_name)
        values[name] = by_name[name].checked(raw, f"{strategy}.{name}")
    return values


PRACTICE_SETTINGS = (
    Setting(
        "weight_decay",
        "float",
        "Weight decay",
        "Draws weights towards 0 by this fraction of the learning rate in each step, biases and "
        "normalisation left out; used with 'sgd' and 'adamw'.",
        0.0,
        0.0,
        low=0.0,
        high=1.0,
    ),
    Setting(
        "schedule",
        "choice",
        "Schedule of the learning rate",
        "'constant' keeps the learning rate; 'cosine' lowers it to 0 along half a cosine over all "
        "planned epochs.",
        "constant",
        "constant",
        choices=SCHEDULES,
    ),
    Setting(
        "warmup_epochs",
        "int",
        "Warm-up",
        "Epochs in which the learning rate first rises in equal steps; used with 'cosine'.",
        0,
        0,
        low=0,
        high=100,
        unit="epochs",
    ),
    Setting(
        "patience",
        "int",
        "Early stopping after",
        "Training ends where this many epochs in a row were no better on the validation images "
        "than the best one before; 0 trains all planned epochs.",
        0,
        0,
        low=0,
        high=1000,
        unit="epochs",
        changes_work=True,
    ),
    Setting(
        "class_weights",
        "bool",
        "Class weights",
        "Weighs the loss of each training image by how rare its class is, so that all classes "
        "count alike.",
        False,
        False,
    ),
    Setting(
        "label_smoothing",
        "float",
        "Label smoothing",
        "Fraction of each label that is spread over all classes while it trains, so that the "
        "network is less certain; validation loss and log loss stay the plain ones.",
        0.0,
        0.0,
        low=0.0,
        high=0.5,
    ),
)


def with_best(settings: tuple[Setting, ...], values: Mapping[str, Value]) -> tuple[Setting, ...]:
    """``settings`` with these ``values`` in the preset ``best``, where none is set yet.

    Names that are not among ``settings`` are an error of the programmer.
    """
    unknown = values.keys() - {setting.name for setting in settings}
    if unknown:
        raise ValueError(f"no such settings: {', '.join(sorted(unknown))}")
    return tuple(
        replace(setting, best=values[setting.name])
        if setting.name in values and setting.best is None
        else setting
        for setting in settings
    )


INITIALIZER = Setting(
    "initializer",
    "choice",
    "Random weights",
    "How the convolutions begin: 'he' keeps the size of what goes through layers with ReLU, "
    "'glorot' (what Keras does, and the tutorial) lets it shrink from layer to layer.",
    "he",
    "glorot",
    choices=("he", "glorot"),
)
NORMALIZATION_MOMENTUM = Setting(
    "normalization_momentum",
    "float",
    "Momentum of batch normalisation",
    "How slowly its moving averages, with which images are predicted, follow the batches. At 0.99 "
    "(what Keras does) they lag behind where a few hundred steps are all there are.",
    0.9,
    0.99,
    low=0.0,
    high=0.9999,
)


def fit_settings(
    epochs: tuple[int, int],
    batch_size: tuple[int, int],
    learning_rate: tuple[float, float],
    optimizer: tuple[Optimizer, Optimizer] = ("adam", "adam"),
) -> tuple[Setting, ...]:
    """The settings of every network's fit, each with its values for ``quick`` and ``article``.

    Those of good practice are off there: a run stored without them was trained like that.
    """
    return (
        Setting(
            "epochs",
            "int",
            "Epochs",
            "How often every training image is seen. The latest epoch that validation cannot tell "
            "from the best one is scored.",
            *epochs,
            low=1,
            high=1000,
        ),
        Setting(
            "batch_size",
            "int",
            "Batch size",
            "Images between two steps of the optimiser.",
            *batch_size,
            low=1,
            high=1024,
            unit="images",
        ),
        Setting(
            "learning_rate",
            "float",
            "Learning rate",
            "Length of the optimiser's steps. Too long and the loss becomes NaN; too short and "
            "nothing is learned.",
            *learning_rate,
            low=1e-7,
            high=1.0,
        ),
        Setting(
            "optimizer",
            "choice",
            "Optimiser",
            "'adam' fits the length of its steps to each weight, 'sgd' takes plain steps with "
            "Nesterov momentum (0.9 where that is no setting), 'adamw' is adam with weight decay.",
            *optimizer,
            choices=OPTIMIZERS,
        ),
        *PRACTICE_SETTINGS,
    )


def number(
    name: str, title: str, help_text: str, value: float, limits: tuple[float, float]
) -> Setting:
    """A number with its inclusive limits, the same in each preset."""
    low, high = limits
    return Setting(name, "float", title, help_text, value, value, low=low, high=high)


def dropout(name: str, title: str, rate: float) -> Setting:
    """A dropout rate, the same in each preset."""
    what = "Fraction of the units set to 0 at random in each training step."
    return number(name, title, what, rate, (0.0, 0.9))


MEAN = Setting(
    "mean",
    "choice",
    "Mean that is subtracted",
    "ImageNet's mean colour, which the weights were trained with, or the mean colour of your own "
    "training images. Readers of the tutorial asked which: try both.",
    "imagenet",
    "imagenet",
    choices=("imagenet", "dataset"),
)


def uses_dataset_mean(settings: Mapping[str, Any]) -> bool:
    """Whether the mean colour of the training images is subtracted, and not ImageNet's."""
    return settings.get(MEAN.name) == "dataset"
