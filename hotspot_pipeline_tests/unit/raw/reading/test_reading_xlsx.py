"""XLSX as text: dates as ISO, rows of the sheet as line numbers, hostile workbooks refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import openpyxl
import pytest

from hotspot_pipeline.raw.reading import ReadLimits, SourceTable, UnreadableFile, xlsx_file

Read = Callable[..., SourceTable]
Refuse = Callable[..., UnreadableFile]
_at = dt.datetime.fromisoformat


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_values_as_text(table: Read) -> None:
    read = table(
        workbook(
            crimes=[
                ["id", " easting ", "lon", "flag", "note", "when"],
                ["C/1", 438123, -1.716073972, True, " x, y ", _at("2025-01-31T23:59:01")],
                [20250131, 438123.5, 0.1, False, "", _at("2025-02-01")],
                [None, None, None, None, "007", None],
            ]
        ),
        "a.xlsx",
    )
    assert read.frame.rows() == [
        ("C/1", "438123", "-1.716073972", "true", " x, y ", "2025-01-31T23:59:01", 2),
        ("20250131", "438123.5", "0.1", "false", None, "2025-02-01T00:00:00", 3),
        (None, None, None, None, "007", None, 4),
    ]
    assert read.frame.columns == ["id", "easting", "lon", "flag", "note", "when", "_line"]
    assert (read.n_records, read.delimiter) == (3, None)


def test_dates_and_times_of_day(table: Read) -> None:
    read = table(
        workbook(
            a=[
                ["day", "time", "mixed"],
                [dt.date(2025, 1, 31), dt.time(6, 5), dt.date(2025, 1, 31)],
                [dt.date(2025, 2, 1), dt.time(23, 59, 1), "31/01/2025"],
            ]
        ),
        "a.xlsx",
    )
    assert read.frame.drop("_line").rows() == [
        ("2025-01-31", "06:05:00", "2025-01-31"),
        ("2025-02-01", "23:59:01", "31/01/2025"),
    ]


def test_line_is_the_row_of_the_sheet(table: Read) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["C4"], sheet["D4"] = "id", "type"
    sheet["C5"], sheet["D5"] = "1", "Robbery"
    sheet["C9"] = "2"
    buffer = io.BytesIO()
    book.save(buffer)
    read = table(buffer.getvalue(), "a.xlsx")
    assert read.frame.rows() == [("1", "Robbery", 5), ("2", None, 9)]


def test_error_cells_stay_visible(table: Read) -> None:
    read = table(workbook(a=[["id", "v"], ["1", "#N/A"], ["2", "#DIV/0!"], ["3", 4]]), "a.xlsx")
    assert read.frame["v"].to_list() == ["#N/A", "#DIV/0!", "4"]


def test_cells_beyond_the_header_make_a_bad_line(table: Read) -> None:
    read = table(workbook(a=[["id", "v", None], ["1", "x"], ["2", "y", "z"], ["3"]]), "a.xlsx")
    assert read.frame.rows() == [("1", "x", 2), ("3", None, 4)]
    assert read.bad_lines.rows()[0][:2] == (3, "too_many_fields")
    assert read.n_records == 3


def test_header_only(table: Read) -> None:
    read = table(workbook(a=[["id", "v"]]), "a.xlsx")
    assert (read.frame.columns, read.n_records) == (["id", "v", "_line"], 0)
    assert read.bad_lines.schema == table(b"a,b\n1,2\n", "b.csv").bad_lines.schema


def test_named_sheet_or_the_first(table: Read, refusal: Refuse) -> None:
    content = workbook(first=[["a"], ["1"]], second=[["b"], ["2"]])
    assert table(content, "a.xlsx").frame.columns == ["a", "_line"]
    assert table(content, "a.xlsx", sheet="second").frame.columns == ["b", "_line"]
    found = refusal(content, "a.xlsx", sheet="third")
    assert found.rule == "no_such_sheet"
    assert "first, second" in found.message


def test_empty_sheet_and_duplicate_header(refusal: Refuse) -> None:
    assert refusal(workbook(a=[]), "a.xlsx").rule == "empty"
    assert refusal(workbook(a=[["id", "v", "id"], [1, 2, 3]]), "a.xlsx").rule == "duplicate_header"


def test_damaged_workbook_is_refused(refusal: Refuse) -> None:
    content = workbook(a=[["id"], ["1"]])
    assert refusal(content[: len(content) // 2], "a.xlsx").rule == "truncated"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, data[:200] if "sheet1" in info.filename else data)
    assert refusal(buffer.getvalue(), "a.xlsx").rule == "corrupt"


def test_far_away_cell_is_refused_before_it_fills_memory(refusal: Refuse) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["A2"], sheet["XFD1048576"] = "id", "1", "stray"
    buffer = io.BytesIO()
    book.save(buffer)
    found = refusal(buffer.getvalue(), "a.xlsx")
    assert found.rule == "sheet_too_large"
    assert "17,179,869,184 cells" in found.message


def test_workbook_that_is_a_bomb_is_refused(refusal: Refuse) -> None:
    content = workbook(a=[["id"], ["1"]])
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(5_000_000))
    tight = ReadLimits(ratio_above_bytes=1_000_000)
    assert refusal(buffer.getvalue(), "a.xlsx", limits=tight).rule == "zip_bomb"


def test_part_that_lies_about_its_size_is_refused(refusal: Refuse) -> None:
    buffer = io.BytesIO(workbook(a=[["id"], ["1"]]))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(5_000_000))
    content = bytearray(buffer.getvalue())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    assert refusal(bytes(content), "a.xlsx").rule == "corrupt"


@pytest.mark.parametrize("n_block_bytes", [64, 65, 100, 1000])
def test_used_rectangle_does_not_depend_on_blocks(n_block_bytes: int) -> None:
    cells = [f'<c r="{column}{row}" s="1"><v>1</v></c>' for row in (1, 30) for column in "AB"]
    sheet = f'<row r="1">{"".join(cells)}<c r="AC7"><v>2</v></c><c r="ZZ99999" s="2"/></row>'
    with patch.object(xlsx_file, "_BLOCK_BYTES", n_block_bytes):
        assert xlsx_file._rectangle(io.BytesIO(sheet.encode())) == 30 * 29


@pytest.mark.parametrize("name", ["a.csv", "a.zip"])
def test_workbook_under_another_name(table: Read, name: str) -> None:
    assert table(workbook(a=[["id"], ["1"]]), name).frame.rows() == [("1", 2)]
