"""Pieces of a file, put together again, are the file: rows, line numbers, bad lines, wherever it is cut."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.raw.reading import SourceTable, UnreadableFile, read_file, read_pieces


def whole(path: Path) -> SourceTable:
    (table,) = read_file(path)
    assert isinstance(table, SourceTable), table
    return table


def pieces(path: Path, piece_bytes: int) -> list[SourceTable]:
    found = list(read_pieces(path, piece_bytes=piece_bytes))
    assert all(isinstance(piece, SourceTable) for piece in found), found
    return found  # type: ignore[return-value]


def assert_same(path: Path, piece_bytes: int) -> int:
    expected, found = whole(path), pieces(path, piece_bytes)
    assert pl.concat([p.frame for p in found]).equals(expected.frame)
    assert pl.concat([p.bad_lines for p in found]).equals(expected.bad_lines)
    assert sum(p.n_records for p in found) == expected.n_records
    return len(found)


fields = st.text('ab,\n" é', max_size=4)


@given(
    rows=st.lists(st.tuples(fields, fields), max_size=30),
    line_end=st.sampled_from(["\n", "\r\n"]),
    piece_bytes=st.integers(8, 80),
    has_mark=st.booleans(),
)
def test_quoted_line_ends_are_never_cut(
    rows: list[tuple[str, str]],
    line_end: str,
    piece_bytes: int,
    has_mark: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "f.csv"
    lines = [",".join('"' + f.replace('"', '""') + '"' for f in row) for row in rows]
    text = line_end.join(["one,two", *lines]) + line_end
    path.write_bytes(b"\xef\xbb\xbf" * has_mark + text.encode())
    assert_same(path, piece_bytes)


def test_bad_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a,b\n" + "".join(f"{n},x\n" if n % 7 else f"{n}\n" for n in range(1, 200)))
    assert assert_same(path, 128) > 5


def test_a_stray_quote_does_not_hold_the_whole_file_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('a,b\n1,"x\n' + "".join(f"{n},y\n" for n in range(2000)))
    assert len(pieces(path, 512)) > 5
    assert sum(p.n_records for p in pieces(path, 512)) == whole(path).n_records


def test_gzip_zip_and_parquet(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f"{n},y\n" for n in range(500))
    packed = tmp_path / "f.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert assert_same(packed, 300) > 3
    book = tmp_path / "f.zip"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("one.csv", text)
        archive.writestr("two.csv", "a,b\n1,2\n")
    sources = {p.source: p.n_records for p in pieces(book, 10**6)}
    assert sources == {"f.zip!one.csv": 500, "f.zip!two.csv": 1}
    table = tmp_path / "f.parquet"
    pl.DataFrame({"a": range(150_000), "b": ["y"] * 150_000}).write_parquet(table)
    assert assert_same(table, 1) > 2


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b"")
    (refusal,) = read_pieces(path)
    assert isinstance(refusal, UnreadableFile) and refusal.rule == "empty"
    (refusal,) = read_pieces(tmp_path / "absent.csv")
    assert isinstance(refusal, UnreadableFile) and refusal.rule == "os_error"
