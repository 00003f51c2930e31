"""The multilayer perceptron on raw pixels."""

from dataclasses import replace

from core.layers.record import LayerRecord, dense, dropout, flatten, image_layer, softmax
from core.strategies.augmentation import AUGMENTATION_SETTINGS
from core.strategies.settings import Setting, fit_settings, with_best
from core.strategies.settings import dropout as dropout_setting
from core.strategies.strategy import Appearance, Role, Settings, Strategy


def architecture(settings: Settings, image_size: int, class_count: int) -> tuple[LayerRecord, ...]:
    """Flatten, hidden dense layers with ReLU (and dropout where asked for), softmax."""
    layers = [image_layer("RescaleToUnit", "rescale_to_unit", image_size)]
    layers.append(flatten(layers[-1]))
    for place in range(1, settings["hidden_layers"] + 1):
        group = f"hidden_{place}"
        hidden = dense(layers[-1], f"dense_{place}", settings["hidden_width"])
        layers.append(replace(hidden, group=group))
        if settings["dropout"]:
            dropped = dropout(hidden, f"dropout_{place}", settings["dropout"])
            layers.append(replace(dropped, group=group))
    return (*layers, softmax(layers[-1], class_count))


MLP = Strategy(
    name="mlp",
    title="MLP",
    role=Role.FROM_SCRATCH,
    teaches="A network that sees only a long row of pixels knows nothing of shapes: it shows how "
    "far colour and position alone go.",
    tutorial="Case 1: flatten to 150528, three hidden layers of 500, softmax; 10 epochs. The "
    "number and width of the hidden layers and dropout were varied there without gain.",
    settings=(
        Setting(
            "hidden_layers", "int", "Hidden layers", "How many dense layers.", 3, 3, low=1, high=6
        ),
        Setting(
            "hidden_width",
            "int",
            "Units in each hidden layer",
            "Width of the dense layers.",
            500,
            500,
            low=8,
            high=2048,
            unit="units",
        ),
        dropout_setting("dropout", "Dropout", 0.0),
        *with_best(
            fit_settings(epochs=(10, 10), batch_size=(32, 32), learning_rate=(1e-4, 1e-3)),
            {"learning_rate": 3e-4},
        ),
        *AUGMENTATION_SETTINGS,
    ),
    cost=10,
    appearance=Appearance("#D26E14", "square"),
    terms=("MLP",),
    architecture=architecture,
    convolutional=False,
    default_chosen=True,
)
