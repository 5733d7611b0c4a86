"""A delivered file with officers and devices in it: read, pseudonymised, and kept as Parquet in its place.

Here: from a delivered file to a pseudonymised one that is proved to hold the same, and the deletion of the first. Not here: the
keys (`pseudonyms/`), reading (`reading/`), what the columns mean (`validated/`), the books (`assets.py`).

A plain identifier is in memory for as long as one piece of the file is, and nowhere else: what leaves this module are
pseudonyms. The Parquet is written aside, flushed to the disk, read again and compared (rows, and a hash of every column that
knows their order), and only then gets its name. The delivered file is deleted once the books have it (`delete_delivered`), so a
crash at any moment leaves the one or the other whole. A file of which a part cannot be read is refused whole and stays where it
is: what is deleted must have been taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hotspot_pipeline.durable import flush
from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.feeds.timestamps import read_timestamps
from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError
from hotspot_pipeline.pseudonyms.yearly import YearlyKeys
from hotspot_pipeline.raw.landing import LandedFile
from hotspot_pipeline.raw.reading import SourceTable, UnreadableFile, read_pieces
from hotspot_pipeline.raw.rows import conformed_rows, missing_columns, source_name
from hotspot_pipeline.timebase import PoliceTime

NEXT_YEAR = "_next_year"
# a year before this is a clock gone wrong, and no reason to make a key
FIRST_KEY_YEAR = 2000
_ROWS_PER_GROUP = 131_072
_ODD = np.uint64(2)


class SealingError(RuntimeError):
    """The Parquet could not be written, or read back is not what was written: nothing was deleted, nothing of it may be used."""


@dataclass
class SealedFile:
    """What a file held. `refusal`: why nothing was taken of it. `sources`: rows, bad lines and encoding by source (the file, or each
    member of an archive)."""

    path: Path
    n_rows: int = 0
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    unreadable: list[pl.DataFrame] = field(default_factory=list)
    extra: set[str] = field(default_factory=set)
    refusal: UnreadableFile | None = None


@dataclass(frozen=True)
class Sealer:
    """`police_time` is the force's; `keys` give a year's key."""

    contract: FeedContract
    keys: YearlyKeys
    police_time: PoliceTime

    def seal(self, landed: LandedFile, extract_ts_utc: datetime, target: Path) -> SealedFile:
        """Writes the pseudonymised Parquet of a delivered file to `target`, all columns of the contract as text beside `source_file`
        and `line_no`. Raises PseudonymKeyError, SealingError."""
        found = SealedFile(target)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = target.with_name(target.name + ".part")
        names = (*self.contract.column_names, "source_file", "line_no")
        sums = ColumnSums(names)
        try:
            with pq.ParquetWriter(aside, _schema(names), compression="zstd") as writer:
                for frame in self._frames(landed, extract_ts_utc, found):
                    sums.add(frame)
                    writer.write_table(
                        frame.select(names).to_arrow().cast(_schema(names)), _ROWS_PER_GROUP
                    )
            if found.refusal is None:
                flush(aside)
                verify(aside, sums)
                aside.chmod(0o400)
                aside.replace(target)
                flush(target.parent)
                found.n_rows = sums.n_rows
        except (PseudonymKeyError, SealingError, OSError):
            raise
        except Exception as error:  # its words may be a row's: only its kind is passed on
            raise SealingError(
                f"{landed.name}: {type(error).__name__} while it was pseudonymised; the file stands. A fault of this software: "
                "keep the file, report it"
            ) from None
        finally:
            aside.unlink(missing_ok=True)
        return found

    def pseudonymised(self, rows: pl.DataFrame, extract_ts_utc: datetime) -> pl.DataFrame:
        """The rows with pseudonyms for identifiers. The year is that of the police day; a row without a usable time has the
        extract's (it is refused at the gate, and still must not say who it was)."""
        contract = self.contract
        until = contract.pseudonym_until
        days = self._police_days(rows, [contract.pseudonym_time, *([until] if until else [])])
        fallback = extract_ts_utc.year
        year = pl.col(contract.pseudonym_time).dt.year()
        usable = year.is_between(FIRST_KEY_YEAR, fallback + 1)
        years = days.select(
            pl.when(usable).then(year).otherwise(fallback).cast(pl.Int32).alias("year"),
            _reaches_over(contract.pseudonym_time, until).alias("reaches_over")
            if until
            else pl.lit(False).alias("reaches_over"),
        )
        columns = []
        for column in contract.columns:
            if not column.identifier or column.name.endswith(NEXT_YEAR):
                continue
            given = rows[column.name]
            is_list = column.type == "codes"
            columns.append(self.keys.pseudonyms(given, years["year"], is_list=is_list))
            later = column.name + NEXT_YEAR
            if later in contract.column_names:
                next_year = years.select(pl.when("reaches_over").then(pl.col("year") + 1))
                columns.append(
                    self.keys.pseudonyms(given, next_year.to_series(), is_list=is_list).alias(later)
                )
        return rows.with_columns(columns)

    def _police_days(self, rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
        contract = self.contract
        texts = rows.select(pl.col(name).str.strip_chars() for name in names)
        times = read_timestamps(texts, contract.timestamp_formats).select(names)
        zone = contract.time_zone
        feed = self.police_time if zone == "force" else PoliceTime(zone)
        return times.select(
            self.police_time.police_day(feed.to_utc(pl.col(name))).alias(name) for name in names
        )

    def _frames(
        self, landed: LandedFile, extract_ts_utc: datetime, found: SealedFile
    ) -> Iterator[pl.DataFrame]:
        for piece in _pieces(landed, self.contract):
            if isinstance(piece, UnreadableFile):
                found.refusal = piece
                return
            source = source_name(landed.name, piece.source)
            match = self.contract.resolve_header([c for c in piece.frame.columns if c != "_line"])
            if match.missing:
                rule, reason = missing_columns(self.contract, match.missing)
                found.refusal = UnreadableFile(piece.source, rule, reason, "", line=1)
                return
            found.extra.update(match.extra)
            rows = conformed_rows(piece, match.found, self.contract, source)
            booked = found.sources.setdefault(
                source, {"encoding": piece.encoding, "n_records": 0, "n_rows": 0, "n_unreadable": 0}
            )
            booked["n_records"] += piece.n_records
            booked["n_rows"] += rows.height
            booked["n_unreadable"] += piece.bad_lines.height
            if piece.bad_lines.height:
                found.unreadable.append(
                    piece.bad_lines.with_columns(pl.lit(source).alias("source_file"))
                )
            yield self.pseudonymised(rows, extract_ts_utc)


class ColumnSums:
    """A sum over each column that depends on every value and on its place. Comparable within one process."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.n_rows = 0
        self.sums = dict.fromkeys(names, 0)

    def add(self, frame: pl.DataFrame) -> None:
        places = np.arange(self.n_rows, self.n_rows + frame.height, dtype=np.uint64) * _ODD + 1
        for name in self.sums:
            mixed = frame[name].hash(seed=0).to_numpy() * places
            self.sums[name] = (self.sums[name] + int(mixed.sum(dtype=np.uint64))) % 2**64
        self.n_rows += frame.height


def verify(path: Path, written: ColumnSums) -> None:
    """Reads the file again; raises SealingError where rows or a column differ from what was written."""
    found = ColumnSums(tuple(written.sums))
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_PER_GROUP):
            found.add(pl.DataFrame(pa.Table.from_batches([batch])))
    wrong = [name for name, total in written.sums.items() if found.sums[name] != total]
    if found.n_rows != written.n_rows or wrong:
        raise SealingError(
            f"{path.name}: {written.n_rows} rows written, {found.n_rows} read back, other values in "
            f"{', '.join(wrong) or 'no column'}; the delivered file stands. Check the disk, then run again"
        )


def delete_delivered(file: LandedFile) -> None:
    """Deletes a delivered file that the books have, and its marker."""
    file.path.unlink(missing_ok=True)
    file.path.with_name(file.path.name + ".done").unlink(missing_ok=True)


def _reaches_over(start: str, end: str) -> pl.Expr:
    """Does the row reach into a later police year than it begins in? One without an end may, from 31 December."""
    is_last = (pl.col(start).dt.month() == 12) & (pl.col(start).dt.day() == 31)
    return (
        pl.when(pl.col(end).is_null())
        .then(is_last)
        .otherwise(pl.col(end).dt.year() > pl.col(start).dt.year())
        .fill_null(False)
    )


def _pieces(landed: LandedFile, contract: FeedContract) -> Iterator[SourceTable | UnreadableFile]:
    wanted = contract.delivery.members
    return read_pieces(
        landed.path,
        columns_expected=[n for c in contract.columns if c.in_header for n in (c.name, *c.aliases)],
        delimiter=contract.delivery.delimiter,
        encodings=contract.delivery.encodings,
        sheet=contract.delivery.sheet,
        members=(lambda name: re.search(wanted, name) is not None) if wanted else None,
    )


def _schema(names: tuple[str, ...]) -> pa.Schema:
    return pa.schema([(n, pa.int64() if n == "line_no" else pa.large_string()) for n in names])
