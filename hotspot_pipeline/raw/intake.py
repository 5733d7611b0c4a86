"""From waiting files to raw rows: read every file of an extract, resolve its header, account for every record.

Pure: files in, frames out. Not here: which files wait (`landing.py`), the readers (`reading/`), writing (`assets.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FILE_TABLES, FeedContract
from hotspot_pipeline.raw.landing import LandedFile, WaitingExtract
from hotspot_pipeline.raw.reading import SourceTable, UnreadableFile, read_file
from hotspot_pipeline.raw.rows import conformed_rows, missing_columns, source_name
from hotspot_pipeline.raw.sealing import Sealer

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
    if _is_from_the_future(waiting, received_at_utc):
        files = [_file_row(waiting, landed) | _from_the_future(waiting) for landed in waiting.files]
    for landed in waiting.files if not files else ():
        for item in _read(landed, contract):
            row = _file_row(waiting, landed)
            files.append(row)
            if isinstance(item, SourceTable):
                row["source_file"] = source_name(landed.name, item.source)
                row["encoding"] = item.encoding
                match = contract.resolve_header([c for c in item.frame.columns if c != "_line"])
                if match.missing:
                    rule, reason = missing_columns(contract, match.missing)
                    row.update(status="refused", rule=rule, line_no=1, reason=reason)
                    continue
                extra.update(match.extra)
                frame = conformed_rows(item, match.found, contract, row["source_file"])
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
                row.update(source_file=source_name(landed.name, str(item.source)), **_refused(item))
    rows = pl.concat(frames) if frames else _empty(contract)
    return _intake(waiting, rows, rows.height, bad, files, extra, received_at_utc, run_id)


def seal_extract(
    waiting: WaitingExtract,
    sealer: Sealer,
    target: Path,
    *,
    received_at_utc: datetime,
    run_id: str,
) -> Intake:
    """Takes an extract of a feed with officers and devices in: its one file becomes the pseudonymised `target`. The rows are given
    only where a table is to hold them. Raises PseudonymKeyError, SealingError."""
    contract, (landed,) = waiting.contract, waiting.files
    row = _file_row(waiting, landed)
    if _is_from_the_future(waiting, received_at_utc):
        files = [row | _from_the_future(waiting)]
        return _intake(waiting, _empty(contract), 0, [], files, set(), received_at_utc, run_id)
    found = sealer.seal(landed, waiting.extract_ts_utc, target)
    if found.refusal:
        source = source_name(landed.name, found.refusal.source)
        files = [row | {"source_file": source} | _refused(found.refusal)]
        return _intake(waiting, _empty(contract), 0, [], files, set(), received_at_utc, run_id)
    files = [row | {"source_file": source} | account for source, account in found.sources.items()]
    rows = _empty(contract)
    if contract.table not in FILE_TABLES:
        rows = pl.read_parquet(target).select(rows.columns)
    return _intake(
        waiting, rows, found.n_rows, found.unreadable, files, found.extra, received_at_utc, run_id
    )


def _is_from_the_future(waiting: WaitingExtract, received_at_utc: datetime) -> bool:
    """It would stand before every later delivery until that day comes."""
    return waiting.extract_ts_utc > received_at_utc + CLOCK_SLACK


def _from_the_future(waiting: WaitingExtract) -> dict[str, Any]:
    return {
        "status": "refused",
        "rule": "taken_in_future",
        "reason": f"its name says it was taken at {waiting.extract_ts_utc:%Y-%m-%d %H:%M} UTC, which is still to come; "
        "correct the time in the file's name",
    }


def _refused(item: UnreadableFile) -> dict[str, Any]:
    return {
        "status": "refused",
        "rule": item.rule,
        "line_no": item.line,
        "reason": f"{item.message}; {item.hint}" if item.hint else item.message,
    }


def _intake(
    waiting: WaitingExtract,
    rows: pl.DataFrame,
    n_rows: int,
    bad: list[pl.DataFrame],
    files: list[dict[str, Any]],
    extra: set[str],
    received_at_utc: datetime,
    run_id: str,
) -> Intake:
    contract = waiting.contract
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
        "n_records": n_rows + unreadable.height,
        "n_rows": n_rows,
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
