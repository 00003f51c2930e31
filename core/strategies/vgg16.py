"""The transfer strategies on VGG16, the backbone of the tutorial."""

from core.backbones.vgg16 import VGG16
from core.strategies.settings import MEAN, fit_settings
from core.strategies.strategy import Appearance, Mode
from core.strategies.transfer import (
    DENSE_HEAD_SETTINGS,
    frozen_setting,
    probe_settings,
    trained_settings,
    transfer_strategy,
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
        *fit_settings(epochs=(2, 10), batch_size=(32, 16), learning_rate=(1e-4, 1e-4)),
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
    tutorial="not in it. The linear probe is the standard yardstick for features.",
    settings=(
        *probe_settings("flattened"),
        MEAN,
        *fit_settings(epochs=(40, 40), batch_size=(128, 128), learning_rate=(2e-3, 2e-3)),
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
        *fit_settings(epochs=(20, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3)),
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
        *fit_settings(epochs=(20, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3)),
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
        frozen_setting(VGG16, 8),
        *trained_settings(VGG16, article_head="fc", article_start="fresh"),
        MEAN,
        *fit_settings(
            epochs=(2, 10), batch_size=(16, 16), learning_rate=(1e-3, 1e-3), optimizer="sgd"
        ),
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
        *trained_settings(VGG16, article_head="linear", article_start="probe"),
        MEAN,
        *fit_settings(
            epochs=(2, 10), batch_size=(16, 16), learning_rate=(1e-3, 1e-3), optimizer="sgd"
        ),
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
