"""What a CSV says, literally: quotes, line ends, blanks, names, line numbers."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable

import polars as pl
import pytest

from hotspot_pipeline.raw.reading import ReadLimits, SourceTable, UnreadableFile

Read = Callable[..., SourceTable]
Refuse = Callable[..., UnreadableFile]


def test_quoted_delimiters_quotes_and_line_ends(table: Read) -> None:
    read = table(b'a,b\r\n"x, y","say ""no"""\r\n"1\r\n2\n3\r4",z\r\n"",\r\nlast,"row"\r\n')
    assert read.frame.rows() == [
        ("x, y", 'say "no"', 2),
        ("1\r\n2\n3\r4", "z", 3),
        (None, None, 7),
        ("last", "row", 8),
    ]
    assert read.frame.schema == {"a": pl.String, "b": pl.String, "_line": pl.Int64}


def test_quote_inside_an_unquoted_field_is_a_character(table: Read) -> None:
    read = table(b'a,b\nknife 5",x\n say "no",y\n')
    assert read.frame["a"].to_list() == ['knife 5"', ' say "no"']


def test_quoting_is_never_guessed(table: Read) -> None:
    assert table(b"a,b\n'x','y'\n").frame.rows() == [("'x'", "'y'", 2)]
    assert table(b"a,b\n\\,x\n").frame.rows() == [("\\", "x", 2)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(table: Read, end: bytes) -> None:
    read = table(end.join([b"a,b", b"1,2", b"", b"3,4", b""]))
    assert read.frame.rows() == [("1", "2", 2), ("3", "4", 4)]
    assert read.n_records == 2


def test_line_end_split_between_two_blocks(table: Read) -> None:
    filler = b"x" * (1024**2 - len(b"a,b\r\n,1\r"))
    read = table(b"a,b\r\n" + filler + b",1\r\n2,3\r\n", limits=ReadLimits(max_line_bytes=2**21))
    assert read.frame["_line"].to_list() == [2, 3]
    assert read.frame["b"].to_list() == ["1", "3"]


def test_characters_that_only_look_like_line_ends(table: Read) -> None:
    value = "a\u2028b\x0bc\x0cd\x85e"
    assert table(f"v,w\n{value},1\n".encode()).frame["v"].to_list() == [value]


def test_blanks_belong_to_values_but_not_to_names(table: Read) -> None:
    read = table(b"\xef\xbb\xbf Crime ID , Month\n x ,\ty\n")
    assert read.frame.columns == ["Crime ID", "Month", "_line"]
    assert read.frame.rows() == [(" x ", "\ty", 2)]


def test_header_may_be_quoted_and_run_over_lines(table: Read) -> None:
    read = table(b'\xef\xbb\xbf"Crime\nID","a,b"\n1,2\n')
    assert read.frame.columns == ["Crime\nID", "a,b", "_line"]
    assert read.frame["_line"].to_list() == [3]


def test_blank_lines_before_the_header(table: Read) -> None:
    assert table(b"\r\n\r\na,b\r\n1,2\r\n").frame.rows() == [("1", "2", 4)]


def test_names_that_polars_could_take_for_patterns(table: Read) -> None:
    read = table(b"^a.*$,*,literal\n1,,3\n")
    assert read.frame.rows() == [("1", None, "3", 2)]
    assert table(b'^a.*$,*,literal\n1,"""",3\n').frame.rows() == [("1", '"', "3", 2)]


def test_words_that_other_readers_take_for_missing_are_values(table: Read) -> None:
    words = ["NULL", "NA", "nan", "#N/A", "None", "-", "0", "true", "007"]
    read = table(("v,w\n" + "".join(f"{word},\n" for word in words)).encode())
    assert read.frame["v"].to_list() == words


def test_one_column(table: Read) -> None:
    read = table(b'v\na\n\n""\nb\n')
    assert read.frame.rows() == [("a", 2), (None, 4), ("b", 5)]


def test_quoted_field_may_run_over_a_hundred_lines_and_no_more(table: Read) -> None:
    for n_lines, is_read in ((100, True), (101, False)):
        field = b'"' + b"\n".join([b"x"] * n_lines) + b'"'
        read = table(b"a,b\n1," + field + b"\n2,y\n")
        assert (read.frame["a"].to_list() == ["1", "2"]) is is_read
        assert read.n_records == read.frame.height + read.bad_lines.height
        assert read.bad_lines.height == (0 if is_read else 101)


def test_bound_on_quoted_lines_is_for_each_field(table: Read) -> None:
    content = b'a,b\n"1\n2","3\n4"\nx,y\n'
    read = table(content, limits=ReadLimits(max_quoted_lines=2))
    assert read.frame.rows() == [("1\n2", "3\n4", 2), ("x", "y", 5)]
    assert table(content, limits=ReadLimits(max_quoted_lines=1)).bad_lines.height == 3


@pytest.mark.parametrize(("delimiter", "name"), [(";", "a;b"), ("\t", "a\tb"), ("|", "a|b")])
def test_other_delimiters(table: Read, delimiter: str, name: str) -> None:
    content = f'{name}\n1{delimiter}"x{delimiter}y"\n'.encode()
    assert table(content, delimiter=delimiter).frame["b"].to_list() == [f"x{delimiter}y"]
    read = table(content, delimiter=None)
    assert read.delimiter == delimiter
    assert read.frame["b"].to_list() == [f"x{delimiter}y"]


def test_delimiter_that_is_not_ascii(table: Read) -> None:
    for encoding in ("utf-8", "windows-1252"):
        read = table("a¬b\n1¬é\n2¬3\n".encode(encoding), delimiter="¬")
        assert (read.frame["b"].to_list(), read.encoding) == (["é", "3"], encoding)


def test_delimiter_left_to_the_header(table: Read) -> None:
    assert table(b"a\n1\n", delimiter=None).delimiter == ","
    read = table(b"a;b,c;d,e\n1;2,3;4,5\n", delimiter=None, columns_expected=["a", "b,c"])
    assert read.delimiter == ";"


def test_one_column_with_another_delimiter_in_its_expected_name(table: Read) -> None:
    assert table(b"a;b\nx\n", columns_expected=["a;b"]).frame["a;b"].to_list() == ["x"]


def test_windows_1252_for_the_whole_file(table: Read) -> None:
    text = "id,café\n1,“Café” £5\n2,plain\n"
    read = table(text.encode("windows-1252"))
    assert read.encoding == "windows-1252"
    assert read.frame["café"].to_list() == ["“Café” £5", "plain"]


def test_bytes_that_windows_1252_does_not_have(table: Read) -> None:
    read = table(b"id,v\n1,\xe9\n2,\x81\n3,x\n")
    assert read.frame["v"].to_list() == ["é", "x"]
    assert read.bad_lines["rule"].to_list() == ["mixed_encoding"]
    latin = table(b"id,v\n1,\xe9\n2,\x81\n", encodings=("utf-8", "windows-1252", "latin-1"))
    assert (latin.encoding, latin.bad_lines.height) == ("latin-1", 0)


def test_contract_that_knows_one_encoding_only(table: Read) -> None:
    only_1252 = table("v,w\nCafé,1\n".encode(), encodings=("windows-1252",))
    assert only_1252.frame["v"].to_list() == ["CafÃ©"]
    undefined = "v,w\nCafé,1\n".encode() + b"\x81,2\n"
    one_bad = table(undefined, encodings=("windows-1252",))
    assert one_bad.frame["v"].to_list() == ["CafÃ©"]
    assert one_bad.bad_lines["line"].to_list() == [3]
    marked = table("v,w\nCafé,1\n".encode(), encodings=("utf-8-sig",))
    assert marked.frame["v"].to_list() == ["Café"]
    only_utf_8 = table(b"v,w\nCaf\xe9,1\nx,2\n", encodings=("utf-8",))
    assert only_utf_8.bad_lines.rows()[0][:2] == (2, "mixed_encoding")
    assert table("\ufeffv,w\nCafé,1\n".encode(), encodings=("windows-1252",)).encoding == "utf-8"


def test_utf_8_character_cut_by_the_end_of_the_file(table: Read) -> None:
    read = table("v,w\né,1\n2,é".encode()[:-1])
    assert read.encoding == "utf-8"
    assert read.bad_lines["line"].to_list() == [3]
    alone = table(b"v,w\n2,\xc3")
    assert (alone.encoding, alone.frame["w"].to_list()) == ("windows-1252", ["Ã"])


def test_multi_line_record_with_a_line_of_another_encoding(table: Read) -> None:
    read = table('v,w\né,1\né,"2\n'.encode() + b'\xe9"\nx,3\n')
    assert read.frame["w"].to_list() == ["1", "3"]
    assert read.bad_lines.rows()[0][:2] == (3, "mixed_encoding")
    assert read.frame["_line"].to_list() == [2, 5]


def test_kind_is_told_from_content_not_from_the_name(table: Read) -> None:
    assert table(gzip.compress(b"a,b\n1,2\n"), "plain.csv").frame.rows() == [("1", "2", 2)]
    assert table(b"a,b\n1,2\n", "packed.csv.gz").frame.rows() == [("1", "2", 2)]


def test_gzip_of_several_parts(table: Read) -> None:
    packed = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert table(packed, "a.csv.gz").frame["a"].to_list() == ["1", "3"]


def test_rows_over_many_frames_keep_their_order(table: Read) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["a", "b"])
    for i in range(50_001):
        writer.writerow([i, f'"{i}"' if i % 3 else None])
    read = table(out.getvalue().encode())
    assert read.frame["a"].cast(pl.Int64).to_list() == list(range(50_001))
    assert read.frame["b"][0] is None
    assert read.frame["b"][50_000] == '"50000"'
    assert read.frame["_line"].to_list() == list(range(2, 50_003))


def test_table_that_lost_a_record_cannot_be_made(table: Read) -> None:
    read = table(b"a,b\n1,2\n")
    with pytest.raises(ValueError, match="a record was lost"):
        SourceTable("a.csv", read.frame, read.bad_lines, "utf-8", ",", 2)
