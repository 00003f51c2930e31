"""A real control group: the kernel ends the process that takes more memory than there may be."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.jobs.queue import JobQueue
from tests.jobs.conftest import wait_for
from tests.jobs.test_processes import add, worker_process

GROUPS = Path("/sys/fs/cgroup")
LIMIT_BYTES = 400_000_000


@pytest.fixture
def control_group() -> Iterator[Path]:
    """A group of ``LIMIT_BYTES``, of version 2 or 1; processes join by ``cgroup.procs``."""
    is_second = (GROUPS / "cgroup.controllers").exists()
    group = (GROUPS if is_second else GROUPS / "memory") / f"headstart-test-{os.getpid()}"
    limit = group / ("memory.max" if is_second else "memory.limit_in_bytes")
    try:
        group.mkdir()
        limit.write_text(str(LIMIT_BYTES))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no control group of memory can be made here ({error})")
    yield group
    wait_for(lambda: not (group / "cgroup.procs").read_text(), seconds=10)
    group.rmdir()


def test_a_run_that_the_kernel_kills_is_started_again_with_less(
    queue: JobQueue, control_group: Path
) -> None:
    add(queue, "hungry", "train", "devour", most_bytes=4 * LIMIT_BYTES)
    with worker_process("15", "0") as worker:
        (control_group / "cgroup.procs").write_text(str(worker.pid))
        wait_for(lambda: not queue.job("hungry").is_active)
        assert worker.poll() is None
    job = queue.job("hungry")
    assert (job.state, job.attempts) == ("finished", 1)
    assert job.result is not None
    assert job.result["after"].startswith(
        "The process of this run was killed by signal 9 (SIGKILL). Most likely the machine ran out"
        " of memory"
    )
