"""What a trained network costs where it is used, measured here. Only workers call this.

The network is written as an export writes it, and a fresh process loads the file and predicts one
image at a time: so the peak memory is that of a program which does nothing else, and neither a GPU
nor what the training left behind has a part in it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.dataset import Dataset
from core.devices import processor_name
from core.errors import Cancelled, HeadstartError
from core.files import check_room
from core.jobs.child import PROCESSOR_ONLY
from core.jobs.launchers import child_environment
from core.networks.graph import multiply_adds
from core.networks.keras_export import portable_network
from core.networks.restore import restored_model
from core.training.clock import MONOTONIC, Clock
from core.training.events import Deployment
from core.training.spec import TrainingSpec

BYTES_PER_PARAMETER = 4  # float32
POLL_SECONDS = 0.05
LONGEST_SECONDS = 120.0


def measure_deployment(
    spec: TrainingSpec,
    weights: Mapping[str, np.ndarray],
    dataset: Dataset,
    folder: Path,
    should_stop: Callable[[], bool] = lambda: False,
    clock: Clock = MONOTONIC,
) -> Deployment:
    """Write the network of a run into ``folder``, use it once, and say what that costs.

    ``weights`` are the run's ``TrainingOutcome.trained_weights``. Raises ``Cancelled``, and
    ``HeadstartError`` where the file cannot be written, or not be used.
    """
    started = clock()
    restored = restored_model(spec.model_copy(update={"precision": "float32"}), weights, dataset)
    network = portable_network(restored)
    check_room(folder, BYTES_PER_PARAMETER * network.count_params(), "the network")
    path = folder / "model.keras"
    network.save(path)
    return Deployment(
        **_in_a_fresh_process(path, should_stop),
        file_bytes=path.stat().st_size,
        multiply_adds=multiply_adds(network),
        processor=processor_name(),
        measuring_seconds=clock() - started,
    )


def _in_a_fresh_process(path: Path, should_stop: Callable[[], bool]) -> dict[str, Any]:
    import keras

    environment = child_environment() | PROCESSOR_ONLY
    environment |= {"KERAS_BACKEND": keras.backend.backend(), "PYTHONWARNINGS": "ignore"}
    log = path.with_name("log.txt")
    with open(log, "wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "core.networks.one_image", os.fspath(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        try:
            _wait(process, should_stop)
        finally:
            process.kill()  # nothing happens where it has ended
            output, _ = process.communicate()
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f": {lines[-1][:200]}" if lines else ""
        raise HeadstartError(
            f"The process that predicts one image ended with status {process.returncode}{last}."
        )
    return dict(json.loads(output))


def _wait(process: "subprocess.Popen[bytes]", should_stop: Callable[[], bool]) -> None:
    """Until it has ended; raises ``Cancelled``, or ``HeadstartError`` after two minutes."""
    until = time.monotonic() + LONGEST_SECONDS
    while process.poll() is None:
        if should_stop():
            raise Cancelled("The run was stopped.")
        if time.monotonic() > until:
            raise HeadstartError(
                f"Loading the network and predicting one image took over {LONGEST_SECONDS:.0f} s."
            )
        time.sleep(POLL_SECONDS)
