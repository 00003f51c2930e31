"""Reading ahead: what is read when, in which order, and what becomes of errors."""

import threading

import pytest

from core.ahead import read_ahead


def test_results_come_in_order_and_the_next_is_read_while_one_is_used():
    began = [threading.Event() for _ in range(4)]

    def read(item):
        began[item].set()
        return item * 10

    reading = read_ahead(read, range(4))
    assert next(reading) == 0
    assert began[1].wait(20)  # nobody has asked for it
    assert not began[2].is_set()
    assert list(reading) == [10, 20, 30]


def test_nothing_to_read():
    assert list(read_ahead(lambda item: item, [])) == []


def test_an_error_comes_in_the_turn_of_its_item():
    def read(item):
        if item == 1:
            raise ValueError("the file is cut short")
        return item

    reading = read_ahead(read, [0, 1, 2])
    assert next(reading) == 0
    with pytest.raises(ValueError, match="cut short"):
        next(reading)


def test_closing_waits_for_the_read_that_is_going_on():
    done = []
    reading = read_ahead(lambda item: done.append(item) or item, [0, 1, 2, 3])
    next(reading)
    reading.close()
    assert done == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read_ahead")]
