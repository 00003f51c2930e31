"""The kind of device that a worker takes its times on."""

import os
import re

import pytest

from core import devices
from core.devices import device_kind, processor_name


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu_name", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_without_a_gpu_it_is_the_processor_with_its_cores_and_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores = len(os.sched_getaffinity(0))
    assert re.fullmatch(rf".+, {cores} cores", device_kind())
    assert device_kind() == processor_name()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert device_kind() == f"{processor_name()}, 4 threads"


def test_a_gpu_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu_name", lambda: "NVIDIA Test 80GB")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert device_kind() == "NVIDIA Test 80GB"
