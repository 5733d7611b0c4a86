"""From waiting files to raw rows: read every file of an extract, resolve its header, account for every record.

Pure: files in, frames out. Not here: which files wait (`landing.py`), the readers (`reading/`), writing (`assets.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.raw.landing import LandedFile, WaitingExtract
from hotspot_pipeline.raw.reading import SourceTable, UnreadableFile, read_file

# a delivery may be named by a clock that goes ahead or by another time zone
CLOCK_SLACK = timedelta(days=1)


@dataclass(frozen=True)
class Account:
    """What is remembered of an extract once its rows are stored: rows of `raw.extracts` and `raw.extract_files`."""

    extract: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...]

    @property
    def refusals(self) -> list[Mapping[str, Any]]:
        return [f for f in self.files if f["status"] == "refused"]


@dataclass(frozen=True)
class Intake:
    """One extract, read: its account, its rows and the records that were no rows."""

    account: Account
    rows: pl.DataFrame
    unreadable: pl.DataFrame


def read_extract(waiting: WaitingExtract, *, received_at_utc: datetime, run_id: str) -> Intake:
    """Reads an extract's files; a file that cannot be used is refused with its reason, the others go on."""
    contract = waiting.contract
    frames: list[pl.DataFrame] = []
    bad: list[pl.DataFrame] = []
    files: list[dict[str, Any]] = []
    extra: set[str] = set()
    if waiting.extract_ts_utc > received_at_utc + CLOCK_SLACK:
        # it would stand before every later delivery until that day comes
        reason = (
            f"its name says it was taken at {waiting.extract_ts_utc:%Y-%m-%d %H:%M} UTC, which is still to come; "
            "correct the time in the file's name"
        )
        files = [
            _file_row(waiting, landed)
            | {"status": "refused", "rule": "taken_in_future", "reason": reason}
            for landed in waiting.files
        ]
    for landed in waiting.files if not files else ():
        for item in _read(landed, contract):
            row = _file_row(waiting, landed)
            files.append(row)
            if isinstance(item, SourceTable):
                row["source_file"] = landed.name + _member(item.source)
                row["encoding"] = item.encoding
                match = contract.resolve_header([c for c in item.frame.columns if c != "_line"])
                if match.missing:
                    wanted = contract.column(match.missing[0])
                    names = ", ".join((wanted.name, *wanted.aliases))
                    row.update(
                        status="refused",
                        rule="missing_column",
                        line_no=1,
                        reason=f"no column {', '.join(match.missing)}; header names known for {wanted.name}: {names}. "
                        f"Map your own name in force.yml under feeds.{contract.feed}.columns",
                    )
                    continue
                extra.update(match.extra)
                frame = _conformed(item, match.found, contract, row["source_file"])
                frames.append(frame)
                bad.append(
                    item.bad_lines.with_columns(pl.lit(row["source_file"]).alias("source_file"))
                )
                row.update(
                    n_records=item.n_records,
                    n_rows=frame.height,
                    n_unreadable=item.bad_lines.height,
                )
            else:
                row.update(
                    source_file=landed.name + _member(str(item.source)),
                    status="refused",
                    rule=item.rule,
                    line_no=item.line,
                    reason=f"{item.message}; {item.hint}" if item.hint else item.message,
                )
    rows = pl.concat(frames) if frames else _empty(contract)
    unreadable = _unreadable(bad, waiting.extract_id)
    refused = [f for f in files if f["status"] == "refused"]
    status = "refused" if files and len(refused) == len(files) else "loaded"
    extract = {
        "extract_id": waiting.extract_id,
        "feed": contract.feed,
        "table_name": contract.table,
        "kind": waiting.kind,
        "release": waiting.release,
        "extract_ts_utc": waiting.extract_ts_utc.replace(tzinfo=None),
        "received_at_utc": received_at_utc.replace(tzinfo=None),
        "sha256": waiting.sha256,
        "n_files": len(waiting.files),
        "n_bytes": sum(f.n_bytes for f in waiting.files),
        "status": status,
        "reason": "; ".join(f"{f['source_file']}: {f['reason']}" for f in refused) or None,
        "n_records": rows.height + unreadable.height,
        "n_rows": rows.height,
        "n_unreadable": unreadable.height,
        "extra_columns": ", ".join(sorted(extra)) or None,
        "contract_fingerprint": contract.fingerprint,
        "retention_months": contract.retention_months,
        "run_id": run_id,
    }
    return Intake(
        Account(extract, tuple(files)),
        rows.with_columns(pl.lit(waiting.extract_id).alias("extract_id")),
        unreadable,
    )


def duplicate_row(file: LandedFile, contract: FeedContract, extract_id: str) -> dict[str, Any]:
    """A row of `raw.extract_files` for a file whose bytes came before, in `extract_id`."""
    row = _blank_file_row(extract_id, contract, file)
    row.update(
        status="duplicate",
        reason=f"the same bytes came before, in extract {extract_id}; nothing was taken twice",
    )
    return row


def _read(landed: LandedFile, contract: FeedContract) -> Iterable[SourceTable | UnreadableFile]:
    wanted = contract.delivery.members
    return read_file(
        landed.path,
        columns_expected=[
            name for c in contract.columns if c.in_header for name in (c.name, *c.aliases)
        ],
        delimiter=contract.delivery.delimiter,
        encodings=contract.delivery.encodings,
        sheet=contract.delivery.sheet,
        members=(lambda name: re.search(wanted, name) is not None) if wanted else None,
    )


def _member(source: str) -> str:
    """`!member` of a source inside an archive, else nothing."""
    _, bang, member = source.partition("!")
    return bang + member


def _conformed(
    item: SourceTable, found: Mapping[str, str], contract: FeedContract, source_file: str
) -> pl.DataFrame:
    columns = [
        pl.col(found[c.name]).alias(c.name)
        if c.name in found
        else pl.lit(contract.constants.get(c.name), dtype=pl.String).alias(c.name)
        for c in contract.columns
    ]
    frame = item.frame.select(
        *columns, pl.col("_line").alias("line_no"), pl.lit(source_file).alias("source_file")
    )
    # a constant also fills what a column leaves empty
    filled = [pl.col(n).fill_null(v) for n, v in contract.constants.items() if n in found]
    return frame.with_columns(filled) if filled else frame


def _empty(contract: FeedContract) -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            **dict.fromkeys(contract.column_names, pl.String),
            "line_no": pl.Int64,
            "source_file": pl.String,
        }
    )


def _unreadable(bad: list[pl.DataFrame], extract_id: str) -> pl.DataFrame:
    schema = {
        "source_file": pl.String,
        "line_no": pl.Int64,
        "rule": pl.String,
        "message": pl.String,
    }
    frame = (
        pl.concat(bad).rename({"line": "line_no"}).select(schema.keys())
        if bad
        else pl.DataFrame(schema=schema)
    )
    return frame.with_columns(pl.lit(extract_id).alias("extract_id"))


def _file_row(waiting: WaitingExtract, landed: LandedFile) -> dict[str, Any]:
    return _blank_file_row(waiting.extract_id, waiting.contract, landed)


def _blank_file_row(extract_id: str, contract: FeedContract, landed: LandedFile) -> dict[str, Any]:
    return {
        "extract_id": extract_id,
        "feed": contract.feed,
        "source_file": landed.name,
        "path": landed.name,
        "sha256": landed.sha256,
        "n_bytes": landed.n_bytes,
        "modified_ns": landed.modified_ns,
        "status": "loaded",
        "rule": None,
        "line_no": None,
        "reason": None,
        "encoding": None,
        "n_records": 0,
        "n_rows": 0,
        "n_unreadable": 0,
        "contract_fingerprint": contract.fingerprint,
    }
