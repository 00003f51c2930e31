"""From stored pixels to what a network expects, as layers inside the model.

Pictures are kept as uint8 at the size of their source at most; these layers make three colours,
enlarge, and put the numbers into the range that the network behind them was made for. Both are
written with ``keras.ops`` alone and compute in float32 under every dtype policy: bfloat16 has
too few digits for pixels.
"""

from typing import Any

from core.backbones.backend import load_keras

keras = load_keras()

# Mean of the ImageNet training images, red, green, blue; source: keras.applications.imagenet_utils.
IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)


class _Enlarge(keras.layers.Layer):  # type: ignore[name-defined]  # keras is loaded by a call
    """``(n, h, w, 1 or 3)`` uint8 to ``(n, image_size, image_size, 3)`` float32, 0 to 255, RGB.

    Grey becomes three equal channels; smaller pictures are enlarged bilinearly. A larger picture
    is a ``ValueError``: pictures are reduced once, with antialiasing, when they are prepared.
    """

    def __init__(self, image_size: int, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.image_size = int(image_size)

    def enlarged(self, pictures: Any) -> Any:
        ops = keras.ops
        height, width, channels = pictures.shape[1:]
        if max(height, width) > self.image_size:
            raise ValueError(
                f"{self.name} got pictures of {height} x {width} pixels, which is more than its "
                f"image_size of {self.image_size}"
            )
        pixels = ops.cast(pictures, "float32")
        if (height, width) != (self.image_size, self.image_size):
            side = (self.image_size, self.image_size)
            pixels = ops.image.resize(
                pixels, side, interpolation="bilinear", data_format="channels_last"
            )
        if channels == 1:
            pixels = ops.repeat(pixels, 3, axis=-1)
        return pixels

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_size": self.image_size}


@keras.saving.register_keras_serializable(package="headstart")
class PrepareForVgg16(_Enlarge):
    """uint8 ``(n, h, w, 1 or 3)`` to what VGG16 was trained on: ``(n, S, S, 3)`` float32, blue
    first, minus ``mean_rgb`` (0 to 255, red first), not scaled (Keras' "caffe" mode).
    """

    def __init__(
        self,
        image_size: int,
        mean_rgb: tuple[float, float, float] = IMAGENET_MEAN_RGB,
        **kwargs: Any,
    ) -> None:
        super().__init__(image_size, **kwargs)
        self.mean_rgb = tuple(float(value) for value in mean_rgb)

    def call(self, pictures: Any) -> Any:
        mean = keras.ops.convert_to_tensor(self.mean_rgb[::-1], dtype="float32")
        return keras.ops.flip(self.enlarged(pictures), axis=-1) - mean

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean_rgb": list(self.mean_rgb)}


@keras.saving.register_keras_serializable(package="headstart")
class RescaleToUnit(_Enlarge):
    """uint8 ``(n, h, w, 1 or 3)`` to ``(n, S, S, 3)`` float32 from 0 to 1, for the MLP and CNN."""

    def call(self, pictures: Any) -> Any:
        return self.enlarged(pictures) / 255.0
