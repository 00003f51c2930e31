"""Words for numbers, and text made safe: exact values."""

import pytest

from core import text
from core.text import UNKNOWN, code_markdown


@pytest.mark.parametrize(
    ("count", "noun", "shown"),
    [
        (1, "image", "1 image"),
        (1347, "image", "1,347 images"),
        (3, "class", "3 classes"),
        (9, "strategy", "9 strategies"),
        (2, "day", "2 days"),
        (0, "run", "0 runs"),
    ],
)
def test_counts(count, noun, shown):
    assert text.count_text(count, noun) == shown


def test_a_plural_that_no_rule_gives():
    assert text.count_text(1, "class is", "classes are") == "1 class is"
    assert text.count_text(2, "class is", "classes are") == "2 classes are"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (12, "12"), (1234, "1,234"), (2.5, "2.5"), (1 / 3 + 1 / 3 + 1 / 3, "1")],
)
def test_numbers_are_whole_where_they_are(count, shown):
    assert text.number_text(count) == shown


def test_percentages():
    assert text.percent_text(0.6634) == "66.3 %"
    assert text.percent_text(0.95, 0) == "95 %"
    assert text.percent_text(None) == UNKNOWN == "—"
    assert text.exact_percent_text(0.1) == "10 %"
    assert text.exact_percent_text(0.125) == "12.5 %"


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (0, "0 %"),
        (0.0001, "under 1 %"),
        (0.005, "under 1 %"),
        (0.0051, "1 %"),
        (0.617, "62 %"),
        (0.9949, "99 %"),
        (0.996, "over 99 %"),
        (1, "100 %"),
    ],
)
def test_nearly_none_is_not_none_and_nearly_all_is_not_all(fraction, shown):
    assert text.rough_percent_text(fraction) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "—"),
        (0.0004, "under 1 ms"),
        (0.04, "40 ms"),
        (0.4, "0.40 s"),
        (12.34, "12.3 s"),
        (59.99, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds, shown):
    assert text.seconds_text(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "5 s"),
        (42, "40 s"),
        (58, "1 min"),
        (667, "11 min"),
        (3599, "1 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_estimates_promise_no_more_than_they_can_keep(seconds, shown):
    assert text.rough_seconds_text(seconds) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 MB"),
        (1, "0.1 MB"),
        (2_340_000, "2.3 MB"),
        (9_940_000, "9.9 MB"),
        (9_960_000, "10 MB"),
        (58_889_256, "59 MB"),
        (999_400_000, "999 MB"),
        (999_600_000, "1 GB"),
        (2_350_000_000, "2.4 GB"),
        (200_000_000_000, "200 GB"),
        (1_234_500_000_000, "1,234.5 GB"),
    ],
)
def test_sizes_in_bytes(size_bytes, shown):
    assert text.size_text(size_bytes) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1.0 million"),
        (99_960_000, "100 million"),
        (407_000_000, "407 million"),
        (999_600_000, "1.0 billion"),
        (15_470_264_320, "15.5 billion"),
    ],
)
def test_large_counts(count: int, shown: str) -> None:
    assert text.large_count_text(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "—"),
        (0.00085, "0.85 ms"),
        (0.000996, "1.0 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.0951, "95 ms"),
        (2.5, "2,500 ms"),
    ],
)
def test_short_times(seconds: float | None, shown: str) -> None:
    assert text.milliseconds_text(seconds) == shown


def test_dimensions():
    assert text.dimensions_text((500, 375)) == "500 × 375"
    assert text.dimensions_text((1, 2048, 3)) == "1 × 2,048 × 3"


@pytest.mark.parametrize(
    ("words", "shown"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists(words, shown):
    assert text.list_text(words) == shown


def test_some_of_a_list():
    assert text.some_text([], 3) == ""
    assert text.some_text(["a", "b", "c"], 3) == "a, b, c"
    assert text.some_text(["a", "b", "c"], 1) == "a and 2 more"
    assert text.some_text(["a"] * 1002, 2) == "a, a and 1,000 more"


def test_a_list_of_choices():
    assert text.list_text(["a", "b", "c"], last="or") == "a, b or c"


def test_names_in_a_sentence_are_quoted_and_not_too_many():
    assert text.quoted_list_text(["it's", "b"]) == "\"it's\" and 'b'"
    assert text.quoted_list_text(list("abcdefg")) == "'a', 'b', 'c', 'd', 'e' and 2 more"
    assert text.quoted_list_text(["x" * 61]) == f"'{'x' * 59}…'"


def test_what_is_too_long_is_cut_at_the_end_or_the_start():
    assert text.shorten("abcde", 5) == text.shorten_start("abcde", 5) == "abcde"
    assert text.shorten("abcdef", 5) == "abcd…"
    assert text.shorten_start("abcdef", 5) == "…cdef"


def test_accents_are_folded_and_other_scripts_stay():
    assert text.fold_accents("Café Ångström ﬁ 猫") == "Cafe Angstrom fi 猫"


def test_nothing_reaches_a_terminal_but_letters():
    assert text.printable_text("a\x1b[2J\nb é") == "a?[2J?b é"
    assert text.printable_text(7) == "7"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain words", "plain words"),
        ("**md** _x_", "\\*\\*md\\*\\* \\_x\\_"),
        ("<script>", "\\<script\\>"),
        ("a\nb\tc", "a b c"),
        ("$x$ :red[y]", "\\$x\\$ \\:red\\[y\\]"),
        ("# title", "\\# title"),
        (None, "None"),
        ("HTTPS://a.b/c", "HTTPS\N{WORD JOINER}\\:\\/\\/a\\.b\\/c"),
        ("www.a.b", "www\N{WORD JOINER}\\.a\\.b"),
        ("mailto:me@a.b", "mailto\\:me\\@\N{WORD JOINER}a\\.b"),
        ("a @ b", "a \\@ b"),
    ],
)
def test_streamlit_shows_names_as_they_are(given, shown):
    assert text.escape_markdown(given) == shown


CAT, DOG = "\u0642\u0637\u0629", "\u05db\u05dc\u05d1"  # in Arabic and in Hebrew


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"{CAT} (12)", f"<{CAT}> (12)"),
        (f"{CAT} {DOG}: 3", f"<{CAT} {DOG}>: 3"),
        (f"'{CAT}', '{DOG}' and 7 more", f"'<{CAT}>', '<{DOG}>' and 7 more"),
        (f"{CAT}_{DOG}-{CAT} (12)", f"<{CAT}_{DOG}-{CAT}> (12)"),
        (f"{CAT} - {DOG}", f"<{CAT}> - <{DOG}>"),
        ("\u4e66 (12)", "\u4e66 (12)"),
        ("cats (12)", "cats (12)"),
    ],
)
def test_words_from_right_to_left_leave_the_numbers_behind_them_there(given, shown):
    assert text.isolated(given) == shown.replace("<", "\u2068").replace(">", "\u2069")
    assert "".join(text.escape_markdown(given).split("\\")) == text.isolated(given)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("62.9 %", "62.9 %"),
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("a\nb", "a b"),
        ("<b>|a_b*", "\\<b\\>\\|a\\_b\\*"),
        ("see https://a.b", "see https\N{WORD JOINER}://a.b"),
        ("ftp://a.b", "ftp\N{WORD JOINER}://a.b"),
        ("www.a.b", "www\N{WORD JOINER}.a.b"),
        ("me@a.b", "me\\@\N{WORD JOINER}a.b"),
    ],
)
def test_a_markdown_file_shows_names_as_they_are(given, shown):
    assert text.escape_markdown_file(given) == shown


def test_plotly_shows_names_as_they_are():
    assert text.escape_plotly('<b>"A" & B</b>') == '&lt;b&gt;"A" &amp; B&lt;/b&gt;'


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_defused(start):
    assert text.csv_cell(start) == "'" + start


@pytest.mark.parametrize(
    ("value", "cell"),
    [(None, ""), (-0.1, "-0.1"), (3, "3"), ((0, 1), "0 1"), ("cat", "cat"), ("a=b", "a=b")],
)
def test_other_cells_are_left_alone(value, cell):
    assert text.csv_cell(value) == cell


@pytest.mark.parametrize(
    ("text", "expected"), [("a b", "`a b`"), ("a `b`", "`` a `b` ``"), ("``", "``` `` ```")]
)
def test_code_in_markdown(text, expected):
    assert code_markdown(text) == expected
