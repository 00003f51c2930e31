"""The homes and stores of ``tests/runs`` serve this room too."""

from tests.runs.conftest import arrows_store, home, store  # noqa: F401
