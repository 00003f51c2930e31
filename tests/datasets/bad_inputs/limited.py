"""Add a dataset in a process of its own, under limits that the system enforces, and tell.

python -m tests.datasets.bad_inputs.limited PATH [--memory-bytes N] [--file-bytes N]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def add_under_limits(
    path: Path, home: Path, memory_bytes: int | None = None, file_bytes: int | None = None
) -> dict[str, Any]:
    """What adding ``path`` gave, in a process that may have so much.

    ``memory_bytes`` limits the data of the process, ``file_bytes`` the size of each file that it
    writes: a write beyond fails like that to a full disk. The answer has ``peak_bytes`` (largest
    resident memory) and either ``images`` and ``reasons`` (by file) or ``error`` and ``message``.
    """
    command = [sys.executable, "-m", "tests.datasets.bad_inputs.limited", str(path)]
    if memory_bytes is not None:
        command += ["--memory-bytes", str(memory_bytes)]
    if file_bytes is not None:
        command += ["--file-bytes", str(file_bytes)]
    environment = os.environ | {"HEADSTART_HOME": str(home)}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def peak_bytes() -> int:
    """Not ``ru_maxrss``: Linux hands that of the parent on to a child."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _limit(kind: int, value: int | None) -> None:
    if value is not None:
        resource.setrlimit(kind, (value, value))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--memory-bytes", type=int)
    parser.add_argument("--file-bytes", type=int)
    options = parser.parse_args()
    _limit(resource.RLIMIT_DATA, options.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, options.file_bytes)

    from core.datasets.add import add_dataset
    from core.errors import HeadstartError

    report: dict[str, Any]
    try:
        dataset = add_dataset(options.path)
    except HeadstartError as error:
        report = {"error": type(error).__name__, "message": str(error)}
    else:
        quarantined = dataset.health.quarantined
        report = {
            "images": dataset.image_count,
            "reasons": {entry.file: entry.reason for entry in quarantined},
        }
    sys.stdout.write(json.dumps(report | {"peak_bytes": peak_bytes()}) + "\n")


if __name__ == "__main__":
    main()
