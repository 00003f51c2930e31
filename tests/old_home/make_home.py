"""Makes ``home.tar.xz`` and the ``*.json`` beside it; see README.md. Run with e927b2d only.

It uses the command line and the pages alone, as a person would. ``PLACE`` is a neutral folder,
because the product stores absolute paths in the database (column ``imports.path``).
"""

import io
import json
import lzma
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = Path("/home/headstart")
HOME = PLACE / "home"
# Where it lies when it is packed: not where it was made, as on any other machine.
KEPT = PLACE / "kept"
CORE = [sys.executable, "-m", "core"]

EPOCHS = ["--set", "mlp.epochs=3", "--set", "vgg16_probe.epochs=3"]
SMALL = [*EPOCHS, "--set", "mlp.hidden_width=8", "--set", "mlp.hidden_layers=1"]


def core(*arguments: str) -> str:
    print("python -m core", *arguments, flush=True)  # noqa: T201
    done = subprocess.run([*CORE, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"exit status {done.returncode}")
    return done.stdout


def blocks(random: np.random.Generator, channel: int) -> bytes:
    """PNG of coloured blocks, 40x32, brightest in ``channel``."""
    pixels = random.integers(0, 160, (4, 5, 3), dtype=np.uint8)
    pixels[..., channel] += 90
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((40, 32), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def pictures() -> bytes:
    """A zip with a split of its own: 3 classes, 72 train and 30 test pictures, and what is wrong:
    one twice, one in train and test, one of a single colour, one file broken."""
    random = np.random.default_rng(12)
    members = {
        f"{subset}/{name}/{number:02d}.png": blocks(random, channel)
        for subset, count in (("train", 24), ("test", 10))
        for channel, name in enumerate(("red & warm", "green", "blue"))
        for number in range(count)
    }
    members["train/green/again.png"] = members["train/green/03.png"]
    members["train/blue/leak.png"] = members["test/blue/00.png"]
    members["train/blue/broken.png"] = b"\x89PNG\r\n\x1a\n nothing"
    plain = io.BytesIO()
    Image.new("RGB", (40, 32), "white").save(plain, "PNG")
    members["train/red & warm/plain.png"] = plain.getvalue()
    return zipped(members)


def table() -> bytes:
    """A zip with a table of which nobody can tell what its columns hold."""
    random = np.random.default_rng(13)
    names = [f"{number}.png" for number in range(8)]
    lines = ["a,b,c", *(f"{name},{n % 2},{n % 4}" for n, name in enumerate(names))]
    members = {name: blocks(random, number % 3) for number, name in enumerate(names)}
    return zipped({**members, "table.csv": "\n".join(lines).encode()})


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def upload(name: str, content: bytes) -> None:
    """Drop a file on the page Datasets and wait until the import is over."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "pages" / "datasets.py"), default_timeout=120).run()
    app.file_uploader[0].set_value([(name, content, "application/zip")]).run()
    while query("SELECT count(*) FROM imports WHERE state IN ('queued', 'running')")[0][0]:
        time.sleep(0.5)
    print(name, query("SELECT source, state, error FROM imports"), flush=True)  # noqa: T201


def stop_in_the_middle() -> None:
    """An experiment that is stopped, as by Ctrl-C, while its first MLP trains."""
    command = [*CORE, "run", "shapes", "--strategies", "majority,mlp", "--seeds", "0,1"]
    command += ["--image-size", "32", "--set", "mlp.epochs=1000", *SMALL[4:]]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", flush=True)  # noqa: T201
            if line.startswith("mlp") and "Training" in line:
                process.send_signal(signal.SIGTERM)


def query(sql: str) -> list[tuple]:
    with closing(sqlite3.connect(HOME / "headstart.db", timeout=60)) as connection:
        return connection.execute(sql).fetchall()


def make() -> None:
    os.environ["HEADSTART_HOME"] = str(HOME)
    # The base weights come from Keras' cache, so that they are not in the home.
    os.environ["KERAS_HOME"] = str(PLACE / "keras")
    core("datasets", "list")
    upload("shapes.zip", pictures())
    upload("unclear.zip", table())
    core("datasets", "version", "shapes", "--drop", "exact-duplicates,leaks,one-colour")
    core("run", "digits", "--strategies", "majority,mlp,cnn,vgg16_probe", "--image-size", "64",
         "--set", "cnn.epochs=3", *SMALL)  # fmt: skip
    core("run", "shapes", "--strategies", "majority,mlp,vgg16_probe", "--image-size", "32",
         "--learning-curve", "--shares", "0.5,1", "--seeds", "0,1", *SMALL)  # fmt: skip
    stop_in_the_middle()


def pack() -> None:
    """The same home always gives the same bytes. Left out are the bundled datasets and the weights
    of recorded runs: opening the home puts them there again."""
    bundled = json.loads((KEPT / "datasets" / "bundled.json").read_text()).values()
    recorded = [folder.name.rpartition("-")[2] for folder in (ROOT / "data/showcase").iterdir()]
    left_out = [
        *(f"{name}/*" for name in ("cache", "inbox", "locks", "weights")),
        *("datasets/bundled.json", *(f"datasets/{name[:16]}/*" for name in bundled)),
        *(f"runs/{name}-*/weights.npz" for name in recorded),
        *("headstart.db", "headstart.db.lock", "*.log", "*/log.txt"),
    ]
    contents = {
        str(path.relative_to(KEPT)): path.read_bytes()
        for path in KEPT.rglob("*")
        if path.is_file()
        and not any(fnmatch(str(path.relative_to(KEPT)), pattern) for pattern in left_out)
    }
    contents["headstart.db"] = database()
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    packed = lzma.compress(unpacked.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (HERE / "home.tar.xz").write_bytes(packed)
    print(f"{len(unpacked.getvalue()):,} bytes packed into {len(packed):,}")  # noqa: T201


def database() -> bytes:
    """The database without the workers, which are gone, and without free pages."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copyfile(KEPT / "headstart.db", Path(folder) / "headstart.db"))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            for sql in ("PRAGMA journal_mode = DELETE", "DELETE FROM workers", "VACUUM"):
                connection.execute(sql)
        return copy.read_bytes()


def tell() -> None:
    """What this commit says about the packed home: the stored JSON."""
    import test_old_home as held

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        held.live_in(held.unpacked(Path(folder) / "home"), patch)
        patch.setattr(subprocess, "Popen", held.StandIn)
        held.core("datasets", "list")
        runs = [f"{held.OWN}-{name}-0" for name in ("majority", "mlp", "cnn", "vgg16_probe")]
        runs += [f"{held.WHOLE}-mlp-1", f"{held.STOPPED}-mlp-0", f"{held.THEMES}-cnn-2"]
        names = [entry["name"] for entry in held.asked("datasets", "list")]
        documents = {
            "compare": {
                name: json.loads(held.core("compare", name, "--format", "json"))
                for name in held.EXPERIMENTS
            },
            "experiments": {
                name: held.asked("experiments", "show", name) for name in held.EXPERIMENTS
            },
            "runs": {name: held.asked("runs", "show", name) for name in runs},
            "datasets": {name: held.asked("datasets", "show", name) for name in names},
            "outline": {
                address: held.counts(held.opened(address, held.ERRORS.get(address, 0)))
                for address in held.VIEWS
            },
        }
        for document in documents["runs"].values():
            del document["log"]  # the place of this moment, not stored
        for name in ("digits", "themes16"):
            del documents["datasets"][name]["created_at"]  # bundled: made when a home opens
        for name, document in documents.items():
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        for process in held.StandIn.made:
            process.kill()
            process.wait()


if __name__ == "__main__":
    if not KEPT.exists():
        make()
        HOME.rename(KEPT)
    pack()
    tell()
