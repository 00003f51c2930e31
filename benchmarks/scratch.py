"""What benchmarks share: a home of their own with the weights, images in memory, what they tell."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def scratch_home(*backbones: str) -> Iterator[Path]:
    """An empty HEADSTART_HOME, removed at the end, with links to this machine's weights of the
    ``backbones`` (VGG16 if none is named)."""
    from core.backbones.registry import find_backbone
    from core.backbones.weights import access as weights

    sets = [find_backbone(name).weights for name in backbones or ("vgg16",)]
    sources = [weights.fetch(one, report=print).path for one in sets]
    if None in sources:
        raise SystemExit("the weights have no file")
    with linked_home(*filter(None, sources)) as folder:
        yield folder


@contextmanager
def linked_home(*weights_files: Path) -> Iterator[Path]:
    """An empty HEADSTART_HOME, removed at the end, with links to these files of weights."""
    with tempfile.TemporaryDirectory(prefix="headstart-benchmark-") as folder:
        (Path(folder) / "weights").mkdir()
        for source in weights_files:
            (Path(folder) / "weights" / source.name).symlink_to(source)
        former = os.environ.get("HEADSTART_HOME")
        os.environ["HEADSTART_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["HEADSTART_HOME"]
            if former is not None:
                os.environ["HEADSTART_HOME"] = former


def in_child(module: str, what: str, given: str, folder: Path | None = None) -> dict[str, Any]:
    """What ``--child`` of a benchmark tells, in a process and a home of its own in ``folder``."""
    with tempfile.TemporaryDirectory(prefix="headstart-child-", dir=folder) as home:
        finished = subprocess.run(
            [sys.executable, "-m", module, "--child", what, given],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=os.environ | {"HEADSTART_HOME": home},
        )
    return dict(json.loads(finished.stdout.splitlines()[-1]))


def reason_in(log: str) -> str:
    """Why a process ended, by what it wrote: the last exception, else the last line."""
    lines = [line.removeprefix("E ").strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (errors or lines or ["it ended without a word"])[-1][:200]


def peak_bytes() -> int:
    """The largest resident memory of this process. Not ``ru_maxrss``: Linux hands that of the
    parent on to a child."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this benchmark needs Linux: /proc/self/status has no VmHWM")


def tell(result: dict[str, Any], output: Path | None) -> None:
    """Print ``result`` as JSON, and write it into the file ``output`` where one is named."""
    text = json.dumps(result, indent=1)
    print(text)
    if output:
        output.write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class InMemoryImages:
    """Random pictures that read like ``core.datasets.prepare.PreparedImages``."""

    pixels: np.ndarray
    digest: str

    @classmethod
    def random(cls, images: int, side: int, seed: int) -> "InMemoryImages":
        shape = (images, side, side, 3)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        return cls(pixels, hashlib.sha256(pixels.data).hexdigest())

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pixels.shape

    def take(self, indices: np.ndarray) -> np.ndarray:
        return self.pixels[indices]

    def shuffled(self, indices: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return random.permutation(indices)

    def gathered(self, indices: np.ndarray) -> np.ndarray:
        return np.arange(len(indices))


@dataclass(frozen=True)
class GeneratedImages:
    """Synthetic pictures made as they are read: any number of them takes no memory."""

    shape: tuple[int, int, int, int]

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"generated {self.shape}".encode()).hexdigest()

    def take(self, indices: np.ndarray) -> np.ndarray:
        generator = np.random.default_rng(int(indices[0]))
        return generator.integers(0, 256, (len(indices), *self.shape[1:]), dtype=np.uint8)
