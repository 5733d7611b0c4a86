"""One Parquet file a police day: its fixes once each, in one order, the same bytes whatever came in which order.

Here: duplicates, order, writing, and what is counted of a day. Not here: which day stands in which file (`ledger.py`).

Two fixes are the same where all is the same but how they came: when the vendor had it, extract and line. Of those the one
that the vendor had first stays, then the first by extract and line; so the day depends on the set of fixes alone. A file is
named by its content and written aside, so a file that has its name is whole. Days too large to be sorted at once are sorted device by
device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hotspot_pipeline.validated.pings.rows import STORED
from hotspot_pipeline.validated.pings.summary import MAX_HDOP

ROWS_PER_GROUP = 131_072
ROWS_AT_ONCE = 2_000_000
_ARRIVAL = ("received_ts_utc", "extract_id", "member", "line_no")
CONTENT = tuple(name for name in STORED if name not in _ARRIVAL)
_HEX = "0123456789abcdef"
_ARROW = {
    pl.String(): pa.large_string(),
    pl.Datetime("us"): pa.timestamp("us"),
    pl.Float64(): pa.float64(),
    pl.Float32(): pa.float32(),
    pl.Int64(): pa.int64(),
}
SCHEMA = pa.schema([(name, _ARROW[dtype]) for name, dtype in STORED.items()])


@dataclass(frozen=True)
class DayFile:
    """A written day. `by_extract`: `extract_id`, `n_stored`. `by_device`: see `device_days`."""

    police_day: date
    path: Path
    sha256: str
    n_bytes: int
    n_fixes: int
    n_late: int
    first_fix_utc: datetime | None
    last_fix_utc: datetime | None
    by_extract: pl.DataFrame
    by_device: pl.DataFrame


def arranged(fixes: pl.DataFrame) -> pl.DataFrame:
    """Each fix once, by device and time; the order is total, so equal sets of fixes give equal frames."""
    order = [
        "device_pid",
        "fix_ts_utc",
        *(n for n in CONTENT if n not in ("device_pid", "fix_ts_utc")),
    ]
    return (
        fixes.select(list(STORED))
        .sort([*order, *_ARRIVAL], nulls_last=True)
        .unique(CONTENT, keep="first", maintain_order=True)
    )


def write_day(
    day: date,
    day_end_utc: datetime,
    sources: Sequence[Path],
    folder: Path,
    *,
    rows_at_once: int = ROWS_AT_ONCE,
) -> DayFile:
    """Writes the fixes of the source files, which hold this day only, as one file below `folder`. `day_end_utc`: a fix that the
    vendor had from then on is late."""
    aside = folder / f".writing.{day}.parquet"
    aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    by_extract, by_device = [], []
    n_late = 0
    with pq.ParquetWriter(aside, SCHEMA, compression="zstd", compression_level=3) as writer:
        rest = pl.DataFrame(schema=STORED)
        for fixes in _by_device(sources, rows_at_once):
            # row groups of one size, wherever the day was divided
            rest = pl.concat([rest, fixes])
            n_whole = rest.height // ROWS_PER_GROUP * ROWS_PER_GROUP
            _write(writer, rest[:n_whole])
            rest = rest[n_whole:]
            n_late += int((fixes["received_ts_utc"] >= day_end_utc).sum())
            by_extract.append(
                fixes.group_by("extract_id").agg(pl.len().cast(pl.Int64).alias("n_stored"))
            )
            by_device.append(device_days(fixes))
        _write(writer, rest)
    with aside.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    path = folder / f"pings_{day}_{sha256[:16]}.parquet"
    n_bytes = aside.stat().st_size
    aside.chmod(0o600)
    aside.replace(path)
    devices = pl.concat(by_device)
    return DayFile(
        day,
        path,
        sha256,
        n_bytes,
        int(devices["n_fixes"].sum()),
        n_late,
        devices["first_fix_utc"].min(),  # type: ignore[arg-type]
        devices["last_fix_utc"].max(),  # type: ignore[arg-type]
        pl.concat(by_extract)
        .group_by("extract_id")
        .agg(pl.col("n_stored").sum())
        .sort("extract_id"),
        devices,
    )


def _write(writer: pq.ParquetWriter, fixes: pl.DataFrame) -> None:
    for part in fixes.iter_slices(ROWS_PER_GROUP):
        writer.write_table(part.to_arrow().cast(SCHEMA), row_group_size=ROWS_PER_GROUP)


def _by_device(sources: Sequence[Path], rows_at_once: int) -> Iterator[pl.DataFrame]:
    """The arranged fixes, whole or in parts by the first digits of the device, in their order."""
    n_rows = sum(pq.read_metadata(path).num_rows for path in sources)
    n_digits = 0
    while n_rows > rows_at_once * 16**n_digits and n_digits < 2:
        n_digits += 1
    # files of one schema, read one by one: a scan of them all would hold as many row groups as there are files
    for prefix in _prefixes(n_digits):
        parts = [
            pl.scan_parquet(path).filter(pl.col("device_pid").str.starts_with(prefix)).collect()
            if prefix
            else pl.read_parquet(path)
            for path in sources
        ]
        fixes = arranged(pl.concat(parts) if parts else pl.DataFrame(schema=STORED))
        del parts  # the unsorted copy
        if fixes.height or not prefix:
            yield fixes


def _prefixes(n_digits: int) -> list[str]:
    found = [""]
    for _ in range(n_digits):
        found = [before + digit for before in found for digit in _HEX]
    return found


def device_days(fixes: pl.DataFrame) -> pl.DataFrame:
    """`device_pid`, `device_type`, `n_fixes`, `first_fix_utc`, `last_fix_utc`, `median_interval_ms` (null for one fix),
    `n_poor` (a position repeated, or `hdop` over 6); by device. `fixes` as `arranged` gives them."""
    interval = pl.col("fix_ts_utc").diff().dt.total_milliseconds()
    poor = (pl.col("fix_type") == "last_known").fill_null(False) | (pl.col("hdop") > MAX_HDOP).fill_null(False)  # fmt: skip
    return fixes.group_by("device_pid", maintain_order=True).agg(
        pl.col("device_type").drop_nulls().first(),
        pl.len().cast(pl.Int64).alias("n_fixes"),
        pl.col("fix_ts_utc").min().alias("first_fix_utc"),
        pl.col("fix_ts_utc").max().alias("last_fix_utc"),
        # the lower of two middle values: an interval that was there
        interval.quantile(0.5, interpolation="lower").cast(pl.Int64).alias("median_interval_ms"),
        poor.sum().cast(pl.Int64).alias("n_poor"),
    )
