"""What one prediction costs: ``python -m core.networks.one_image MODEL.keras``, a fresh process.

It prints JSON with the fields of ``core.training.events.Deployment`` that it measures. It imports
next to nothing of Headstart, so that the peak memory is that of Keras and the network alone.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.conditions import Meter
from core.training.policy import peak_memory_bytes

WARM_UP = 3
# One second is a hundred ticks of each core, by which the load of other programs is counted.
TIMED_SECONDS, FEWEST_TIMED = 1.0, 9


@dataclass(frozen=True)
class OneImage:
    """Median and quartiles in seconds of ``timed_images`` predictions, one after another."""

    image_seconds: float
    image_seconds_low: float
    image_seconds_high: float
    timed_images: int


def time_predictions(
    predict: Callable[[], Any], clock: Callable[[], float] = time.perf_counter
) -> OneImage:
    """Call ``predict`` for a second, and ``FEWEST_TIMED`` times or more."""
    times: list[float] = []
    started = clock()
    while len(times) < FEWEST_TIMED or clock() - started < TIMED_SECONDS:
        before = clock()
        predict()
        times.append(clock() - before)
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive")
    return OneImage(middle, low, high, len(times))


def measure(path: str) -> dict[str, Any]:
    """Load the network as anybody would, and predict random pixels, one image at a time."""
    import keras

    model = keras.models.load_model(path)
    model.compile(jit_compile=False)
    shape = (1, *model.input_shape[1:])
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    model.predict_on_batch(image)  # traces the network
    peak = peak_memory_bytes()
    for _ in range(WARM_UP):
        model.predict_on_batch(image)
    meter = Meter()
    timed = time_predictions(lambda: model.predict_on_batch(image))
    load = meter.conditions().other_load or 0.0
    return {**asdict(timed), "other_load": load, "memory_bytes": peak}


def _go_first_where_memory_runs_out() -> None:
    """Linux then ends this process and not the run that waits for it."""
    with suppress(OSError):  # another system, or one that does not allow it
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    _go_first_where_memory_runs_out()
    sys.stdout.write(json.dumps(measure(sys.argv[1])) + "\n")
