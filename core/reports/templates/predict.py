"""What the model says about images: python predict.py IMAGE_OR_FOLDER ... [--onnx]

Of a folder, the images in it and in its subfolders are taken. Needs the files beside it and what
requirements.txt names; with --onnx, requirements-onnx.txt.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FOLDER = Path(__file__).parent
LABELS = json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))
PREPARE = json.loads((FOLDER / "preprocessing.json").read_text(encoding="utf-8"))
# Levels that are black and white in images deeper than 8 bits, where the dataset has its own.
LEVELS = PREPARE.get("levels") or {}
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM", "AVIF")
BY_SUFFIX = {".tif": "TIFF", ".tiff": "TIFF", ".tga": "TGA"}
SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".avif"),
    *(".tif", ".tiff", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    *(".heic", ".heif", ".jp2", ".jxl", ".dcm", ".dng", ".nef", ".cr2", ".arw"),  # each is told
}
BACKENDS = ("tensorflow", "jax", "torch")  # what Keras can compute with
LARGEST_PIXELS = 51_500_000
Image.MAX_IMAGE_PIXELS = None  # the limit above is checked instead
# Pillow gives the upper bytes of 16-bit colours; read in the other order, it gives the lower ones.
OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


class Unreadable(Exception):
    """Why a file cannot be used."""


def opened_image(path):
    """An image of a known format, not yet decoded."""
    by_suffix = BY_SUFFIX.get(path.suffix.lower())
    image = Image.open(path, formats=FORMATS + ((by_suffix,) if by_suffix else ()))
    if image.width * image.height > LARGEST_PIXELS:
        raise Unreadable(f"it has more than {LARGEST_PIXELS // 1_000_000} megapixels")
    if image.format == "PPM" and image.tile[0][::3] == ("ppm", ("RGB", 65535)):
        image.tile = [image.tile[0]._replace(codec_name="raw", args=("RGB;16B", 0, 1))]
    tags = getattr(image, "tag_v2", {})  # of a TIFF
    if tags.get(284) == 2 and max(tags.get(258, (8,))) > 8:
        raise Unreadable("a TIFF with more than 8 bits and each channel apart: save it as PNG")
    return image


def upright(image):
    """Decoded, and turned as its EXIF says."""
    # A large JPEG is decoded at half, a quarter or an eighth, never below twice the side.
    image.draft(None, (2 * PREPARE["side"], 2 * PREPARE["side"]))
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # an EXIF that cannot be read says nothing
        return image.copy()


def lower_bytes(path):
    """The lower bytes of 16-bit colours, int ``(H, W, 3)``; None for other images."""
    with opened_image(path) as image:
        tiles = []
        for tile in image.tile:
            args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
            start, deep, order = str(args[0]).partition(";16")
            if not deep or start not in ("RGB", "RGBX", "RGBA", "LA"):
                return None
            rawmode = "RGBA" if start == "LA" else f"{start};16{OTHER_ORDER[order]}"
            tiles.append(tile._replace(args=(rawmode, *args[1:])))
        if not tiles:
            return None
        grey = "LA;16" in str(image.tile)
        image.tile = tiles
        pixels = np.asarray(upright(image)).astype(int)
    return pixels[..., [1, 1, 1]] if grey else pixels[..., :3]


def stretched(values, low, high):
    """Numbers as uint8: black up to ``low``, white from ``high`` on."""
    wide = values if values.dtype == np.float32 and low == 0 else values.astype(np.float64)
    scaled = (wide - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def grey_of_deep(image, negative):
    """An image of more than 8 bits a pixel in 8."""
    values = np.asarray(image)
    if image.mode == "F":
        if not np.isfinite(values).all():
            raise Unreadable("it contains pixels that are not numbers")
        usual = (0.0, 1.0 if values.max() <= 1.0 else 255.0)
        grey = stretched(values, *(LEVELS.get("floats") or usual))
    elif LEVELS.get("whole"):
        grey = stretched(values.astype(np.int64), *LEVELS["whole"])
    else:
        limited = np.clip(values.astype(np.int64), 0, 65535)
        grey = ((limited * 255 + 32767) // 65535).astype(np.uint8)
    if isinstance(image.info.get("transparency"), int):
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(255 - grey if negative else grey)


def upright_on_white(path):
    """The image as people see it: upright, transparency on white, RGB, 8 bits a colour."""
    with opened_image(path) as opened:
        negative = getattr(opened, "tag_v2", {}).get(262) == 0
        image = upright(opened)
    if image.mode.startswith("I") or image.mode == "F":
        return grey_of_deep(image, negative).convert("RGB")
    lower = lower_bytes(path) if LEVELS.get("whole") else None
    if lower is not None:
        deep = np.asarray(image)[..., :3].astype(int) * 256 + lower
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        image = Image.fromarray(stretched(deep, *LEVELS["whole"]))
        if alpha is not None:
            image.putalpha(alpha)
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


def keras_model():
    """A function of images that gives float32 (n, classes): a probability for each class."""
    backend = next((one for one in BACKENDS if importlib.util.find_spec(one)), BACKENDS[0])
    if backend != BACKENDS[0]:  # Keras itself looks for the first alone
        os.environ.setdefault("KERAS_BACKEND", backend)
    import keras

    model = keras.models.load_model(FOLDER / "model.keras")
    # Compiling a deep network takes longer than its answers, except on JAX, which else compiles
    # each operation by itself.
    model.compile(jit_compile=keras.backend.backend() == "jax")
    return model.predict_on_batch


def onnx_model():
    """The same from model.onnx, without Keras."""
    import onnxruntime

    session = onnxruntime.InferenceSession(FOLDER / "model.onnx")
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def image_files(names):
    """The files that were named, and the images in folders; what is not there is told."""
    for path in map(Path, names):
        if path.is_dir():
            inside = (one for one in sorted(path.rglob("*")) if not one.name.startswith("."))
            found = [one for one in inside if one.suffix.lower() in SUFFIXES]
            yield from ((one, None) for one in found)
            if not found:
                yield path, "there is no image in this folder"
        else:
            yield path, None if path.exists() else "there is no such file"


def why_not(path, error):
    """One sentence about a file that cannot be used."""
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, PermissionError):
        return "it may not be read"
    with open(path, "rb") as file:
        start = file.read(132)
    if not start:
        return "the file is empty"
    if start[4:8] == b"ftyp" and start[8:11] in (b"hei", b"hev", b"mif", b"msf"):
        return "a HEIC image, as iPhones take them: save it as JPEG"
    if start[128:] == b"DICM":
        return "a DICOM file: save it as PNG or TIFF, as the images that the model was trained on"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, not the image itself: run `git lfs pull`"
    if isinstance(error, UnidentifiedImageError):
        known = ", ".join((*FORMATS, "TIFF", "TGA"))
        return f"not an image of a kind that can be opened ({known}); save it as PNG or JPEG"
    return f"damaged or cut short ({error})"


def main(arguments):
    names = [one for one in arguments if one != "--onnx"]
    if not names or any(name.startswith("--") for name in names):
        sys.exit(__doc__)
    files = list(image_files(names))
    predict, failed = None, 0
    for path, problem in files:
        try:
            images = None if problem else prepared(path)
        except Exception as error:  # decoders raise all kinds of errors; each becomes a sentence
            problem = why_not(path, error)
        if problem:
            failed += 1
            print(f"{path}: {problem}.", file=sys.stderr)
            continue
        if predict is None:
            print("Loading the model ...", file=sys.stderr, flush=True)
            try:
                predict = onnx_model() if "--onnx" in arguments else keras_model()
            except ImportError as error:
                needs = "requirements-onnx.txt" if "--onnx" in arguments else "requirements.txt"
                sys.exit(f"{error.name} is missing: python -m pip install -r {needs}")
            except Exception as error:
                sys.exit(f"The model beside this program cannot be loaded: {error}")
        probabilities = np.asarray(predict(images))[0]
        if len(files) > 1:
            print(path)
        for place in probabilities.argsort()[::-1][:3]:
            print(f"{probabilities[place]:7.2%}  {LABELS[place]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
