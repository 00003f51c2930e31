"""Which device, which precision, compiled or not: chosen once, printed, stored with the run.

On a processor XLA makes VGG16 slower (3.1 against 7.1 images a second), so it is off there;
bfloat16 doubles extraction and training where the processor has it in hardware. On a GPU both XLA
and mixed precision pay.
"""

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.backbones.backbone import Backbone
from core.devices import processor_information, processor_name
from core.settings import VERSION, current_settings

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_STATUS = Path("/proc/self/status")
OWN_PEAK = Path("/proc/self/clear_refs")
OWN_CONTROL_GROUPS = Path("/proc/self/cgroup")
_with_libraries_bytes: int | None = None
VERSIONED = ("keras", "tensorflow", "jax", "torch", "numpy", "scikit-learn", "pillow")


@dataclass(frozen=True)
class DevicePolicy:
    """``device`` is a name for people, ``kind`` is ``cpu`` or ``gpu``; ``precision`` is a Keras
    dtype policy; ``compile_with_xla`` goes to ``model.compile`` as ``jit_compile``."""

    device: str
    kind: str
    backend: str
    precision: str
    compile_with_xla: bool

    @property
    def made_on(self) -> str:
        """Where features are made: those that were made elsewhere cost other seconds."""
        return f"{self.device}, {self.backend}"

    def backbone_precision(self, backbone: Backbone) -> str:
        """Keras dtype policy of the layers of ``backbone`` where it is trained.

        On processors bfloat16 is slow in the gradients of depthwise convolutions: a training step
        of EfficientNet-Lite0 took twice as long as in float32 (275 and 136 ms for 16 images of 96
        pixels, TensorFlow 2.21). Networks that have them are trained in float32 there. Features
        are extracted in ``precision``: forward, and with folded batch normalisation, bfloat16 is
        fast in them too.
        """
        if self.kind == "cpu" and backbone.depthwise and self.precision == "mixed_bfloat16":
            return "float32"
        return self.precision


def choose_policy(requested_precision: str = "auto") -> DevicePolicy:
    """Look at the device of the Keras backend and choose; ``auto`` takes the precision from
    ``HEADSTART_PRECISION``, or chooses it too."""
    import keras

    backend = keras.backend.backend()
    gpu, capability = _gpu(backend)
    precision = requested_precision
    if precision == "auto":
        precision = current_settings().precision
    if precision == "auto":
        precision = _gpu_precision(capability) if gpu else _processor_precision()
    # JAX always compiles with XLA; torch's compiler is not XLA and is left off.
    compile_with_xla = backend == "jax" or (gpu is not None and backend == "tensorflow")
    if gpu is None:
        return DevicePolicy(processor_name(), "cpu", backend, precision, compile_with_xla)
    return DevicePolicy(gpu, "gpu", backend, precision, compile_with_xla)


def _processor_precision() -> str:
    in_hardware = re.search(r"\b(avx512_bf16|amx_bf16)\b", processor_information())
    return "mixed_bfloat16" if in_hardware else "float32"


def _gpu_precision(capability: tuple[int, int] | None) -> str:
    if capability is None or capability < (7, 0):
        return "float32"
    # bfloat16 needs no loss scaling; it is in hardware from compute capability 8.0 on.
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"


def _gpu(backend: str) -> tuple[str | None, tuple[int, int] | None]:
    """Name and compute capability of the first GPU the backend sees, or ``(None, None)``."""
    if backend == "tensorflow":
        import tensorflow

        # One GPU is used; growth must not differ between those that TensorFlow sees.
        for device in tensorflow.config.list_physical_devices("GPU")[:1]:
            tensorflow.config.set_visible_devices(device, "GPU")
            tensorflow.config.experimental.set_memory_growth(device, True)
            details = tensorflow.config.experimental.get_device_details(device)
            return details.get("device_name", device.name), details.get("compute_capability")
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name(0), torch.cuda.get_device_capability(0)
    elif backend == "jax":
        import jax

        for found in jax.devices():
            if found.platform == "gpu":
                major, _, minor = str(getattr(found, "compute_capability", "0.0")).partition(".")
                return found.device_kind, (int(major), int(minor or 0))
    return None, None


def library_versions() -> dict[str, str]:
    """Versions of Headstart, Python and the installed libraries that can change a result."""
    found: dict[str, str] = {"headstart": VERSION, "python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def memory_limit_bytes() -> int:
    """The memory that this process may have: that of the machine, or of a group that it is in."""
    import psutil

    limits = [psutil.virtual_memory().total]
    for path in _memory_limit_files():
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):
            continue  # no limit here, or "max"
    return min(limits)


def _memory_limit_files() -> Iterator[Path]:
    """Files of the control groups (of both versions) around this process, which need not exist."""
    try:
        lines = OWN_CONTROL_GROUPS.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        inner = Path(group.lstrip("/"))
        for each in (inner, *inner.parents):  # in a container, only the outermost can be seen
            if not controllers:
                yield CONTROL_GROUPS / each / "memory.max"
            elif "memory" in controllers.split(","):
                yield CONTROL_GROUPS / "memory" / each / "memory.limit_in_bytes"


def note_libraries() -> None:
    """Remember what this process holds now that it has loaded its libraries, the first time."""
    global _with_libraries_bytes
    if _with_libraries_bytes is None:
        _with_libraries_bytes = _held_bytes()


def left_behind_bytes() -> int:
    """What earlier runs of this process left in its memory."""
    return 0 if _with_libraries_bytes is None else _held_bytes() - _with_libraries_bytes


def _held_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def reset_peak_memory() -> bool:
    """Let ``peak_memory_bytes`` begin at what this process holds now; False where it cannot."""
    try:
        OWN_PEAK.write_text("5")  # of the numbers in Linux' proc(5), that of the peak
    except OSError:
        return False
    return OWN_STATUS.exists()


def peak_memory_bytes() -> int:
    """The largest resident memory of this process so far, or since ``reset_peak_memory``."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    if OWN_STATUS.exists():
        # Not what getrusage says: on Linux that begins at the peak of whoever started the process.
        found = re.search(r"VmHWM:\s*(\d+) kB", OWN_STATUS.read_text())
        if found:
            return int(found.group(1)) * 1024
    import resource

    peak: Any = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024
