"""The homes and stores of ``tests/experiments`` serve this room too."""

from tests.experiments.conftest import arrows_store, home, store  # noqa: F401
