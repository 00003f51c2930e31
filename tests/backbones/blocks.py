"""The blocks of a network of ``keras.applications``, as ``data/keras_applications.json`` has them.

    python -m tests.backbones.blocks MobileNetV2 Conv1_relu expanded_conv_project_BN ... out_relu

The arguments are the function and the last layer of each block, in order; what leaves a block must
leave it through that layer. Prints a line for each block, then the multiply-adds without the top.
``round`` is "up" as with padding; write "down" where a test says that a block rounds down.
"""

import json
import sys

import numpy as np

from core.backbones.backend import load_keras

SIZE = 224


def multiply_adds(layer):
    """Each filter at every place, each weight of a dense layer at every place it is used."""
    if hasattr(layer, "layers"):
        return sum(map(multiply_adds, layer.layers))
    if type(layer).__name__ in ("Conv2D", "DepthwiseConv2D"):
        return int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]))
    if type(layer).__name__ == "Dense":
        return int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1]))
    return 0


def counted(layers):
    """All parameters of some layers, and those of batch normalisation."""
    normalization = [one for one in layers if type(one).__name__ == "BatchNormalization"]
    return [sum(one.count_params() for one in some) for some in (layers, normalization)]


def main(function, *ends):
    shape = (SIZE, SIZE, 3)
    build = getattr(load_keras().applications, function)
    model = build(include_top=False, weights=None, input_shape=shape)
    names = [layer.name for layer in model.layers]
    start, size = 1, SIZE
    for name in ends:
        stop = names.index(name) + 1
        parameters, normalization = counted(model.layers[start:stop])
        last = model.layers[stop - 1]
        block = {
            "name": name,
            "kind": type(last).__name__,
            "divide": round(size / last.output.shape[1]),
            "round": "up",
            "channels": last.output.shape[-1],
            "parameters": parameters,
            "normalization": normalization,
        }
        print(f"  {json.dumps(block)},")
        start, size = stop, last.output.shape[1]
    print(f"{sum(map(multiply_adds, model.layers)):_} multiply-adds without the top")


if __name__ == "__main__":
    main(*sys.argv[1:])
