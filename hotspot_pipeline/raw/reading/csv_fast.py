"""The fast path: Arrow's CSV reader, where it can be proved to give what the careful path gives.

Here: one cheap look at the bytes (`survey`), one parse, and the sums that have to come out. When
any of them does not, the answer is None and `records` reads the file instead. Not here: anything
that can be wrong with a line.

The proof, for a reader that, as Arrow does, opens quotes only at the start of a field and closes
them once (the tests hold Arrow to it). Every record is on a line of its own: there are as many lines as records, and a record
takes at least one. Nothing was lost: the lengths of all values, the delimiters, the line ends and
the quotes add up to the bytes of the file; as *all* quotes are needed for that sum, none is part
of a value, so no quote was doubled or stood inside an unquoted field. Every quoted field is closed
properly: half of the quotes stand before a delimiter or a line end. (An opening quote could stand
there too, before a value that starts with the delimiter; then the sequence delimiter, quote,
delimiter occurs, and the file goes the careful way.)
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from hotspot_pipeline.raw.reading.tables import LINE_COLUMN

_ARROW_BLOCK_BYTES = 4 * 1024**2


@dataclass
class Survey:
    """Sums over the lines below the header (n_ in bytes or occurrences).

    `is_utf_8` is about every byte; the survey ends where it turns False. `is_plain` is False as
    soon as the fast path is out of the question for another reason (a NUL, a lone CR, a stretch
    without a line end); then the sums are not kept up.
    """

    is_utf_8: bool = True
    is_plain: bool = True
    n_bytes: int = 0
    n_lines: int = 0
    n_line_end_bytes: int = 0
    n_quotes: int = 0
    n_quotes_before_end: int = 0


def survey(stream: BinaryIO, delimiter: str, max_line_bytes: int) -> Survey:
    """Read `stream` (UTF-8 bytes, from the first line below the header) once, block by block."""
    sums = Survey(is_plain=delimiter.isascii())
    decoder = codecs.getincrementaldecoder("utf-8")()
    mark = delimiter.encode()
    # A line end in every block of half the limit: then no line is longer than the limit.
    block_bytes = max(1, min(1024**2, max_line_bytes // 2))
    unfinished = b""
    while block := stream.read(block_bytes):
        sums.n_bytes += len(block)
        sums.is_utf_8 = _is_utf_8(decoder, block)
        if not sums.is_utf_8:
            return sums
        if not sums.is_plain:
            continue
        cut = block.rfind(b"\n") + 1
        if cut:
            _add(sums, unfinished + block[:cut], mark)
            unfinished = block[cut:]
        else:
            unfinished += block
            sums.is_plain = sums.is_plain and len(unfinished) <= block_bytes
    sums.is_utf_8 = _is_utf_8(decoder, b"", final=True)
    if sums.is_plain and unfinished:
        _add(sums, unfinished, mark)
        sums.n_lines += 1
        sums.n_quotes_before_end += unfinished.endswith(b'"')
    return sums


def _is_utf_8(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    if block.isascii() and not final and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(block, final=final)
    except UnicodeDecodeError:
        return False
    return True


def _add(sums: Survey, whole_lines: bytes, mark: bytes) -> None:
    n_lf, n_cr = whole_lines.count(b"\n"), whole_lines.count(b"\r")
    if b"\0" in whole_lines or (n_cr and n_cr != whole_lines.count(b"\r\n")):
        sums.is_plain = False
        return
    sums.n_lines += n_lf
    sums.n_line_end_bytes += n_lf + n_cr
    n_quotes = whole_lines.count(b'"')
    if not n_quotes:
        return
    sums.n_quotes += n_quotes
    for end in (mark, b"\n", b"\r"):
        sums.n_quotes_before_end += whole_lines.count(b'"' + end)
    opens_before_mark = b'"' + mark
    if (
        whole_lines.startswith(opens_before_mark)
        or b"\n" + opens_before_mark in whole_lines
        or mark + opens_before_mark in whole_lines
    ):
        sums.is_plain = False


def read_clean(
    open_data: Callable[[], BinaryIO],
    sums: Survey,
    *,
    names: list[str],
    delimiter: str,
    first_line: int,
) -> pl.DataFrame | None:
    """The frame with `_line`, or None where the proof of this module fails.

    `open_data` opens the UTF-8 bytes below the header, `sums` is their survey.
    """
    if not (sums.is_utf_8 and sums.is_plain and sums.n_quotes == 2 * sums.n_quotes_before_end):
        return None
    if sums.n_bytes == 0:
        schema = {**dict.fromkeys(names, pl.String()), LINE_COLUMN: pl.Int64()}
        return pl.DataFrame(schema=schema)
    columns = [str(i) for i in range(len(names))]
    try:
        with open_data() as stream:
            table = pa_csv.read_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    column_names=columns, block_size=_ARROW_BLOCK_BYTES
                ),
                parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.large_string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                ),
            )
    except pa.ArrowException:  # some line has another number of fields
        return None
    n_value_bytes = sum(_n_value_bytes(chunk) for col in table.columns for chunk in col.chunks)
    n_delimiters = table.num_rows * (len(names) - 1)
    n_accounted = n_value_bytes + n_delimiters + sums.n_line_end_bytes + sums.n_quotes
    if table.num_rows != sums.n_lines or n_accounted != sums.n_bytes:
        return None
    frame = cast(pl.DataFrame, pl.from_arrow(table, rechunk=False))
    frame.columns = names
    lines = pl.int_range(first_line, first_line + frame.height, dtype=pl.Int64, eager=True)
    return frame.with_columns(lines.alias(LINE_COLUMN))


def _n_value_bytes(chunk: pa.Array) -> int:
    offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int64)
    return int(offsets[chunk.offset + len(chunk)] - offsets[chunk.offset])
