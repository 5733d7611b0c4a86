"""XLSX as text: one sheet, its first row with anything in it the header.

Here: finding the sheet, keeping a hostile workbook from filling memory, ISO dates. Not here: old
.xls and password-protected workbooks (refused in `kinds`) and what the columns mean.

Cells read as text: numbers with up to nine decimals and no exponent, `true`/`false`, errors as
they stand (`#N/A`). Excel stores no dates, only numbers that look like dates; a column's date-times
read as dates (`2025-01-31`) where all of them are at midnight, as times (`06:05:00`) where all of
them are on day zero, otherwise as `2025-01-31T23:59:01`. Text of exactly that form with a blank
for the T reads the same. Rows with nothing in them are no records.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import BinaryIO, cast
from xml.etree import ElementTree

import fastexcel
import polars as pl

from hotspot_pipeline.raw.reading.tables import (
    BAD_LINES_SCHEMA,
    LINE_COLUMN,
    ReadLimits,
    SourceTable,
    UnreadableFile,
    empty_file,
    refuse_bad_names,
)
from hotspot_pipeline.raw.reading.unpacking import DELIVER_AGAIN, Content, refuse_bombs

_BLOCK_BYTES = 1024**2
_BYTES_PER_CELL = 32  # the reader lays the whole rectangle of used cells out in memory
_USED_CELL = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^>/]*>')
_DATE_TIME = r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)$"
_DAY_ZERO = ("1899-12-30", "1899-12-31")
_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}


def read_xlsx(content: Content, sheet: str | None, limits: ReadLimits) -> SourceTable:
    """The named sheet, or the first; raises `UnreadableFile`."""
    source = content.source
    data = None if content.path else content.all_bytes()
    with zipfile.ZipFile(io.BytesIO(data) if data is not None else str(content.path)) as archive:
        name = _checked_sheet(source, archive, sheet, limits)
    try:
        book = fastexcel.read_excel(data if data is not None else str(content.path))
        rows = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        batch, errors = rows.to_arrow_with_errors()
    except BaseException as error:
        # A panic of the Rust reader on a damaged workbook is no Exception, and no reason to stop.
        if isinstance(error, fastexcel.FastExcelError) or "Panic" in type(error).__name__:
            raise _damaged(source, str(error).splitlines()[0][:200]) from error
        raise
    table = cast(pl.DataFrame, pl.from_arrow(batch))
    columns = table.get_columns()
    in_error: dict[int, dict[int, str]] = {}
    for cell in errors.errors if errors else ():
        row, column = cell.position
        kind = re.search(r"Error\((\w+)\)", cell.detail)
        text = _ERRORS.get(kind.group(1), "#ERROR") if kind else "#ERROR"
        in_error.setdefault(column, {})[row] = text
    for column, cells in in_error.items():
        columns[column] = columns[column].scatter(list(cells), list(cells.values()))
    return _below_header(source, pl.DataFrame(columns), limits)


def _below_header(source: str, table: pl.DataFrame, limits: ReadLimits) -> SourceTable:
    if table.width == 0:
        raise empty_file(source)
    table = table.select(pl.when(pl.all() != "").then(pl.all()))
    table = table.with_row_index(LINE_COLUMN, offset=1).cast({LINE_COLUMN: pl.Int64})
    table = table.filter(pl.any_horizontal(pl.exclude(LINE_COLUMN).is_not_null()))
    if table.height == 0:
        raise empty_file(source)
    line, *header = table.row(0)
    while header and header[-1] is None:
        header.pop()
    names = [(name or "").strip() for name in header]
    refuse_bad_names(source, names, max_columns=limits.max_columns, line=line)
    data = table.slice(1)
    beyond = data.select(pl.nth(range(len(names) + 1, table.width)))
    is_too_wide = (
        beyond.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        if beyond.width
        else pl.repeat(False, data.height, eager=True)
    )
    bad_lines = data.filter(is_too_wide).select(
        line=pl.col(LINE_COLUMN),
        rule=pl.lit("too_many_fields"),
        message=pl.lit(f"it has cells beyond the {len(names)} columns of the header"),
    )
    good = data.filter(~is_too_wide)
    frame = pl.DataFrame(
        [_iso_dates(good.to_series(i + 1)).alias(name) for i, name in enumerate(names)]
        + [good.to_series(0)]
    )
    bad_lines = bad_lines.cast(BAD_LINES_SCHEMA)  # type: ignore[arg-type]
    return SourceTable(source, frame, bad_lines, "utf-8", None, data.height)


def _iso_dates(values: pl.Series) -> pl.Series:
    parts = values.str.extract_groups(_DATE_TIME).struct.unnest()
    days, times = parts.to_series(0), parts.to_series(1)
    if days.null_count() == len(days):
        return values
    if (times.drop_nulls() == "00:00:00").all():
        iso = days
    elif days.drop_nulls().is_in(_DAY_ZERO).all():
        iso = times
    else:
        iso = days + "T" + times
    return iso.fill_null(values)


def _checked_sheet(
    source: str, archive: zipfile.ZipFile, sheet: str | None, limits: ReadLimits
) -> str:
    """The sheet's name, after the whole archive was unpacked once within the limits."""
    members = archive.infolist()
    n_packed = sum(info.compress_size for info in members)
    refuse_bombs(source, limits, sum(info.file_size for info in members), n_packed)
    if any(info.flag_bits & 0x1 for info in members):
        raise _damaged(source, "parts of it are encrypted")
    parts = _sheet_parts(source, archive)
    name = sheet if sheet is not None else next(iter(parts), None)
    if name is None or name not in parts:
        raise UnreadableFile(
            source,
            "no_such_sheet",
            f"there is no sheet {name!r}; it has: {', '.join(parts) or 'none'}",
            "name one of these sheets in the feed's contract",
        )
    n_cells = 0
    for info in members:
        with archive.open(info) as stream:
            if info.filename == parts[name]:
                n_cells = _rectangle(cast(BinaryIO, stream))
            while stream.read(_BLOCK_BYTES):  # to its end: sizes and checksums are honest
                pass
    if n_cells * _BYTES_PER_CELL > limits.max_unpacked_bytes:
        raise UnreadableFile(
            source,
            "sheet_too_large",
            f"the used part of sheet {name!r} spans {n_cells:,} cells",
            "have stray cells far below or right of the table deleted, or deliver CSV",
        )
    return name


def _sheet_parts(source: str, archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet names in the workbook's order, each with the archive member that holds it."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError) as error:
        raise _damaged(source, "its list of sheets cannot be read") from error
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    parts = {}
    for sheet in book.findall("{*}sheets/{*}sheet"):
        link = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
        member = posixpath.normpath(posixpath.join("/xl", targets.get(link, "")))
        parts[sheet.get("name", "")] = member.lstrip("/")
    return parts


def _rectangle(stream: BinaryIO) -> int:
    """Rows times columns from A1 to the furthest cell that holds anything."""
    n_rows = n_columns = 0
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        rest += block
        cut = max(rest.rfind(b"<c "), len(rest) - _BLOCK_BYTES)
        cells = _USED_CELL.findall(rest[:cut])
        rest = rest[cut:]
        n_rows, n_columns = _furthest(cells, n_rows, n_columns)
    n_rows, n_columns = _furthest(_USED_CELL.findall(rest), n_rows, n_columns)
    return n_rows * n_columns


def _furthest(cells: list[tuple[bytes, bytes]], n_rows: int, n_columns: int) -> tuple[int, int]:
    for letters in {letters for letters, _ in cells}:
        number = 0
        for letter in letters:
            number = number * 26 + letter - ord("A") + 1
        n_columns = max(n_columns, number)
    return max([n_rows, *(int(row) for _, row in cells)]), n_columns


def _damaged(source: str, what: str) -> UnreadableFile:
    return UnreadableFile(source, "corrupt", f"the workbook is damaged: {what}", DELIVER_AGAIN)
