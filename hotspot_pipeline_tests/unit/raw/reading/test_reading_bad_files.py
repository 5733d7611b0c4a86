"""Every kind of bad delivery: what is refused, what is reported line by line, what is kept."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.raw.reading import ReadLimits, SourceTable, UnreadableFile, read_file

Read = Callable[..., SourceTable]
Refuse = Callable[..., UnreadableFile]

GOOD = b"id,when,type\n1,2025-01-01,Robbery\n2,2025-01-02,Burglary\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def bad(table: SourceTable) -> list[tuple[int, str]]:
    return [(line, rule) for line, rule, _ in table.bad_lines.rows()]


def test_truncated_gzip_is_refused_whole(refusal: Refuse) -> None:
    rows = b"".join(b"%d,2025-01-01,%d\n" % (i, i * i) for i in range(5000))
    packed = gzip.compress(b"id,when,type\n" + rows)
    for n_kept in (len(packed) // 2, len(packed) - 1, len(packed) - 8, 12):
        assert refusal(packed[:n_kept], "crimes.csv.gz").rule == "truncated"


def test_damaged_gzip_is_refused(refusal: Refuse) -> None:
    packed = bytearray(gzip.compress(GOOD * 50))
    packed[-6] ^= 0xFF  # the checksum
    assert refusal(bytes(packed), "crimes.csv.gz").rule == "corrupt"


def test_wrong_delimiter_names_the_one_that_would_work(refusal: Refuse) -> None:
    content = GOOD.replace(b",", b";")
    found = refusal(content, columns_expected=["ID", "when"])
    assert (found.rule, found.line) == ("wrong_delimiter", 1)
    assert "a semicolon" in found.message
    assert "';'" in found.hint
    assert refusal(content).rule == "wrong_delimiter"
    assert "a tab" in refusal(GOOD.replace(b",", b"\t"), delimiter="|").message


def test_wrong_delimiter_is_seen_behind_commas_of_another_meaning(refusal: Refuse) -> None:
    content = b"id;when, local;type\n1;2025-01-01;Robbery\n"
    assert refusal(content, columns_expected=["id", "type"]).rule == "wrong_delimiter"


def test_missing_column_is_left_to_the_contract(table: Read) -> None:
    read = table(b"id,when\n1,2025-01-01\n", columns_expected=["id", "when", "type"])
    assert read.frame.columns == ["id", "when", "_line"]
    assert read.frame.height == 1


def test_extra_column_is_kept(table: Read) -> None:
    read = table(b"id,when,new\n1,2025-01-01,x\n", columns_expected=["id", "when"])
    assert read.frame["new"].to_list() == ["x"]


def test_empty_file_is_refused(refusal: Refuse) -> None:
    for content in (b"", b"\n\r\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\n"):
        assert refusal(content).rule == "empty"
    assert refusal(gzip.compress(b""), "crimes.csv.gz").rule == "empty"


@pytest.mark.parametrize("content", [b"id,when", b"id,when\n", b"\n\nid,when\r\n\r\n"])
def test_header_only_is_a_table_of_no_rows(table: Read, content: bytes) -> None:
    read = table(content)
    assert read.frame.columns == ["id", "when", "_line"]
    assert (read.n_records, read.frame.height, read.bad_lines.height) == (0, 0, 0)


@pytest.mark.parametrize(
    ("content", "rule", "said"),
    [
        (PNG, "binary", "PNG"),
        (b"%PDF-1.7\n...", "binary", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "binary", ".xls"),
        (b"id,\0when\n1,2\n", "binary", "bytes that no text has"),
        (b"\x03\x01\x07abc", "binary", "bytes that no text has"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "not_a_table", "web page"),
        (b'{"error": "expired"}', "not_a_table", "JSON"),
    ],
)
def test_binary_or_foreign_content_named_csv_is_refused(
    refusal: Refuse, content: bytes, rule: str, said: str
) -> None:
    found = refusal(content)
    assert found.rule == rule
    assert said in found.message


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(table: Read, codec: str) -> None:
    text = "\ufeffid,place\r\n1,Café \U0001f6a8\r\n2,Royal Leamington Spa\r\n"
    read = table(text.encode(codec))
    assert read.encoding == "utf-16"
    assert read.frame["place"].to_list() == ["Café \U0001f6a8", "Royal Leamington Spa"]
    assert read.frame["_line"].to_list() == [2, 3]


def test_utf_16_without_mark_or_cut_in_a_character_is_refused(refusal: Refuse) -> None:
    assert refusal("id,when\r\n1,2\r\n".encode("utf-16-le")).rule == "utf16_without_bom"
    assert refusal("id,when\r\n1,2\r\n".encode("utf-16-be")).rule == "utf16_without_bom"
    assert refusal("\ufeffid\r\n1\r\n".encode("utf-16-le")[:-1]).rule == "truncated"
    assert refusal("id,when".encode("utf-32")).rule == "utf_32"


def test_utf_16_line_with_half_a_pair_is_bad(table: Read) -> None:
    text = "\ufeffid,place\n1,a\n2,b\ud83dc\n3,d\n"
    read = table(text.encode("utf-16-le", "surrogatepass"))
    assert bad(read) == [(3, "mixed_encoding")]
    assert read.frame["id"].to_list() == ["1", "3"]


def test_mixed_encodings_cost_the_odd_lines_only(table: Read) -> None:
    lines = ["id,place", "1,Café", "2,Pré", "3,plain"]
    read = table("\n".join(lines).encode() + b"\n4,Caf\xe9\n5,end\n")
    assert read.encoding == "utf-8"
    assert bad(read) == [(5, "mixed_encoding")]
    assert read.frame["place"].to_list() == ["Café", "Pré", "plain", "end"]
    assert read.n_records == 5


def test_mixed_encodings_the_other_way_round(table: Read) -> None:
    read = table("id,place\n1,Caf\xe9\n2,\x80\n3,Pr\xe9\n".encode("latin-1") + b"4,Caf\xc3\xa9\n")
    assert read.encoding == "windows-1252"
    assert bad(read) == [(5, "mixed_encoding")]
    assert read.frame["place"].to_list() == ["Café", "€", "Pré"]


def test_header_in_another_encoding_is_refused(refusal: Refuse) -> None:
    content = b"id,d\xe9tail\n" + "1,é\n2,é\n3,é\n".encode()
    found = refusal(content)
    assert (found.rule, found.line) == ("mixed_encoding", 1)


@pytest.mark.parametrize("name", ["crimes.csv", "crimes.csv.gz"])
def test_10_mb_single_line_is_bad_and_never_held(
    deliver: Callable[[str, bytes], Path], name: str
) -> None:
    content = b"id,note\n1,a\n2," + b"x" * 10_000_000 + b"\n3,c\n"
    path = deliver(name, gzip.compress(content) if name.endswith(".gz") else content)
    del content
    tracemalloc.start()
    try:
        [read] = read_file(path)
        n_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(read, SourceTable)
    assert bad(read) == [(3, "line_too_long")]
    assert read.frame.rows() == [("1", "a", 2), ("3", "c", 4)]
    assert n_peak < 9_000_000


def test_10_mb_single_line_as_header_is_refused(refusal: Refuse) -> None:
    found = refusal(b"x," * 5_000_000)
    assert (found.rule, found.line) == ("line_too_long", 1)


def test_embedded_nul_costs_its_line_only(table: Read) -> None:
    read = table(b'id,note\n1,a\n2,b\0c\n3,"d\n\0e"\n4,f\n5,\0,x\n')
    assert bad(read) == [(3, "embedded_nul"), (4, "embedded_nul"), (7, "embedded_nul")]
    assert read.frame.rows() == [("1", "a", 2), ("4", "f", 6)]
    assert read.n_records == 5


def test_duplicate_header_is_refused_with_the_names(refusal: Refuse) -> None:
    found = refusal(b"id,when, id,type,when\n1,2,3,4,5\n")
    assert (found.rule, found.line) == ("duplicate_header", 1)
    assert "'id' (columns 1, 3)" in found.message
    assert "'when' (columns 2, 5)" in found.message
    assert "an empty name (columns 2, 3)" in refusal(b"id,,\n1,2,3\n").message


def test_duplicates_in_a_file_without_header_are_not_shown(refusal: Refuse) -> None:
    found = refusal(b"SECRET,2025-01-01,SECRET\n", columns_expected=["name", "when"])
    assert found.rule == "duplicate_header"
    assert "columns 1, 3" in found.message
    assert "SECRET" not in str(found)
    assert "has a header" in found.hint


def test_other_header_troubles_are_refused(refusal: Refuse) -> None:
    assert refusal(b"id,_line\n1,2\n").rule == "reserved_header"
    assert refusal(b'id,"when\n1,2\n').rule == "unbalanced_quote"
    assert refusal(b'id,"when"x\n1,2\n').rule == "text_after_quote"
    wide = ",".join(f"c{i}" for i in range(2001)).encode()
    assert refusal(wide + b"\n").rule == "too_many_columns"


def test_wrong_number_of_fields_costs_the_line(table: Read) -> None:
    read = table(GOOD + b"3,2025-01-03\n4,2025-01-04,a,b\n5,2025-01-05,Drugs\n")
    assert bad(read) == [(4, "too_few_fields"), (5, "too_many_fields")]
    assert read.frame["id"].to_list() == ["1", "2", "5"]
    assert read.bad_lines["message"][0] == "2 fields where the header has 3"


def test_stray_opening_quote_does_not_swallow_the_file(table: Read) -> None:
    rows = [b"%d,2025-01-01,Robbery\n" % i for i in range(300)]
    rows[7] = b'7,2025-01-01,"Rob\n'
    read = table(b"id,when,type\n" + b"".join(rows))
    assert bad(read) == [(9, "unbalanced_quote")]
    assert read.frame.height == 299
    assert read.frame["_line"].to_list() == [i for i in range(2, 302) if i != 9]


def test_stray_opening_quote_before_quoted_neighbours(table: Read) -> None:
    read = table(b'id,a,b\n1,"x,y\n2,"def",z\n3,"",w\n4,ghi,v\n')
    assert bad(read) == [(2, "text_after_quote")]
    assert read.frame["a"].to_list() == ["def", None, "ghi"]


def test_truncated_last_record_is_bad(table: Read) -> None:
    read = table(GOOD + b"3,2025-")
    assert bad(read) == [(4, "truncated_record")]
    assert bad(table(GOOD + b'3,2025-01-03,"Rob')) == [(4, "unbalanced_quote")]


def test_missing_last_line_end_is_fine(table: Read) -> None:
    assert table(GOOD.rstrip(b"\n")).frame["type"].to_list() == ["Robbery", "Burglary"]


def test_dates_in_three_formats_come_through_as_delivered(table: Read) -> None:
    read = table(b"when\n2025-01-31\n31/01/2025\nJan 31 2025\n")
    assert read.frame["when"].to_list() == ["2025-01-31", "31/01/2025", "Jan 31 2025"]


def test_swapped_coordinates_come_through_as_delivered(table: Read) -> None:
    read = table(b"lat,lon\n52.28,-1.53\n-1.53,52.28\n")
    assert read.frame["lat"].to_list() == ["52.28", "-1.53"]


def test_formula_injection_is_kept_as_delivered(table: Read) -> None:
    values = ["=cmd|' /C calc'!A0", "+44 1926", "-1.5", "@SUM(A1)"]
    read = table(("note\n" + "\n".join(values) + "\n").encode())
    assert read.frame["note"].to_list() == values


def test_bad_lines_never_show_a_value(table: Read) -> None:
    read = table(
        b'name,place\nSECRET\nSECRET,"SECRET\nSECRET,"a"SECRET\nSECRET,SECRET,SECRET\n'
        b"SECRET,\0\nSECRET,\xe9\n" + "é,SECRET\n".encode() * 3 + b"SECRET"
    )
    assert read.bad_lines.height == 7
    assert "SECRET" not in "".join(read.bad_lines["message"])


def test_zip_bomb_is_refused(refusal: Refuse) -> None:
    bomb = b"id,note\n" + b"1,a\n" * 500_000
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", bomb)
    tight = ReadLimits(ratio_above_bytes=1_000_000)
    assert refusal(buffer.getvalue(), "a.zip", limits=tight).rule == "zip_bomb"
    assert refusal(gzip.compress(bomb), "a.csv.gz", limits=tight).rule == "zip_bomb"
    small = ReadLimits(max_unpacked_bytes=1_000_000)
    assert refusal(buffer.getvalue(), "a.zip", limits=small).rule == "unpacked_too_large"
    assert refusal(gzip.compress(bomb), "a.csv.gz", limits=small).rule == "unpacked_too_large"


def test_repetitive_but_honest_csv_is_no_bomb(table: Read) -> None:
    content = b"id,note\n" + b"1,a\n" * 500_000
    assert len(content) > 200 * len(gzip.compress(content))
    assert table(gzip.compress(content), "a.csv.gz").frame.height == 500_000


def test_unreadable_and_vanished_files_are_refusals(
    deliver: Callable[[str, bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [gone] = read_file(tmp_path / "gone.csv")
    assert isinstance(gone, UnreadableFile)
    assert gone.rule == "os_error"
    [folder] = read_file(tmp_path)
    assert isinstance(folder, UnreadableFile)
    assert folder.rule == "not_a_file"
    path = deliver("locked.csv", GOOD)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    [locked] = read_file(path)
    assert isinstance(locked, UnreadableFile)
    assert "Permission denied" in locked.message


def test_file_that_grows_while_it_is_read_is_refused(
    deliver: Callable[[str, bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deliver("growing.csv", GOOD)
    true_stat = os.stat
    n_calls = 0

    def stat_of_a_growing_file(target: Any, **options: Any) -> os.stat_result:
        nonlocal n_calls
        if target == path:
            n_calls += 1
            if n_calls == 2:
                with path.open("ab") as stream:
                    stream.write(b"3,2025-01-03,Drugs\n")
        return true_stat(target, **options)

    monkeypatch.setattr(os, "stat", stat_of_a_growing_file)
    [item] = read_file(path)
    assert isinstance(item, UnreadableFile)
    assert item.rule == "changed_while_reading"


def test_contract_errors_are_errors(deliver: Callable[[str, bytes], Path]) -> None:
    path = deliver("crimes.csv", GOOD)
    for delimiter in ("", "||", '"', "\n"):
        with pytest.raises(ValueError, match="delimiter"):
            read_file(path, delimiter=delimiter)
    for encodings in ((), ("utf-16",), ("shift_jis",), ("no-such-thing",), ("utf-7",), ("cp037",)):
        with pytest.raises(ValueError, match="encoding"):
            read_file(path, encodings=encodings)


def test_refusal_survives_another_process() -> None:
    refusal = UnreadableFile("a.csv", "empty", "nothing in it", "deliver again", line=3)
    assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)
    assert str(refusal) == "a.csv, line 3: nothing in it (empty); do: deliver again"
    assert refusal.source == "a.csv"
