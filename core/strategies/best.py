"""The preset ``best``: what a careful practitioner would run on a GPU, by the role of a strategy.

Heads on cached features are as in ``quick``: they are fitted to the end there, and augmentation
cannot reach them. Where a backbone is trained, its head is fitted first, as in ``quick`` too.
"""

from collections.abc import Mapping
from dataclasses import replace

from core.strategies.settings import Value, with_best
from core.strategies.strategy import Role, Strategy

CAREFUL: Mapping[str, Value] = {
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "schedule": "cosine",
    "label_smoothing": 0.1,
    "augment": "light",
}
BEST: Mapping[Role, Mapping[str, Value]] = {
    Role.FROM_SCRATCH: {
        **CAREFUL,
        "epochs": 100,
        "patience": 25,
        "warmup_epochs": 3,
        "learning_rate": 1e-3,
    },
    Role.RANDOM_START: {
        **CAREFUL,
        "epochs": 60,
        "patience": 20,
        "warmup_epochs": 3,
        "learning_rate": 3e-4,
    },
    Role.FINE_TUNED: {
        **CAREFUL,
        "epochs": 20,
        "patience": 8,
        "warmup_epochs": 1,
        "learning_rate": 3e-4,
    },
}


def with_best_preset(strategy: Strategy) -> Strategy:
    """``strategy`` with the values of ``best`` for its role, where it has none of its own."""
    settings = with_best(strategy.settings, BEST.get(strategy.role, {}))
    return replace(strategy, settings=settings)
