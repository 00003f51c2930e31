"""Which epochs make the steady epoch, and what is said of the others."""

from core.conditions import conditions_of_all
from core.training.steady import steady_epochs, undisturbed_epochs, without_steady_notes
from tests import made_up

QUIET, BUSY = made_up.conditions(0.02), made_up.conditions(0.5)


def later(*entries):
    """An epoch for each ``(seconds, conditions)``."""
    return [
        made_up.epoch(number, train_seconds=seconds, conditions=conditions)
        for number, (seconds, conditions) in enumerate(entries, start=2)
    ]


def test_disturbed_epochs_are_left_out_where_two_are_left():
    records = later((28.0, QUIET), (45.0, BUSY), (29.0, QUIET), (50.0, BUSY))
    found = steady_epochs(records)
    assert (found.seconds, found.later, found.left_out) == (28.5, 4, 2)
    assert found.conditions == conditions_of_all([QUIET, QUIET])
    assert found.notes == (
        "2 of the 4 epochs after the first were disturbed by other work on the machine: the steady "
        "epoch is the median of the others.",
    )
    assert without_steady_notes((*found.notes, "kept")) == ("kept",)


def test_with_one_undisturbed_epoch_all_count_and_the_time_is_disturbed():
    records = later((28.0, QUIET), (45.0, BUSY), (44.0, BUSY))
    assert undisturbed_epochs(records) == records
    found = steady_epochs(records)
    assert (found.seconds, found.left_out, found.notes) == (44.0, 0, ())
    assert found.conditions is not None
    assert found.conditions.is_disturbed


def test_epochs_that_did_not_record_it_count():
    found = steady_epochs(later((2.0, None), (4.0, None)))
    assert (found.seconds, found.conditions, found.left_out) == (3.0, None, 0)


def test_without_a_later_epoch_there_is_no_steady_epoch():
    found = steady_epochs([])
    assert (found.seconds, found.validation_seconds, found.conditions) == (None, None, None)
