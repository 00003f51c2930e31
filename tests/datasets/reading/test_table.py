"""Which encoding and separator a table has, and its rows."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.reading import raw_files
from core.datasets.reading import table as table_module
from core.datasets.reading.table import TextTable, read_table
from core.errors import BadInput
from tests.datasets.listings import listing_of

ROWS = (("Datei", "Sorte"), ("1.jpg", "Käse"), ("2.jpg", "a, b"))


def table_of(data: bytes, name: str = "t.csv") -> TextTable | None:
    return read_table(listing_of({name: data}).files[0])


def text_of(separator: str, end: str = "\n") -> str:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in ROWS]
    return end.join(separator.join(row) for row in quoted) + end


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_separator_are_found(separator, encoding, end):
    data = text_of(separator, end).encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    table = table_of(data)
    assert table is not None
    assert table.separator == separator
    assert table.first_rows == ROWS
    assert list(table.rows()) == [(1, [*ROWS[0]]), (2, [*ROWS[1]]), (3, [*ROWS[2]])]


def test_a_windows_letter_far_behind_is_noticed():
    data = b"file,label\n" + b"1.jpg,cat\n" * 200_000 + "2.jpg,Käse\n".encode("cp1252")
    table = table_of(data)
    assert table is not None
    assert table.encoding == "cp1252"
    assert len(table.first_rows) == table_module.LOOKED_AT_ROWS
    assert [*table.rows()][-1] == (200_002, ["2.jpg", "Käse"])


@pytest.mark.parametrize(
    ("text", "separator", "first"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", ("a", "b")),
        ("sep=;\na;b,c\n1;2,3\n", ";", ("a", "b,c")),
        ("a b\n1.jpg cat\n", " ", ("a", "b")),
        ("a,b|c\n1,2|3\n", ",", ("a", "b|c")),
        ('"a","b;c;d"\n"1","2;3;4"\n', ",", ("a", "b;c;d")),
    ],
)
def test_separators_that_are_not_plain(text, separator, first):
    table = table_of(text.encode())
    assert table is not None
    assert (table.separator, table.first_rows[0]) == (separator, first)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"one\ncolumn\n", b"\x89PNG\r\n\x1a\n\0\0", b"a,b\0\n", b"\x1f\x8b\x08"]
)
def test_what_is_no_table(data):
    assert table_of(data) is None


def test_gzip_is_known_by_content():
    table = table_of(gzip.compress(text_of(",").encode()))
    assert table is not None
    assert len(list(table.rows())) == 3


def test_line_numbers_blank_rows_and_wrong_quotation_marks():
    text = 'a,b\n\n,\n"x\ny",1\n"p"q,2\nlast,3\n'
    table = table_of(text.encode())
    assert table is not None
    assert list(table.rows()) == [
        (1, ["a", "b"]),
        (4, ["x\ny", "1"]),
        (6, None),
        (7, ["last", "3"]),
    ]


def test_a_quotation_mark_that_is_never_closed():
    table = table_of(b"a,b\n" * 300 + b'"open,1\n' + b"a,b\n" * 300)
    assert table is not None
    with pytest.raises(BadInput, match=r"t\.csv line 301: a quotation mark is opened and never"):
        list(table.rows())


def test_a_line_without_end(monkeypatch):
    monkeypatch.setattr(table_module, "LONGEST_LINE", 50)
    table = table_of(b"a,b\n1,2\n" + b"x" * 60 + b"\n")
    assert table is not None
    with pytest.raises(BadInput, match=r"t\.csv line 3: longer than 50 characters"):
        list(table.rows())


@pytest.mark.slow
def test_a_gzip_bomb_stops(monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_TABLE_BYTES", 3 * 1024**2)
    monkeypatch.setattr(table_module, "_ENCODING_LOOKED_AT_BYTES", 1024**2)
    table = table_of(gzip.compress(b"a,b\n" * 1024**2))
    assert table is not None
    with pytest.raises(BadInput, match=r"t\.csv: unpacked it is larger than"):
        list(table.rows())


def test_a_damaged_gzip_is_said(monkeypatch):
    monkeypatch.setattr(table_module, "_ENCODING_LOOKED_AT_BYTES", 1024**2)
    data = gzip.compress(b"a,b\n" * 1_000_000)
    assert table_of(data[:20]) is None
    table = table_of(data[:-100])
    assert table is not None
    with pytest.raises(BadInput, match=r"t\.csv: cannot be read, or damaged"):
        list(table.rows())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_not_and_nothing_else_is_raised(data):
    table = table_of(data)
    if table is None:
        return
    try:
        rows = list(table.rows())
    except BadInput:
        return
    assert all(cells is None or any(cell.strip() for cell in cells) for _, cells in rows)
