import pytest

from core.text import escape_markdown, count_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("**md** _x_", "\\*\\*md\\*\\* \\_x\\_"),
        ("<script>", "\\<script\\>"),
        ("a\nb\tc", "a b c"),
        ("$x$ :red[y]", "\\$x\\$ \\:red\\[y\\]"),
        ("# title", "\\# title"),
        (None, "None"),
    ],
)
def test_markdown_is_shown_as_it_is(text, shown):
    assert escape_markdown(text) == shown


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "image", "1 image"),
        (1347, "image", "1,347 images"),
        (3, "class", "3 classes"),
        (9, "strategy", "9 strategies"),
        (0, "run", "0 runs"),
    ],
)
def test_plurals(count, noun, text):
    assert count_text(count, noun) == text
