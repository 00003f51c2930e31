"""The networks that are built here give the logits of an independent forward pass."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from core.backbones.backbone import build_backbone
from core.backbones.registry import find_backbone
from core.backbones.weights.files import read_weights_file
from core.layers.record import connect, make_layers
from tests.backbones import numpy_networks

# What the networks see in the photos of a temple and of a flower, of ImageNet's 1000 classes. A
# daisy is beyond SqueezeNet: it says coral fungus.
PALACE, DAISY, STUPA, CORAL_FUNGUS = 698, 985, 832, 991
SEEN = {"efficientnet_lite0": [PALACE, DAISY], "squeezenet": [STUPA, CORAL_FUNGUS]}


def photo(name, side):
    """The square in the middle."""
    image = Image.fromarray(load_sample_image(name))
    left, top = ((length - min(image.size)) // 2 for length in image.size)
    middle = (left, top, left + min(image.size), top + min(image.size))
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=middle))


def keras_logits(backbone, arrays, photos):
    """The feature map of our Keras network, then its published classifier."""
    side = backbone.published_size
    own = {name: array for name, array in arrays.items() if name in backbone.weights.arrays}
    prepare = [backbone.preparing_layer(side, side)]
    prepared = connect(prepare, make_layers(prepare), photos)
    maps = np.asarray(build_backbone(backbone, side, own)(prepared, training=False), np.float64)
    (kernel, bias) = (arrays[name].astype(float) for name in backbone.weights.classifier)
    if kernel.ndim == 2:
        return maps.mean(axis=(1, 2)) @ kernel + bias
    return np.maximum(maps @ kernel[0, 0] + bias, 0).mean(axis=(1, 2))


@pytest.mark.weights
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list(SEEN))
def test_logits_of_two_photos_agree_with_numpy(real_file, name):
    backbone = find_backbone(name)
    whole = replace(backbone.weights, arrays=backbone.weights.content)
    arrays = read_weights_file(real_file(backbone.weights), whole)
    side = backbone.published_size
    photos = np.stack([photo("china.jpg", side), photo("flower.jpg", side)])
    expected = np.stack([getattr(numpy_networks, name)(one, arrays) for one in photos])
    found = keras_logits(backbone, arrays, photos)
    assert np.abs(found - expected).max() < 1e-4
    assert expected.std() > 1
    assert expected.argmax(axis=1).tolist() == SEEN[name]
