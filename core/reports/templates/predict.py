"""What the model says about a picture: python predict.py PICTURE [--onnx]

Needs the files beside it and what requirements.txt names; with --onnx, requirements-onnx.txt.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent
LABELS = json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))
PREPARE = json.loads((FOLDER / "preprocessing.json").read_text(encoding="utf-8"))


def upright_on_white(path):
    """The image as people see it: turned as its EXIF says, transparency on white, RGB."""
    with Image.open(path, formats=("JPEG", "PNG", "GIF", "BMP", "WEBP")) as opened:
        # A large JPEG is decoded at half, a quarter or an eighth, never below twice the side.
        opened.draft(None, (2 * PREPARE["side"], 2 * PREPARE["side"]))
        image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):  # 16 bits a pixel
        levels = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        grey = ((levels * 255 + 32767) // 65535).astype(np.uint8)
        if isinstance(image.info.get("transparency"), int):
            grey[levels == image.info["transparency"]] = 255
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def prepared(path):
    """uint8 (1, side, side, channels), as the model was trained on."""
    image = upright_on_white(path)
    if PREPARE["channels"] == 1:
        image = image.convert("L")
    size, smooth = (PREPARE["side"], PREPARE["side"]), Image.Resampling.BILINEAR
    if PREPARE["resize"] == "pad":
        white = 255 if image.mode == "L" else (255, 255, 255)
        image = ImageOps.pad(image, size, smooth, color=white)
    elif PREPARE["resize"] == "crop":
        image = ImageOps.fit(image, size, smooth)
    elif image.size != size:
        image = image.resize(size, smooth)
    return np.asarray(image).reshape(1, *size, PREPARE["channels"])


def with_keras(images):
    """float32 (n, classes): a probability for each class."""
    import keras

    model = keras.models.load_model(FOLDER / "model.keras")
    return np.asarray(model.predict_on_batch(images))


def with_onnx(images):
    """The same from model.onnx, without Keras."""
    import onnxruntime

    session = onnxruntime.InferenceSession(FOLDER / "model.onnx")
    return session.run(None, {session.get_inputs()[0].name: images})[0]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--onnx"]):
        sys.exit(__doc__)
    predict = with_onnx if "--onnx" in sys.argv else with_keras
    probabilities = predict(prepared(sys.argv[1]))[0]
    for place in probabilities.argsort()[::-1][:3]:
        print(f"{probabilities[place]:7.2%}  {LABELS[place]}")
