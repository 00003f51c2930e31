"""What a trained network costs: multiply-adds held to known figures, and a file used for real.

``tests/reports/test_export_model.py`` holds the measured size to that of an exported file.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from core.backbones.backbone import build_backbone
from core.backbones.registry import find_backbone
from core.errors import Cancelled, HeadstartError
from core.layers.record import build_network
from core.networks import deployment
from core.networks.graph import multiply_adds
from core.strategies.cnn import CNN

# Of the tops, which no network here has.
TOPS = {
    "vgg16": 25_088 * 4_096 + 4_096 * 4_096 + 4_096 * 1_000,
    "efficientnet_lite0": 1_280 * 1_000,
    "squeezenet": 512 * 1_000 * 13**2,
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", TOPS)
def test_multiply_adds_are_the_published_ones(name: str) -> None:
    """VGG16 has 15.47 billion. Google states 407 million for EfficientNet-Lite0, which has the
    multiplications of normalisation and activations in it."""
    backbone = find_backbone(name)
    base = build_backbone(backbone, backbone.published_size, None)
    assert multiply_adds(base) + TOPS[name] == backbone.multiply_adds


def test_the_published_figures() -> None:
    figures = {"vgg16": 15_470_264_320, "efficientnet_lite0": 385_187_552}
    assert {name: find_backbone(name).multiply_adds for name in figures} == figures
    assert figures["efficientnet_lite0"] == pytest.approx(407e6, rel=0.06)


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
