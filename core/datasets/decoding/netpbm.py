"""Netpbm images that Pillow decodes number by number, in seconds a megapixel: here in one go."""

import re

import numpy as np
from PIL import Image, ImageFile

_NAME = "headstart_netpbm"
_SLOW = frozenset({"ppm", "ppm_plain"})
_COMMENT = re.compile(rb"#[^\r\n]*")


def decode_fast(opened: ImageFile.ImageFile) -> None:
    """Let an opened, not yet loaded Netpbm image be decoded by this module where Pillow is slow."""
    opened.tile = [_fast(tile, opened.mode) for tile in opened.tile]


def _fast(tile: ImageFile._Tile, mode: str) -> ImageFile._Tile:
    if tile.codec_name == "ppm" and mode == "RGB" and tile.args == ("RGB", 65535):
        return tile._replace(codec_name="raw", args=("RGB;16B", 0, 1))
    if tile.codec_name in _SLOW:
        return tile._replace(codec_name=_NAME, args=(tile.codec_name, tile.args))
    return tile


class _Decoder(ImageFile.PyDecoder):
    """Gives the pixels that Pillow's two decoders give: the highest value declared is white."""

    _pulls_fd = True

    def decode(self, _buffer: object) -> tuple[int, int]:
        assert self.fd is not None
        codec, arguments = self.args
        count = self.state.xsize * self.state.ysize * len(self.mode.replace("I", "L"))
        if self.mode == "1":
            data = self._plain_text().translate(None, b" \t\n\v\f\r")[:count]
            if data.strip(b"01"):
                raise ValueError("a plain bitmap holds 0 and 1 alone")
            self.set_as_raw(data.translate(bytes.maketrans(b"01", b"\xff\0")), "1;8")
            return -1, 0
        highest = arguments[-1]
        if codec == "ppm_plain":
            values = np.fromstring(self._plain_text().decode("ascii"), np.int32, count, sep=" ")
        else:
            size = count * (1 if highest < 256 else 2)
            data = self.fd.read(size)
            if len(data) < size:
                raise ValueError("pixels are missing at the end")
            values = np.frombuffer(data, np.uint8 if highest < 256 else ">u2", count)
        if values.min() < 0 or (codec == "ppm_plain" and values.max() > highest):
            raise ValueError(f"a level is not between 0 and {highest}")
        white, kind = (65535, ">u2") if self.mode == "I" else (255, "u1")
        table = np.rint(np.arange(highest + 1) / highest * white).astype(kind)
        rawmode = "I;16B" if self.mode == "I" else self.mode
        self.set_as_raw(table[np.minimum(values, highest)].tobytes(), rawmode)
        return -1, 0

    def _plain_text(self) -> bytes:
        assert self.fd is not None
        return _COMMENT.sub(b"", self.fd.read())


Image.register_decoder(_NAME, _Decoder)
