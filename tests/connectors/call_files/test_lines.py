"""Lines by their places: whole ones, unfinished ones, and those that would swallow their neighbours."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.call_files.lines import Line, ends_with_cr, lines_from, with_line_feeds
from tests.rows import each_row


def lines(data: bytes, offset: int = 0, limit: int = 1000, **how: bool) -> list[Line]:
    return list(lines_from(io.BytesIO(data), offset, limit, **how))


def test_a_line_has_its_break_cut_off_and_says_where_the_next_begins() -> None:
    assert lines(b"a\r\nb\nc") == [Line(b"a", 3), Line(b"b", 5), Line(b"c", 6, whole=False)]
    assert lines(b"a\r\nb\n", 3) == [Line(b"b", 5)]
    assert lines(b"") == []


def test_a_quoted_break_is_inside_a_line() -> None:
    assert lines(b'1,"a\nb"\n2\n') == [Line(b'1,"a\nb"', 8), Line(b"2", 10)]
    assert lines(b'1,"a\nb') == [Line(b'1,"a\nb', 6, whole=False)]


def test_an_open_quotation_mark_costs_its_line_alone() -> None:
    many = b"2,x\n" * 300
    assert lines(b'1,"a\n' + many, limit=1000)[:2] == [Line(b'1,"a', 5), Line(b"2,x", 9)]
    assert len(lines(b'1,"a\n' + many, limit=1000)) == 301


def test_many_short_lines_behind_an_open_quotation_mark_are_read_once_and_not_each_time() -> None:
    """Half a MiB took 12 CPU-seconds, a MiB 46; what was held was copied and counted with every line."""
    began = time.process_time()
    assert len(lines(b'1,"a\n' + b"2,x\n" * 400_000, limit=1 << 20)) == 400_001
    assert time.process_time() - began < 5


def test_of_an_ended_file_every_line_is_given_and_what_more_bytes_may_still_change_is_told() -> None:
    assert lines(b'1,"a\n2\n3\n', ended=True) == [Line(b'1,"a', 5, whole=False), Line(b"2", 7), Line(b"3", 9)]
    assert lines(b'1\n2,"a\n', ended=True) == [Line(b"1", 2), Line(b'2,"a', 7, whole=False)]
    assert lines(b'1,"a\n2"\n', ended=True) == [Line(b'1,"a\n2"', 8)]


def test_a_row_behind_an_open_quotation_mark_ends_it() -> None:
    found = list(lines_from(io.BytesIO(b'1,"a\nrow\nx'), 0, 1000, is_row=lambda line: line == b"row\n"))
    assert found == [Line(b'1,"a', 5), Line(b"row", 9), Line(b"x", 10, whole=False)]


@each_row(
    ("data", "so"),
    [
        (b"a\rb", True),
        (b"a\r", False),
        (b"a\r\nb\r", False),
        (b"a\r\r\nb\r", False),
        (b"a\nb\rc", False),
        (b'"a\rb"\nc', False),
        (b"", False),
    ],
)
def test_a_first_line_shows_whether_lines_end_with_cr_alone(data: bytes, so: bool) -> None:
    assert ends_with_cr(io.BytesIO(data), 1000) is so


def test_places_stay_the_same_where_cr_becomes_lf() -> None:
    data = b"a\rbb\r" + b"c" * 20_000 + b"\rlast"
    found = list(lines_from(with_line_feeds(io.BytesIO(data)), 0, 1 << 20))
    assert found == [Line(b"a", 2), Line(b"bb", 5), Line(b"c" * 20_000, 20_006), Line(b"last", 20_010, whole=False)]


@pytest.mark.parametrize("end", [b"", b"\n", b"\nnext\n"])
def test_a_line_that_is_too_long_is_cut_and_the_next_is_found(end: bytes) -> None:
    data = b"x" * 3000 + end
    first, *rest = lines(data)
    assert first == Line(b"x" * 1000, 3000 + bool(end))
    assert [line.value for line in rest] == ([b"next"] if end.startswith(b"\nn") else [])


@given(st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=3), max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_comes_back_row_by_row(rows: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    data = text.getvalue().encode("utf-8", "surrogatepass")
    found = lines(data, limit=10_000)
    assert len(found) == len(rows)
    assert not found or found[-1].end == len(data)


@given(st.binary(max_size=300), st.integers(1, 50), st.booleans())
def test_every_byte_is_in_one_line_and_reading_ends(data: bytes, limit: int, ended: bool) -> None:
    found = lines(data, limit=limit, ended=ended)
    ends = [line.end for line in found]
    assert ends == sorted(ends)
    assert (ends[-1] if ends else 0) == len(data)
