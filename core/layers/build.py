"""The Keras network that layer records describe. Only workers call this: it loads Keras.

Layers are made in the order of their records, because each one draws its random seed when it is
made: the same records and the same seed give the same starting weights.
"""

from collections.abc import Sequence
from typing import Any

from core.layers.record import LayerRecord


def build_network(
    records: Sequence[LayerRecord],
    input_shape: tuple[int, ...],
    name: str,
    input_dtype: str = "uint8",
) -> Any:
    """A Keras model of ``records``: ``(n, *input_shape)`` in, the output of the last record out.

    The weights are called ``name/layer/variable``, which is how checkpoints know them.
    """
    import keras

    inputs = keras.Input(input_shape, dtype=input_dtype)
    with keras.name_scope(name):
        outputs = connect(records, make_layers(records), inputs)
    return keras.Model(inputs, outputs, name=name)


def make_layers(records: Sequence[LayerRecord]) -> list[Any]:
    """One Keras layer for each record, not yet connected."""
    return [_class_of(record.kind)(name=record.name, **record.options) for record in records]


def connect(records: Sequence[LayerRecord], layers: Sequence[Any], tensor: Any) -> Any:
    """The output of the last of ``layers``, the first one fed with ``tensor``.

    A record without ``inputs`` takes the output before it. Calling this twice with the same layers
    gives two networks that share their weights. Raises ``ValueError`` for an input that is no
    earlier layer.
    """
    outputs: dict[str, Any] = {}
    for record, layer in zip(records, layers, strict=True):
        unknown = [name for name in record.inputs if name not in outputs]
        if unknown:
            raise ValueError(f"{record.name} takes {', '.join(unknown)}, which is not before it")
        taken = [outputs[name] for name in record.inputs] or [tensor]
        tensor = outputs[record.name] = layer(taken if len(taken) > 1 else taken[0])
    return tensor


def _class_of(kind: str) -> Any:
    import keras

    from core.layers import own

    found = getattr(own, kind, None) or getattr(keras.layers, kind, None)
    if found is None:
        raise ValueError(f"there is no layer of the kind {kind}")
    return found
