"""What the strategies on VGG16 have of their own: the texts and settings of the tutorial."""

from typing import Any

from core.backbones.vgg16 import VGG16
from core.strategies.heads import DENSE_HEAD_SETTINGS, L2_SETTING, features_setting
from core.strategies.modes import frozen_setting, trained_settings
from core.strategies.settings import INITIALIZER, MEAN, fit_settings, with_best
from core.strategies.strategy import Mode

# Without batch normalisation it takes smaller steps of AdamW than other backbones.
_BEST = {"learning_rate": 3e-5}

# By mode, fields of ``Strategy``.
VGG16_OWN: dict[Mode, dict[str, Any]] = {
    Mode.SCRATCH: {
        "teaches": "The same large network without the head start: size alone does not help, "
        "and it costs as much time as fine-tuning.",
        "tutorial": "The fourth of its scenarios, 'large and different: train from scratch', "
        "tried on a small dataset.",
        "settings": (
            *DENSE_HEAD_SETTINGS,
            INITIALIZER,
            MEAN,
            *fit_settings(epochs=(2, 10), batch_size=(32, 16), learning_rate=(1e-4, 1e-4)),
        ),
    },
    Mode.PROBE: {
        "teaches": "One linear layer on features learned from a million other pictures: the "
        "cheapest head start there is.",
        "tutorial": "not in it. The linear probe is the standard yardstick for features.",
        "settings": (
            features_setting("flattened"),
            L2_SETTING,
            MEAN,
            *fit_settings(epochs=(40, 40), batch_size=(128, 128), learning_rate=(2e-3, 2e-3)),
        ),
        "default_chosen": True,
    },
    Mode.DENSE: {
        "name": "vgg16_features",
        "teaches": "The same frozen features under a deeper head: does a bigger head help, or "
        "does it only memorise? This rung shows it.",
        "tutorial": "Case 2a: 7×7×512 = 25088 features, dense 1000 and two more layers with "
        "dropouts 0.3, 0.4, 0.2, Adam, 20 epochs, batch 128.",
        "settings": (
            *DENSE_HEAD_SETTINGS,
            MEAN,
            *fit_settings(epochs=(40, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3)),
        ),
    },
    Mode.SOFTMAX: {
        "tutorial": "Case 1: the softmax of 1000 is replaced by one of 16 and only that layer "
        "is trained; 70 %, epoch time 'almost negligible'.",
        "settings": (
            MEAN,
            *fit_settings(epochs=(20, 20), batch_size=(128, 128), learning_rate=(1e-3, 1e-3)),
        ),
    },
    Mode.FREEZE: {
        "teaches": "Early layers see edges and colours that every picture has: keep them, and "
        "let the later ones adapt to yours.",
        "tutorial": "Case 2b: model.layers[:8] frozen, the rest trained with SGD 1e-3, decay "
        "1e-6, momentum 0.9, Nesterov, batch 16, 10 epochs.",
        "settings": (
            frozen_setting(VGG16, 8),
            *trained_settings(VGG16, article_head="fc", article_start="fresh"),
            MEAN,
            *with_best(
                fit_settings(
                    epochs=(2, 10),
                    batch_size=(16, 16),
                    learning_rate=(1e-3, 1e-3),
                    optimizer=("sgd", "sgd"),
                ),
                _BEST,
            ),
        ),
    },
    Mode.FINETUNE: {
        "teaches": "All layers start from ImageNet and move a little: often the best accuracy, "
        "for many times the probe's time.",
        "tutorial": "The third of its scenarios, 'large and similar: start from the weights, "
        "train everything'.",
        "settings": (
            *trained_settings(VGG16, article_head="linear", article_start="probe"),
            MEAN,
            # The best of what was tried on three datasets (docs/decisions/0017).
            *with_best(
                fit_settings(
                    epochs=(2, 10),
                    batch_size=(16, 16),
                    learning_rate=(6e-5, 1e-3),
                    optimizer=("adam", "sgd"),
                ),
                _BEST,
            ),
        ),
    },
}
