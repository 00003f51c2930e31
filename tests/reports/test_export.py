import csv
import io
import json

import pytest

from core.analysis.comparison import compare
from core.reports.export import to_csv, to_json, to_text
from tests import made_up


def comparison(**changes):
    experiment = made_up.experiment(spec=made_up.spec(**changes))
    runs = [
        made_up.run("cnn", 0, result=made_up.result(0.5)),
        made_up.run("vgg16_probe", 0, state="failed", result=None, error="out of memory"),
    ]
    return compare(experiment, runs)


def test_csv_reads_back():
    made = comparison(dataset_name="=cmd(),\nß", majority_class="@x")
    lines = list(csv.DictReader(io.StringIO(to_csv(made).decode(), newline="")))
    assert [line["strategy"] for line in lines] == ["cnn", "vgg16_probe"]
    assert lines[0]["dataset"] == "'=cmd(),\nß"
    assert lines[0]["majority_class"] == "'@x"
    assert float(lines[0]["lift_over_majority"]) == pytest.approx(-0.1)
    assert lines[0]["test_images"] == "100"
    assert lines[1]["test_accuracy"] == ""


def test_the_byte_order_mark_is_a_choice():
    assert to_csv(comparison(), byte_order_mark=True)[:3] == b"\xef\xbb\xbf"
    assert to_csv(comparison())[:8] == b"strategy"


def test_json_is_verbatim():
    document = json.loads(to_json(comparison(dataset_name="=cmd()")))
    assert document["dataset"] == "=cmd()"
    assert document["rows"][1]["test_accuracy"] is None


def test_the_text_says_what_failed_and_what_was_left_out():
    text = to_text(comparison(unavailable={"vgg16_softmax": "It needs the full weights."}))
    lines = text.splitlines()
    assert lines[0] == ("shapes: experiment abcd1234, images: 200 train, 20 validation, 100 test")
    assert "majority class (round): 60.0 % of the test images" in lines
    assert "vgg16_softmax: left out. It needs the full weights." in lines
    assert "abcd1234-vgg16_probe-0 (vgg16_probe, seed 0) failed: out of memory" in lines
    row = next(line for line in lines if line.startswith("cnn"))
    assert row.split("  ")[0] == "cnn"
    assert "50.0 %" in row
    assert "40.4 % to 59.6 %" in row
