"""The fast path gives exactly what the careful path gives, and both give what was written."""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO, cast
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hotspot_pipeline.raw.reading import (
    ReadLimits,
    SourceTable,
    UnreadableFile,
    csv_fast,
    csv_file,
    lines,
)
from hotspot_pipeline.raw.reading.csv_file import CsvRules, read_csv
from hotspot_pipeline.raw.reading.lines import LineBuffer
from hotspot_pipeline.raw.reading.records import Split, split_record
from hotspot_pipeline.raw.reading.unpacking import Content

HEADER = b"h1,h2\n"
NASTY = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r '=-@\0é€\u2028\x85\ufeff\\#"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
PLAIN = st.text("abcé,;'=-\" ", max_size=6)
PIECES = [b"a", b"bc", b'"', b",", b"\n", b"\r\n", b"\r", b'""', b"\xc3\xa9", b"\xe9", b"\0", b" "]
TIDY_ROWS = [b"a,b\n", b'"a",b\n', b'"a,",b\n', b'",a",b\n', b'"",\n', b'a"",b\n', b'"a""",b\n']


def read(content: bytes, limits: ReadLimits | None = None) -> SourceTable | str:
    source = Content("x.csv", lambda: cast(BinaryIO, io.BufferedReader(io.BytesIO(content))))
    rules = CsvRules((), ",", ("utf-8", "windows-1252"), limits or ReadLimits())
    try:
        return read_csv(source, content[:65536], rules)
    except UnreadableFile as refusal:
        return str(refusal)


def read_carefully(content: bytes, limits: ReadLimits | None = None) -> SourceTable | str:
    with patch.object(csv_fast, "read_clean", return_value=None):
        return read(content, limits)


def assert_paths_agree(content: bytes, limits: ReadLimits | None = None) -> SourceTable | str:
    fast, slow = read(content, limits), read_carefully(content, limits)
    if isinstance(fast, str) or isinstance(slow, str):
        assert fast == slow
        return fast
    assert_frame_equal(fast.frame, slow.frame)
    assert_frame_equal(fast.bad_lines, slow.bad_lines)
    assert (fast.encoding, fast.n_records) == (slow.encoding, slow.n_records)
    assert fast.n_records == fast.frame.height + fast.bad_lines.height
    return fast


@settings(deadline=None, max_examples=300)
@given(
    rows=st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.one_of(PLAIN, NASTY), min_size=n, max_size=n), max_size=8)
    ),
    # Quoting only where needed, Python leaves the line ends bare that it does not itself write.
    style=st.sampled_from([("\r\n", "minimal"), ("\r\n", "all"), ("\n", "all"), ("\r", "all")]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_python_writes_is_what_is_read(
    rows: list[list[str]], style: tuple[str, str], codec: str
) -> None:
    out = io.StringIO(newline="")
    if style[1] == "all":
        writer = csv.writer(out, lineterminator=style[0], quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(out, lineterminator=style[0])
    writer.writerow([f"h{i}" for i in range(len(rows[0]) if rows else 2)])
    writer.writerows(rows)
    result = assert_paths_agree(out.getvalue().encode(codec))
    assert isinstance(result, SourceTable)
    expected, bad_at, line = [], [], 2
    for row in rows:
        if "\0" in "".join(row):
            bad_at.append(line)
        else:
            expected.append((*(value or None for value in row), line))
        line += 1 + sum(len(re.findall("\r\n|\r|\n", value)) for value in row)
    assert result.frame.rows() == expected
    assert result.bad_lines["line"].to_list() == bad_at
    assert result.n_records == len(rows)


@settings(deadline=None, max_examples=400)
@given(
    content=st.one_of(
        st.lists(st.sampled_from(PIECES), max_size=25),
        st.lists(st.sampled_from(TIDY_ROWS), max_size=6),
        st.lists(st.sampled_from([*TIDY_ROWS, *PIECES]), max_size=10),
    ).map(b"".join),
    limits=st.builds(
        ReadLimits,
        max_line_bytes=st.sampled_from([6, 8, 12, 1024**2]),
        max_quoted_lines=st.sampled_from([1, 2, 100]),
    ),
)
@example(content=b'"",a\n' * 3, limits=ReadLimits())
@example(content=b'",",a\n', limits=ReadLimits())
@example(content=b'"a"b,c\n", ",d\n', limits=ReadLimits())
@example(content=b'"a"",""b",c\n', limits=ReadLimits())
@example(content=b'a",b"\n"x"y,c\n', limits=ReadLimits())
@example(content=b'",a"b,c\n', limits=ReadLimits())
@example(content=b'x,",a"b\n', limits=ReadLimits())
def test_paths_agree_on_anything(content: bytes, limits: ReadLimits) -> None:
    assert_paths_agree(HEADER + content, limits)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([b"a", b'"', b",", b"\n", b"\r\n", b"\r", b'""']), max_size=30))
def test_every_line_is_accounted_for(pieces: list[bytes]) -> None:
    """Lines of good records, bad lines and blank lines are all the lines there are."""
    content = HEADER + b"".join(pieces)
    result = read(content)
    assert isinstance(result, SourceTable)
    all_lines = content.splitlines()
    covered = {1} | {i for i, line in enumerate(all_lines, 1) if not line}
    for *values, line in result.frame.rows():
        text = "".join(value or "" for value in values).encode() + b"."
        covered |= set(range(line, line + len(text.splitlines())))
    covered |= set(result.bad_lines["line"])
    assert covered == set(range(1, len(all_lines) + 1))


@settings(deadline=None, max_examples=400)
@given(st.text('a",;b ', max_size=12))
def test_splitting_one_line_agrees_with_the_standard_library(line: str) -> None:
    nothing_more = LineBuffer(cast(BinaryIO, io.BytesIO(b"")), 100)
    found = split_record(line, nothing_more, lambda raw: (raw.decode(), True), ",", 100)
    try:
        expected = next(csv.reader([line], strict=True), [""])
    except csv.Error:
        assert not isinstance(found, Split)
    else:
        assert isinstance(found, Split)
        assert found.fields == (expected or [""])


@pytest.mark.parametrize(
    "content",
    [
        b"h1,h2\na,b\nc,d\n",
        b"h1,h2\r\na,b\r\nc,",
        b'"h1","h2"\n"a","b, c"\n"","d"\n',
        b'\xef\xbb\xbfh1,"h\n2"\n"a",b\n',
        "h1,h2\né,€\n".encode(),
        "h1,h2\né,€\n".encode("windows-1252"),
        "\ufeffh1,h2\r\né,€\r\n".encode("utf-16-le"),
        b"h1,h2\n" + b'1234567,"89,"\n' * 300_000,
    ],
)
def test_clean_files_take_the_fast_path(content: bytes) -> None:
    with patch.object(csv_file, "read_records", side_effect=AssertionError("careful path")):
        result = read(content)
    assert isinstance(result, SourceTable)
    if len(content) < 1000:
        assert_paths_agree(content)
    else:
        assert result.frame.height == 300_000
        assert result.frame["h2"].unique().to_list() == ["89,"]


@pytest.mark.parametrize(
    "row",
    [
        b'"a"b,c\n',
        b'a"b,c\n',
        b'"a""b",c\n',
        b'",a",c\n',
        b"\na,b\n",
        b'"a\nb",c\n',
        b"a,b\rc,d\n",
        b"a,\0\n",
        b"a,b,c\n",
        b"a\n",
        b"\xc3\xa9,1\n1,\xff\n",
        b'a,"b',
    ],
)
def test_anything_doubtful_takes_the_careful_path(row: bytes) -> None:
    """One doubtful row in a clean file: the fast path declines, whatever Arrow makes of it."""
    content = HEADER + b"1,2\n" + row
    declined: list[bool] = []
    true_read_clean = csv_fast.read_clean

    def watched(*args: object, **options: object) -> pl.DataFrame | None:
        frame = true_read_clean(*args, **options)  # type: ignore[arg-type]
        declined.append(frame is None)
        return frame

    with patch.object(csv_fast, "read_clean", watched):
        assert isinstance(read(content), SourceTable)
    assert declined == [True]


def test_character_cut_at_a_block_is_not_mended_by_a_later_one() -> None:
    content = b"\n\n\n\xc3" + b"abc\n" + b"\xa9ab\n"
    assert not csv_fast.survey(cast(BinaryIO, io.BytesIO(content)), ",", 8).is_utf_8
    whole = b"\n\n\n\xc3" + b"\xa9bc\n"
    assert csv_fast.survey(cast(BinaryIO, io.BytesIO(whole)), ",", 8).is_utf_8


@settings(deadline=None)
@given(
    content=st.lists(st.sampled_from([b"a", b"bcd", b"\n", b"\r", b"\r\n"]), max_size=30).map(
        b"".join
    ),
    n_block_bytes=st.integers(1, 9),
    max_line_bytes=st.integers(1, 9),
)
def test_lines_do_not_depend_on_blocks(
    content: bytes, n_block_bytes: int, max_line_bytes: int
) -> None:
    with patch.object(lines, "_BLOCK_BYTES", n_block_bytes):
        found = list(lines.physical_lines(cast(BinaryIO, io.BytesIO(content)), max_line_bytes))
    expected = content.splitlines(keepends=True)
    assert found == [line if len(line) <= max_line_bytes else None for line in expected]


def test_line_just_within_and_just_over_the_limit() -> None:
    limits = ReadLimits(max_line_bytes=1000)
    for n_bytes, is_read in ((1000, True), (1001, False)):
        row = b"1," + b"x" * (n_bytes - 3) + b"\n"
        result = assert_paths_agree(HEADER + row + b"2,y\n", limits)
        assert isinstance(result, SourceTable)
        assert result.frame.height == (2 if is_read else 1)
