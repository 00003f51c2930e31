"""A full disk, whatever is written at that moment: one sentence, never a traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import files
from core.cli import main
from core.errors import DISK_IS_FULL_TEXT
from core.jobs.launchers import child_environment

SENTENCE = f"error: {DISK_IS_FULL_TEXT}"
needs_a_full_device = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no device that is always full"
)


pytestmark = pytest.mark.usefixtures("home", "no_showcase")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize(
    "typed",
    [
        ("datasets", "rename", "arrows", "bows"),
        ("datasets", "version", "arrows", "--drop-class", "up"),
        ("datasets", "export", "arrows", "--output", "{folder}/arrows.zip"),
    ],
)
def test_every_verb_that_writes_says_so(typed, number, tmp_path, monkeypatch, capsys) -> None:
    def full(_number: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", full)
    assert main([word.format(folder=tmp_path) for word in typed]) in (1, 2)
    assert capsys.readouterr().err.splitlines()[-1].startswith(SENTENCE)
    assert not (tmp_path / "arrows.zip").exists()


def shell(*words: str, output: Path | None = None) -> tuple[int, str]:
    with open(output or os.devnull, "wb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "core", *words],
            stdout=file,
            stderr=subprocess.PIPE,
            env=child_environment(),
            check=False,
        )
    return done.returncode, done.stderr.decode()


@needs_a_full_device
@pytest.mark.parametrize("verb", ["strategies", "strategies --json", "datasets list"])
def test_standard_output_on_a_full_disk(verb: str) -> None:
    assert shell(*verb.split(), output=Path("/dev/full")) == (1, f"{SENTENCE}\n")
