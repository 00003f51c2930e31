"""Strategies on a backbone: one for each ``Mode``, made from its record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import log10
from typing import Any

from core.backbones.backbone import Backbone
from core.backbones.efficientnet_lite0 import EFFICIENTNET_LITE0
from core.backbones.squeezenet import SQUEEZENET
from core.strategies.augmentation import AUGMENTATION_SETTINGS
from core.strategies.heads import DENSE_HEAD_SETTINGS, L2_SETTING, POOLED, Layers, features_setting
from core.strategies.modes import (
    dense_layers,
    fit_on_features,
    frozen_setting,
    probe_layers,
    scratch_layers,
    softmax_layers,
    trained_fits,
    trained_layers,
    trained_needs,
    trained_settings,
)
from core.strategies.settings import INITIALIZER, NORMALIZATION_MOMENTUM, Setting, fit_settings
from core.strategies.strategy import Appearance, Fit, Mode, Need, Role, Settings, Strategy, one_fit

NOT_IN_TUTORIAL = "not in it: it knows VGG16 alone."
# Multiply-adds of VGG16, with which the order of work was laid out.
USUAL_WORK = 15.5e9


@dataclass(frozen=True)
class _ModeParts:
    """The parts of a strategy that follow from its mode; see ``Strategy``.

    ``title`` and ``teaches`` have ``{title}`` for the title of the backbone, and
    ``{trained_on}`` for what it was trained on.
    ``settings(backbone)``: all of them, with their usual values.
    ``cost``: with a backbone as large as VGG16.
    """

    role: Role
    title: str
    teaches: str
    layers: Callable[[Backbone, Settings, int, int], Layers]
    needs: Callable[[Settings], frozenset[Need]]
    fits: Callable[[Settings], tuple[Fit, ...]]
    settings: Callable[[Backbone], tuple[Setting, ...]]
    cost: int
    marker: str
    dash: str
    terms: tuple[str, ...] = ()


def _always(*needs: Need) -> Callable[[Settings], frozenset[Need]]:
    return lambda _settings: frozenset(needs)


def _probe_settings(_backbone: Backbone) -> tuple[Setting, ...]:
    fit = fit_settings(epochs=(40, 40), batch_size=(128, 128), learning_rate=(5e-3, 5e-3))
    return (features_setting(POOLED), L2_SETTING, *fit)


def _dense_settings(_backbone: Backbone) -> tuple[Setting, ...]:
    fit = fit_settings(epochs=(40, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3))
    return (features_setting(POOLED), *DENSE_HEAD_SETTINGS, *fit)


def _softmax_settings(_backbone: Backbone) -> tuple[Setting, ...]:
    return fit_settings(epochs=(20, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3))


# For these two Adam at 3e-4 was the best of what was tried on three datasets; others may not bear
# it: VGG16 falls to the majority class (docs/decisions/0017).
_SMALL = (EFFICIENTNET_LITE0.name, SQUEEZENET.name)


def _finetune_settings(backbone: Backbone) -> tuple[Setting, ...]:
    if backbone.name in _SMALL:
        fit = fit_settings(epochs=(5, 10), batch_size=(16, 16), learning_rate=(3e-4, 3e-4))
    else:
        fit = fit_settings(
            epochs=(5, 10),
            batch_size=(16, 16),
            learning_rate=(1e-3, 1e-3),
            optimizer=("sgd", "sgd"),
        )
    return (features_setting(POOLED), *trained_settings(backbone), *fit)


def _freeze_settings(backbone: Backbone) -> tuple[Setting, ...]:
    return (frozen_setting(backbone), *_finetune_settings(backbone))


def _scratch_settings(backbone: Backbone) -> tuple[Setting, ...]:
    # Longer steps leave SqueezeNet, which has no batch normalisation, at the commonest class.
    rate = 3e-4 if backbone is SQUEEZENET else 1e-3
    # In five these two stay at the commonest class of themes16 (docs/decisions/0017).
    epochs = 15 if backbone.name in _SMALL else 5
    fit = fit_settings(epochs=(epochs, 10), batch_size=(32, 32), learning_rate=(rate, rate))
    normalizes = any(one.normalization for one in backbone.layers(backbone.published_size, False))
    begin = (INITIALIZER, NORMALIZATION_MOMENTUM) if normalizes else (INITIALIZER,)
    return (features_setting(POOLED), *DENSE_HEAD_SETTINGS, *begin, *fit)


_ON_FEATURES = _always("gradient", "weights", "features")
# In the order in which pages show them.
_MODES = {
    Mode.SCRATCH: _ModeParts(
        role=Role.RANDOM_START,
        title="{title} from random weights",
        teaches="The same network without the head start: what is missing here is what "
        "{trained_on} gave it.",
        layers=scratch_layers,
        needs=_always("gradient"),
        fits=one_fit,
        settings=_scratch_settings,
        cost=80,
        marker="x",
        dash="dash",
    ),
    Mode.PROBE: _ModeParts(
        role=Role.LINEAR_PROBE,
        title="{title} probe",
        teaches="One linear layer on the features of {title}: a head start for the price of one "
        "look at each image.",
        layers=probe_layers,
        needs=_ON_FEATURES,
        fits=fit_on_features,
        settings=_probe_settings,
        cost=30,
        marker="circle",
        dash="solid",
        terms=("probe", "features"),
    ),
    Mode.DENSE: _ModeParts(
        role=Role.FROZEN_FEATURES,
        title="{title} features, dense head",
        teaches="The same frozen features under a deeper head: it helps where there are images "
        "enough to fit it, and memorises where there are not.",
        layers=dense_layers,
        needs=_ON_FEATURES,
        fits=fit_on_features,
        settings=_dense_settings,
        cost=40,
        marker="diamond",
        dash="dot",
        terms=("features", "head"),
    ),
    Mode.SOFTMAX: _ModeParts(
        role=Role.FROZEN_FEATURES,
        title="Whole {title}, new softmax",
        teaches="Even the layers made for ImageNet's own 1000 classes carry over: only the last "
        "one is replaced.",
        layers=softmax_layers,
        needs=_always("gradient", "weights", "full_weights", "features"),
        fits=fit_on_features,
        settings=_softmax_settings,
        cost=50,
        marker="pentagon",
        dash="dashdot",
        terms=("head", "frozen"),
    ),
    Mode.FREEZE: _ModeParts(
        role=Role.FINE_TUNED,
        title="{title}, first layers frozen",
        teaches="The early layers of {title} see edges and colours that every image has: keep "
        "them, and let the later ones adapt to yours.",
        layers=trained_layers,
        needs=trained_needs,
        fits=trained_fits,
        settings=_freeze_settings,
        cost=60,
        marker="star",
        dash="longdash",
        terms=("layer", "frozen"),
    ),
    Mode.FINETUNE: _ModeParts(
        role=Role.FINE_TUNED,
        title="{title}, everything fine-tuned",
        teaches="All layers of {title} start from {trained_on} and move a little: often the "
        "best accuracy, for many times the probe's time.",
        layers=trained_layers,
        needs=trained_needs,
        fits=trained_fits,
        settings=_finetune_settings,
        cost=70,
        marker="triangle-down",
        dash="longdashdot",
        terms=("fine-tuned",),
    ),
}


def backbone_strategies(
    backbone: Backbone, own: Mapping[Mode, Mapping[str, Any]] | None = None
) -> tuple[Strategy, ...]:
    """The strategies of a backbone, named ``BACKBONE_MODE``, in the order in which pages show them.

    ``softmax`` only where the record has a top. ``own``: by mode, fields of ``Strategy`` that the
    backbone has otherwise.
    """
    own = own or {}
    return tuple(
        _strategy(backbone, mode, own.get(mode, {}))
        for mode in _MODES
        if mode is not Mode.SOFTMAX or backbone.top is not None
    )


def _strategy(backbone: Backbone, mode: Mode, own: Mapping[str, Any]) -> Strategy:
    parts = _MODES[mode]
    usual: dict[str, Any] = {
        "name": f"{backbone.name}_{mode}",
        "title": parts.title.format(title=backbone.title),
        "teaches": parts.teaches.format(title=backbone.title, trained_on=backbone.trained_on),
        "tutorial": NOT_IN_TUTORIAL,
        "cost": _cost(parts.cost, backbone),
        "terms": (backbone.title, *parts.terms),
    }
    settings = own["settings"] if "settings" in own else parts.settings(backbone)
    if parts.fits is not fit_on_features:  # images go through the network
        settings += AUGMENTATION_SETTINGS
    return Strategy(
        role=parts.role,
        appearance=Appearance(backbone.colour, parts.marker, parts.dash),
        needs=parts.needs,
        architecture=partial(parts.layers, backbone),
        fits=parts.fits,
        backbone=backbone,
        mode=mode,
        **{**usual, **own, "settings": settings},
    )


def _cost(of_mode: int, backbone: Backbone) -> int:
    """Less for a smaller network: of the same mode it runs first."""
    return of_mode + round(5 * log10(backbone.multiply_adds / USUAL_WORK))
