"""What the benchmarks compute of what they measured, and that what they name is there."""

import re

import pytest

from benchmarks.bench_gpu import CONTRACT, ENDS, add_percent_of_peak, is_failed
from benchmarks.growth import above, by_step, exponents
from benchmarks.scratch import reason_in
from core.settings import PROJECT_ROOT

MODULE = re.compile(r"-m benchmarks\.([a-z]\w*)")


def test_every_benchmark_that_the_project_names_is_there():
    folder = PROJECT_ROOT / "benchmarks"
    texts = [PROJECT_ROOT / "Makefile", folder / "README.md", *sorted(folder.glob("*.py"))]
    named = {name for path in texts for name in MODULE.findall(path.read_text(encoding="utf-8"))}
    table = (folder / "README.md").read_text(encoding="utf-8")
    named |= set(re.findall(r"^\| `(\w+)` ", table.partition("## Side by side")[0], re.MULTILINE))
    assert {"bench", "bench_gpu", "growth", "heads", "whole_job"} <= named
    there = {path.stem for path in folder.glob("*.py")}
    there |= {path.parent.name for path in folder.glob("*/__main__.py")}
    assert sorted(named - there) == []


def test_the_tests_of_the_contract_are_there():
    for node in CONTRACT:
        file, _, test = node.partition("::")
        text = (PROJECT_ROOT / file).read_text(encoding="utf-8")
        assert not test or f"\ndef {test}(" in text, node


def test_all_parts_on_a_gpu_end_within_eight_minutes():
    assert list(ENDS.values()) == sorted(ENDS.values())
    assert max(ENDS.values()) < 480


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ([1.0, 10.0, 100.0], {"exponent": 1.0, "last": 1.0}),
        ([1.0, 100.0, 10_000.0], {"exponent": 2.0, "last": 2.0}),
        ([1.0, 1.0, 10.0], {"exponent": 0.5, "last": 1.0}),
        ([3.0, 3.0, 3.0], {"exponent": 0.0, "last": 0.0}),
    ],
)
def test_the_exponent_is_the_slope_of_the_logarithms(seconds, found):
    assert exponents([10, 100, 1000], seconds) == found


def test_steps_that_grow_too_fast_are_named_and_memory_is_not_a_step():
    found = [
        (10, {"seconds": {"list": 1.0, "pairs": 1.0}, "peak_bytes": 2_000_000}),
        (100, {"seconds": {"list": 10.4, "pairs": 100.0}, "peak_bytes": 400_000_000}),
    ]
    part = by_step(found)
    assert part["sizes"] == [10, 100]
    assert part["peak_megabytes"] == [2, 400]
    assert part["list"] == {"seconds": [1.0, 10.4], "exponent": 1.017, "last": 1.017}
    assert above({"images": part}) == ["images, pairs"]
    assert above({"images": by_step(found[:1])}) == []


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("a\nTraceback ...\nValueError: no room\n  at the end\n", "ValueError: no room"),
        (
            "E   ModuleNotFoundError: No module named 'x'\n",
            "ModuleNotFoundError: No module named 'x'",
        ),
        ("Error: run failed\n", "Error: run failed"),
        ("the last words\n\n", "the last words"),
        ("", "it ended without a word"),
    ],
)
def test_the_reason_is_the_last_exception_else_the_last_line(log, reason):
    assert reason_in(log) == reason


def test_percent_of_the_peak_is_that_of_the_same_precision():
    rate = {"median": 50.0, "rounds": [50.0]}
    entry = {
        "precision": "mixed_bfloat16",
        "multiply_adds": 2_000,
        "images_per_second": {"on_device": rate, "keras_predict": rate, "to_disk_seconds": 3.0},
    }
    other = entry | {"precision": "float32"}
    found = {"results": [entry, other]}
    add_percent_of_peak(found, {"mixed_bfloat16": {"multiply_adds_per_second": 400_000}})
    assert entry["percent_of_peak"] == {"on_device": 25.0}
    assert "percent_of_peak" not in other


@pytest.mark.parametrize(
    ("part", "failed"),
    [
        ({"passed": 9}, False),
        ({"passed": 8, "failed": 1}, True),
        ({"error": 1}, True),
        ({"why_not": "status 1: ModuleNotFoundError: No module named 'sqlalchemy'"}, False),
        ({"why_not": "it was not done after 90 s"}, True),
    ],
)
def test_a_part_without_its_libraries_is_left_out_and_any_other_end_is_a_failure(part, failed):
    assert is_failed(part) is failed


@pytest.mark.tensorflow
def test_a_training_step_counts_the_gradients_of_what_is_trained():
    import keras

    from benchmarks.device_work import training_multiply_adds

    frozen, first, second = (keras.layers.Dense(units) for units in (3, 2, 5))
    frozen.trainable = False
    images = keras.Input((4,))
    model = keras.Model(images, second(first(frozen(images))))
    # Forwards 12 + 6 + 10; gradients of the trained kernels 6 + 10; of the second's inputs 10.
    assert training_multiply_adds(model) == 54
