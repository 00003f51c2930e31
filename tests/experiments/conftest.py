"""The homes and stores of the tests of runs."""

from tests.runs.conftest import arrows_store, home, store

__all__ = ["arrows_store", "home", "store"]
