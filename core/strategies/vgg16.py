"""The transfer strategies on VGG16, the backbone of the tutorial."""

from dataclasses import replace

from core.backbones.vgg16 import VGG16
from core.strategies.settings import MEAN, Setting, batch_size, epochs, learning_rate
from core.strategies.strategy import Appearance, Mode
from core.strategies.transfer import (
    DENSE_HEAD_SETTINGS,
    SGD_SETTINGS,
    probe_settings,
    transfer_strategy,
)

BASE_LAYER_COUNT = len(VGG16.layers(VGG16.published_size, False))


def _start_settings(article_head: str, article_start: str) -> tuple[Setting, ...]:
    """Which head, and how it starts."""
    return (
        Setting(
            "head",
            "choice",
            "Head",
            "'linear' is the softmax of the probe, 'dense' a new head 1000-500-150 (it wants a "
            "learning rate ten times smaller), 'fc' are fc1 and fc2 of the full VGG16 with a new "
            "softmax (full weights, 528 MB; enlarges to 224×224).",
            "linear",
            article_head,
            choices=("linear", "dense", "fc"),
            changes_work=True,
        ),
        Setting(
            "start",
            "choice",
            "Start of the head",
            "'probe' fits the head on cached features before everything is trained, so that a "
            "random head does not spoil the pre-trained layers; 'fresh' starts all at once.",
            "probe",
            article_start,
            choices=("probe", "fresh"),
            changes_work=True,
        ),
        Setting(
            "head_epochs",
            "int",
            "Epochs of the head alone",
            "Epochs on cached features before everything is trained; used with start 'probe'.",
            20,
            20,
            low=1,
            high=1000,
        ),
    )


_DENSE_ONLY_SETTINGS = tuple(
    replace(setting, help=f"{setting.help} Used with head 'dense'.")
    for setting in DENSE_HEAD_SETTINGS
)

VGG16_SCRATCH = transfer_strategy(
    VGG16,
    Mode.SCRATCH,
    name="vgg16_scratch",
    title="VGG16 from random weights",
    teaches="The same large network without the head start: size alone does not help, and it costs "
    "as much time as fine-tuning.",
    tutorial="The fourth of its scenarios, 'large and different: train from scratch', tried on a "
    "small dataset.",
    settings=(
        *DENSE_HEAD_SETTINGS,
        MEAN,
        epochs(quick=2, article=10),
        batch_size(quick=32, article=16),
        learning_rate(quick=1e-4, article=1e-4),
    ),
    cost=80,
    appearance=Appearance("#C81432", "x", "dash"),
    terms=("VGG16",),
)

VGG16_PROBE = transfer_strategy(
    VGG16,
    Mode.PROBE,
    name="vgg16_probe",
    title="VGG16 probe",
    teaches="One linear layer on features learned from a million other pictures: the cheapest "
    "head start there is.",
    tutorial="Not in the tutorial; it is the standard yardstick for features (linear probe).",
    settings=(
        *probe_settings("flattened"),
        MEAN,
        epochs(quick=40, article=40),
        batch_size(quick=128, article=128),
        learning_rate(quick=2e-3, article=2e-3),
    ),
    cost=30,
    appearance=Appearance("#007864", "circle"),
    terms=("VGG16", "probe", "features"),
    default_chosen=True,
)

VGG16_FEATURES = transfer_strategy(
    VGG16,
    Mode.DENSE,
    name="vgg16_features",
    title="VGG16 features, dense head",
    teaches="The same frozen features under a deeper head: does a bigger head help, or does it "
    "only memorise? This rung shows it.",
    tutorial="Case 2a: 7×7×512 = 25088 features, dense 1000 and two more layers with dropouts 0.3, "
    "0.4, 0.2, Adam, 20 epochs, batch 128.",
    settings=(
        *DENSE_HEAD_SETTINGS,
        MEAN,
        epochs(quick=20, article=20),
        batch_size(quick=128, article=128),
        learning_rate(quick=1e-3, article=1e-3),
    ),
    cost=40,
    appearance=Appearance("#643CFA", "diamond"),
    terms=("VGG16", "features", "head"),
)

VGG16_SOFTMAX = transfer_strategy(
    VGG16,
    Mode.SOFTMAX,
    name="vgg16_softmax",
    title="Whole VGG16, new softmax",
    teaches="Even the layers made for ImageNet's own 1000 classes carry over: only the last one is "
    "replaced.",
    tutorial="Case 1: the softmax of 1000 is replaced by one of 16 and only that layer is trained; "
    "70 %, epoch time 'almost negligible'.",
    settings=(
        MEAN,
        epochs(quick=20, article=20),
        batch_size(quick=128, article=128),
        learning_rate(quick=1e-3, article=1e-3),
    ),
    cost=50,
    appearance=Appearance("#B4288C", "pentagon", "dashdot"),
    terms=("VGG16", "head", "frozen"),
)

VGG16_FREEZE = transfer_strategy(
    VGG16,
    Mode.FREEZE,
    name="vgg16_freeze",
    title="VGG16, first layers frozen",
    teaches="Early layers see edges and colours that every picture has: keep them, and let the "
    "later ones adapt to yours.",
    tutorial="Case 2b: model.layers[:8] frozen, the rest trained with SGD 1e-3, decay 1e-6, "
    "momentum 0.9, Nesterov, batch 16, 10 epochs.",
    settings=(
        Setting(
            "k",
            "int",
            "Frozen layers k",
            "Counted as Keras counts model.layers, the input layer included: 8 ends with "
            "block3_conv1, 19 is the whole base.",
            8,
            8,
            low=0,
            high=BASE_LAYER_COUNT,
            unit="layers",
            changes_work=True,
        ),
        *_start_settings("fc", "fresh"),
        *SGD_SETTINGS,
        *_DENSE_ONLY_SETTINGS,
        MEAN,
        epochs(quick=2, article=10),
        batch_size(quick=16, article=16),
        learning_rate(quick=1e-3, article=1e-3),
    ),
    cost=60,
    appearance=Appearance("#64A064", "star", "longdash"),
    terms=("VGG16", "layer", "frozen"),
)

VGG16_FINETUNE = transfer_strategy(
    VGG16,
    Mode.FINETUNE,
    name="vgg16_finetune",
    title="VGG16, everything fine-tuned",
    teaches="All layers start from ImageNet and move a little: often the best accuracy, for many "
    "times the probe's time.",
    tutorial="The third of its scenarios, 'large and similar: start from the weights, train "
    "everything'.",
    settings=(
        *_start_settings("linear", "probe"),
        *SGD_SETTINGS,
        *_DENSE_ONLY_SETTINGS,
        MEAN,
        epochs(quick=2, article=10),
        batch_size(quick=16, article=16),
        learning_rate(quick=1e-3, article=1e-3),
    ),
    cost=70,
    appearance=Appearance("#B482B4", "hexagon", "longdashdot"),
    terms=("VGG16", "fine-tuned"),
)

# In the order in which pages show them.
VGG16_STRATEGIES = (
    VGG16_SCRATCH,
    VGG16_PROBE,
    VGG16_FEATURES,
    VGG16_SOFTMAX,
    VGG16_FREEZE,
    VGG16_FINETUNE,
)
