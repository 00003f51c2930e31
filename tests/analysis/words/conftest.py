"""Sentences are held by the text files beside these tests; ``make words`` renews them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Held = Callable[[Mapping[str, str]], None]


@pytest.fixture
def held(request: pytest.FixtureRequest) -> Held:
    """Compares sentences, by what they are about, with the file named after the test's module.

    With ``--update-words`` the file is written instead: read the change before it is committed.
    """

    def check(sentences: Mapping[str, str]) -> None:
        path = Path(request.path).with_name(f"{request.path.stem.removeprefix('test_')}.txt")
        text = "\n".join(f"# {about}\n{sentence}\n" for about, sentence in sentences.items())
        if request.config.getoption("--update-words"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
