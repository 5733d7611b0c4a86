"""Waiting extracts into the raw tables: every feed, oldest first, one transaction an extract.

Here: what was seen before, what is stored, what is deleted when. Not here: reading and header rules (`intake.py`), the pseudonymised
files (`sealing.py`), how it shows in Dagster (`assets.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FILE_TABLES, FeedContract
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError
from hotspot_pipeline.pseudonyms.yearly import YearlyKeys
from hotspot_pipeline.raw import archive, full_runs, key_register, landing
from hotspot_pipeline.raw.intake import Account, Intake, duplicate_row, read_extract, seal_extract
from hotspot_pipeline.raw.sealing import Sealer, delete_delivered
from hotspot_pipeline.warehouse.session import Session

BOOKS = (
    "raw.extracts",
    "raw.extract_files",
    "raw.unreadable_lines",
    "raw.decisions",
    "raw.full_runs",
    "raw.pseudonym_keys",
)


@dataclass
class Taken:
    """What one run took in: accounts as booked, and what it could not take."""

    intakes: list[Account] = field(default_factory=list)
    duplicates: int = 0
    growing: list[str] = field(default_factory=list)
    missing_folders: list[str] = field(default_factory=list)
    key_faults: list[str] = field(default_factory=list)


def purge_withdrawn(session: Session, tables: list[str]) -> None:
    """Takes the rows of withdrawn extracts out of every table of rows, but for those that stand in another full extract."""
    if not session.value("select count(*) from raw.decisions where decision = 'withdrawn'"):
        return
    for table in tables:
        if table not in BOOKS:
            session.execute(full_runs.PURGE.format(table=table))


def take_all(shop: Workshop, session: Session, run_id: str, log: logging.Logger) -> Taken:
    """Every waiting extract of every feed, in order, one transaction an extract."""
    taken = Taken()
    clock = shop.police_time
    keys = key_register.keys_of(session, shop.force.keys)
    for feed, contract in contracts_of(shop.force).items():
        folder = shop.force.landing(feed)
        if not folder.is_dir():
            taken.missing_folders.append(f"{feed}: {folder} does not exist")
            continue
        files, growing = landing.landed_files(folder, contract)
        taken.growing += [f"{feed}/{f.name}" for f in growing]
        known = _known_files(session, contract)
        # a file that may be deleted for what it holds is looked into, whatever it is called
        looks = () if contract.is_sealed else known.by_look
        hashed = landing.hashed(files, {(n, b, m): sha for n, b, m, sha in looks})
        new, repeated = landing.unseen(hashed, set(known.extract_of))
        waiting = landing.extracts_of(new, folder, contract, clock)
        for number, extract in enumerate(waiting, 1):
            received_at_utc = datetime.now(UTC)
            if contract.is_sealed:
                sealer = Sealer(contract, keys, clock)
                target = archive.sealed_path(shop.force.archive, feed, extract.files[0])
                try:
                    intake = seal_extract(
                        extract,
                        sealer,
                        target,
                        received_at_utc=received_at_utc,
                        run_id=run_id,
                    )
                except PseudonymKeyError as error:
                    taken.key_faults.append(f"{feed}: {extract.files[0].name}: {error}")
                    log.error(f"{taken.key_faults[-1]}; the file waits where it is")
                    continue
            else:
                for file in extract.files:
                    archive.keep(shop.force.archive, feed, file)
                intake = read_extract(extract, received_at_utc=received_at_utc, run_id=run_id)
            booked = store(shop, session, contract, intake, keys)
            if contract.is_sealed and booked.extract["status"] == "loaded":
                delete_delivered(extract.files[0])
            taken.intakes.append(booked)
            log.info(
                f"{feed}: extract {number} of {len(waiting)}: {extract.extract_id}: {booked.extract['status']}, "
                f"{booked.extract['n_rows']} rows ({booked.extract['n_repeated']} stand already), "
                f"{booked.extract['n_unreadable']} unreadable"
            )
            for refused in booked.refusals:
                log.warning(
                    f"{feed}: {refused['source_file']}: refused ({refused['rule']}): {refused['reason']}"
                )
        taken.duplicates += _note_repeats(shop, session, contract, repeated, known)
        if contract.is_sealed:
            _delete_taken(session, repeated)
    return taken


@dataclass(frozen=True)
class _Known:
    by_look: list[tuple[str, int, int, str]]
    extract_of: Mapping[str, str]


def _known_files(session: Session, contract: FeedContract) -> _Known:
    """Files seen before; a refused one is tried again once the contract has changed."""
    rows = session.frame(
        "select path, n_bytes, modified_ns, sha256, extract_id, status, contract_fingerprint "
        "from raw.extract_files where feed = $feed",
        {"feed": contract.feed},
    )
    settled = rows.filter(
        (pl.col("status") != "refused") | (pl.col("contract_fingerprint") == contract.fingerprint)
    )
    return _Known(
        list(rows.select("path", "n_bytes", "modified_ns", "sha256").iter_rows()),
        dict(
            settled.filter(pl.col("status") != "duplicate")
            .select("sha256", "extract_id")
            .iter_rows()
        ),
    )


def store(
    shop: Workshop,
    session: Session,
    contract: FeedContract,
    intake: Intake,
    keys: YearlyKeys | None = None,
) -> Account:
    """Rows and books in one transaction; of a full extract only the rows that do not stand yet. Returns the account as booked."""
    extract, rows = dict(intake.account.extract), intake.rows
    with session.transaction():
        for book in ("raw.extracts", "raw.extract_files"):  # an earlier refusal of the same bytes
            session.execute(
                f"delete from {book} where extract_id = $id", {"id": extract["extract_id"]}
            )
        order = full_runs.next_order(session, contract.feed, extract["extract_ts_utc"])
        if extract["status"] == "loaded" and contract.stands_in_runs(extract["kind"]):
            rows = full_runs.book(session, contract, extract["extract_id"], order, rows)
        extract |= {"order_ts_utc": order, "n_repeated": intake.rows.height - rows.height}
        session.insert(shop.catalog["raw.extracts"], _frame(shop, "raw.extracts", [extract]))
        session.insert(
            shop.catalog["raw.extract_files"],
            _frame(shop, "raw.extract_files", list(intake.account.files)),
        )
        session.insert(shop.catalog["raw.unreadable_lines"], intake.unreadable)
        if keys:
            key_register.book(session, keys, str(extract["run_id"]))
        if contract.table not in FILE_TABLES:
            table = shop.catalog[f"raw.{contract.table}"]
            absent = [c.name for c in table.columns if c.name not in rows.columns]
            session.insert(
                table, rows.with_columns(pl.lit(None, pl.String).alias(n) for n in absent)
            )
    return replace(intake.account, extract=extract)


def _note_repeats(
    shop: Workshop,
    session: Session,
    contract: FeedContract,
    repeated: list[landing.LandedFile],
    known: _Known,
) -> int:
    """Books a second file with known bytes once, under its own name."""
    seen = {(name, sha) for name, _, _, sha in known.by_look}
    owners = {**known.extract_of, **_known_files(session, contract).extract_of}
    rows = [
        duplicate_row(f, contract, owners[f.sha256])
        for f in repeated
        if (f.name, f.sha256) not in seen
    ]
    if rows:
        with session.transaction():
            session.insert(
                shop.catalog["raw.extract_files"], _frame(shop, "raw.extract_files", rows)
            )
    return len(rows)


def _delete_taken(session: Session, repeated: Sequence[landing.LandedFile]) -> None:
    """Deletes what was taken before and lies here still, or again: a run died before it came to that, or somebody sent it twice."""
    taken = session.frame(
        "select distinct sha256 from raw.extract_files where status = 'loaded'"
    ).get_column("sha256")
    for file in repeated:
        if file.sha256 in taken:
            delete_delivered(file)


def _frame(shop: Workshop, table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    kinds: dict[str, pl.DataType | type[pl.DataType]] = {
        "VARCHAR": pl.String,
        "BIGINT": pl.Int64,
        "INTEGER": pl.Int32,
        "TIMESTAMP": pl.Datetime("us"),
    }
    schema = {c.name: kinds[c.type] for c in shop.catalog[table].columns}
    return pl.DataFrame([{k: r.get(k) for k in schema} for r in rows], schema=schema)
