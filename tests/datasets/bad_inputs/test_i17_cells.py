"""I17: what a spreadsheet would run is made harmless in a CSV, and stands verbatim in JSON."""

import csv
import io
import json
import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.export import LABELS_FILE, export_zip, quarantine_csv
from tests.datasets.bad_inputs.making import add_zip
from tests.datasets.pictures import noise_png, two_classes

pytestmark = pytest.mark.usefixtures("home")
STARTS = ("=", "+", "-", "@")


def table_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize("start", STARTS, ids=[f"I17-{start}" for start in STARTS])
def test_i17_names_in_the_list_of_what_was_left_out(tmp_path, start):
    name = f"{start}cmd|'x'!A1.png"
    dataset = add_zip(tmp_path, two_classes() | {f"{start}bad/{name}": b"no picture"})
    rows = table_of(quarantine_csv(dataset))
    assert rows[0] == ["file", "reason"]
    assert [row[0] for row in rows[1:]] == [f"'{start}bad/{name}"]
    manifest = json.loads((dataset.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["health"]["quarantined"][0]["file"] == f"{start}bad/{name}"


@pytest.mark.parametrize("start", STARTS, ids=[f"I17-{start}" for start in STARTS])
def test_i17_classes_of_an_export_are_harmless_and_come_back_the_same(tmp_path, start):
    name = f"{start}cmd()"
    members = {f"{name}/{number}.png": noise_png(number) for number in range(3)}
    members |= {f"dogs/{number}.png": noise_png(10 + number) for number in range(3)}
    dataset = add_zip(tmp_path, members)
    exported = tmp_path / "exported.zip"
    with open(exported, "wb") as target:
        export_zip(dataset, target)
    with zipfile.ZipFile(exported) as archive:
        rows = table_of(archive.read(LABELS_FILE))
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row
    )
    assert json.loads((dataset.folder / "manifest.json").read_text())["classes"] == sorted(
        [name, "dogs"]
    )
    assert add_dataset(exported, "again").classes == dataset.classes


@pytest.mark.parametrize("start", ["\t", "\r"], ids=["I17-tab", "I17-return"])
def test_i17_a_tab_or_return_never_begins_a_cell(tmp_path, start):
    dataset = add_zip(tmp_path, two_classes() | {f"{start}cats/1.png": noise_png(9)})
    ((shown, _),) = table_of(quarantine_csv(dataset))[1:]
    assert shown == {"\t": "\\t", "\r": "\\r"}[start] + "cats/1.png"
