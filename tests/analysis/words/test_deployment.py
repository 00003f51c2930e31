"""Sentences about what a network costs where it is used."""

from core.analysis.comparison import compare
from core.analysis.words.deployment import (
    describe_conditions,
    describe_deployment,
    describe_unmeasured,
)
from tests import made_up
from tests.charts.test_exhibits import measured_rows


def test_a_network_in_one_sentence() -> None:
    assert describe_deployment(made_up.deployment()) == (
        "one image takes 12 ms (middle half of 83: 11 ms to 14 ms) and 407 million multiply-adds, "
        "the file has 59 MB, the process needs 612 MB of memory"
    )


def test_a_disturbed_time_says_so_wherever_it_is_shown() -> None:
    busy = describe_deployment(made_up.deployment(other_load=0.43))
    assert busy.endswith(
        "; other programs used 43 % of the processor meanwhile, so the time may be too long"
    )
    assert describe_conditions(measured_rows()) == (
        "Measured on two test cores, one image at a time, in float32. Other programs used a part "
        "of the processor meanwhile, so the time may be too long: CNN, three blocks (43 %)."
    )


def test_what_was_not_measured_is_told_but_not_of_the_majority_class() -> None:
    assert describe_unmeasured(measured_rows()) == (
        "Not measured for MLP: an earlier version of Headstart made the run, or its notes say why. "
        "Run the benchmark again to have it."
    )
    only_majority = [made_up.run("majority", result=made_up.result(parameters=0))]
    rows = compare(made_up.experiment(), only_majority).finished_rows
    assert (describe_unmeasured(rows), describe_conditions(rows)) == ("", "")
