"""Parquet as text: every column in a form from which its value can be had back.

Here: reading and the text of each type. Not here: what the columns mean.

integers, decimals   their digits
floats               the shortest text that gives the same float back (`0.1`, `1e30`, `NaN`, `inf`)
booleans             `true`, `false`
dates, times         `2025-01-31`, `23:59:01.5`
timestamps           `2025-01-31T23:59:01`, a fraction only where there is one; with a time zone its
                     offset follows (`+01:00`)
durations            ISO 8601 (`PT1H30M`)
binary               as UTF-8 text, or the file is refused
lists, structs       the file is refused
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hotspot_pipeline.raw.reading.tables import (
    LINE_COLUMN,
    ReadLimits,
    SourceTable,
    UnreadableFile,
    no_bad_lines,
    refuse_bad_names,
)
from hotspot_pipeline.raw.reading.unpacking import DELIVER_AGAIN, Content, refuse_bombs

_MAGIC = b"PAR1"
_ROWS_PER_BATCH = 65_536


def read_parquet(content: Content, limits: ReadLimits) -> SourceTable:
    """The table in a Parquet file; raises `UnreadableFile`."""
    frame = pl.concat(parquet_batches(content, limits), rechunk=False)
    frame = frame.with_columns(
        pl.int_range(2, frame.height + 2, dtype=pl.Int64, eager=True).alias(LINE_COLUMN)
    )
    return SourceTable(content.source, frame, no_bad_lines(), "utf-8", None, frame.height)


def parquet_batches(content: Content, limits: ReadLimits) -> Iterator[pl.DataFrame]:
    """The columns as text, in batches, the first of them without a row; raises `UnreadableFile`."""
    source = content.source
    try:
        given = (
            pa.OSFile(str(content.path)) if content.path else pa.BufferReader(content.all_bytes())
        )
        _refuse_cut_off(source, given)
        with pq.ParquetFile(given) as file:
            yield from _read(source, file, limits)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's word, not the file's
        raise UnreadableFile(
            source, "corrupt", f"the Parquet data are damaged: {_one_line(error)}", DELIVER_AGAIN
        ) from error


def _refuse_cut_off(source: str, given: pa.NativeFile) -> None:
    given.seek(max(0, given.size() - len(_MAGIC)))
    if given.read() != _MAGIC:
        raise UnreadableFile(
            source, "truncated", "it is cut off: Parquet ends with its index", DELIVER_AGAIN
        )
    given.seek(0)


def _read(source: str, file: pq.ParquetFile, limits: ReadLimits) -> Iterator[pl.DataFrame]:
    names = [name.strip() for name in file.schema_arrow.names]
    refuse_bad_names(source, names, max_columns=limits.max_columns)
    for field in file.schema_arrow:
        if pa.types.is_nested(field.type):
            raise UnreadableFile(
                source,
                "nested_column",
                f"column {field.name!r} holds {field.type}, not single values",
                "have the column split into plain columns, or left out",
            )
    # One value repeated a billion times packs into nothing; as text each takes a byte at least.
    meta = file.metadata
    n_stored = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    refuse_bombs(source, limits, max(n_stored, meta.num_rows * meta.num_columns))
    yield pl.DataFrame(schema=dict.fromkeys(names, pl.String()))
    for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
        yield pl.DataFrame(
            [
                _as_text(source, name, pl.Series(values=batch.column(i)))
                for i, name in enumerate(names)
            ]
        )


def _as_text(source: str, name: str, values: pl.Series) -> pl.Series:
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        text = values.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if dtype.time_zone else ""))
    elif dtype == pl.Date:
        text = values.dt.to_string("%Y-%m-%d")
    elif dtype == pl.Time:
        text = values.dt.to_string("%H:%M:%S%.f")
    elif dtype == pl.Duration:
        text = values.dt.to_string("iso")
    else:
        try:
            text = values.cast(pl.String)
        except pl.exceptions.PolarsError as error:
            raise UnreadableFile(
                source,
                "unsupported_type",
                f"column {name!r} is {dtype}, which cannot be read as text",
                "have the column written as text, number, date or timestamp",
            ) from error
    return text.set(text == "", None).alias(name)


def _one_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
