"""What a trained network costs: multiply-adds held to known figures, and a file used for real.

``tests/reports/test_export_model.py`` holds the measured size to that of an exported file.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from core.backbones.vgg16 import VGG16
from core.errors import Cancelled, HeadstartError
from core.layers.record import build_network
from core.networks import deployment
from core.networks.deployment import multiply_adds
from core.strategies.cnn import CNN

DENSE_OF_VGG16 = 25088 * 4096 + 4096 * 4096 + 4096 * 1000


@pytest.mark.tensorflow
def test_multiply_adds_are_the_published_ones() -> None:
    import keras

    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(224, 224, 3))
    assert multiply_adds(base) + DENSE_OF_VGG16 == VGG16.multiply_adds == 15_470_264_320


@pytest.mark.tensorflow
def test_multiply_adds_of_the_cnn_are_those_counted_by_hand() -> None:
    records = CNN.layers(CNN.resolve("quick"), 64, 16)
    network = build_network(records, (64, 64, 3), "cnn")
    by_hand = 25 * 32 * (3 * 64 * 64 + 32 * 16 * 16 + 32 * 4 * 4) + 32 * 64 + 64 * 16
    assert multiply_adds(network) == by_hand == 16_796_672


@pytest.mark.tensorflow
def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"not a network")
    with pytest.raises(HeadstartError, match=r"ended with status 1: .*model\.keras"):
        deployment._in_a_fresh_process(path, lambda: False)


def test_waiting_ends_when_the_run_is_stopped_or_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        with pytest.raises(Cancelled):
            deployment._wait(process, lambda: True)
        monkeypatch.setattr(deployment, "LONGEST_SECONDS", 0.0)
        with pytest.raises(HeadstartError, match="took over 0 s"):
            deployment._wait(process, lambda: False)
        process.kill()
