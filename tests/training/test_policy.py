"""What this process may use of the machine."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.backbones.registry import BACKBONES
from core.training import policy
from core.training.policy import (
    DevicePolicy,
    memory_limit_bytes,
    peak_memory_bytes,
    reset_peak_memory,
)


@pytest.mark.parametrize(
    ("own", "file"),
    [
        ("0::/user.slice/run-1.scope\n", "user.slice/run-1.scope/memory.max"),
        ("0::/user.slice/run-1.scope\n", "user.slice/memory.max"),
        ("0::/\n", "memory.max"),
        ("4:memory:/docker/abc\n1:cpu:/\n", "memory/docker/abc/memory.limit_in_bytes"),
        ("4:hugetlb,memory:/docker/abc\n", "memory/memory.limit_in_bytes"),
    ],
)
def test_the_memory_is_that_of_the_smallest_group_around_the_process(
    own: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(policy, "OWN_CONTROL_GROUPS", tmp_path / "own")
    assert memory_limit_bytes() == psutil.virtual_memory().total
    (tmp_path / "own").write_text(own)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("max\n")
    assert memory_limit_bytes() == psutil.virtual_memory().total
    (tmp_path / file).write_text("943718400\n")
    assert memory_limit_bytes() == 943718400


@pytest.mark.skipif(sys.platform != "linux", reason="other systems begin at nothing")
def test_the_peak_memory_of_a_process_is_not_that_of_the_one_that_started_it() -> None:
    held = bytearray(b"x") * 400_000_000
    code = "from core.training.policy import peak_memory_bytes; print(peak_memory_bytes())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert len(held) < peak_memory_bytes()
    assert 1_000_000 < int(told.stdout) < 200_000_000
    before = peak_memory_bytes()
    del held
    assert peak_memory_bytes() > before - 10_000_000  # Linux counts pages in bundles
    assert reset_peak_memory()
    assert peak_memory_bytes() < before - 300_000_000


@pytest.mark.parametrize(
    ("kind", "precision", "backbone", "expected"),
    [
        ("cpu", "mixed_bfloat16", "efficientnet_lite0", "float32"),
        ("cpu", "mixed_bfloat16", "vgg16", "mixed_bfloat16"),
        ("cpu", "float32", "mobilenet_v2", "float32"),
        ("gpu", "mixed_bfloat16", "efficientnet_lite0", "mixed_bfloat16"),
        ("gpu", "mixed_float16", "convnext_tiny", "mixed_float16"),
    ],
)
def test_on_a_processor_depthwise_convolutions_are_trained_in_float32(
    kind: str, precision: str, backbone: str, expected: str
) -> None:
    chosen = DevicePolicy("a device", kind, "tensorflow", precision, False)
    assert chosen.backbone_precision(BACKBONES[backbone]) == expected
