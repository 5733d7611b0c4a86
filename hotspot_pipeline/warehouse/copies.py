"""The published read-only copy: what analysts open instead of the live file.

Only tables whose contract says `publish: true`, never `raw`, `validated` or row-level `history`. The copy is
written aside, checked and swapped in by rename, so that a reader sees yesterday's or today's, never half of one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotspot_pipeline.warehouse.contract import TableContract, TableContractError
from hotspot_pipeline.warehouse.schema import named
from hotspot_pipeline.warehouse.session import Session

_CLOSED_STAGES = ("raw", "validated")


@dataclass(frozen=True)
class PublishedCopy:
    path: Path
    sha256: str
    n_bytes: int
    n_rows: Mapping[str, int]


def publish_copy(session: Session, target: Path, about: Mapping[str, str]) -> PublishedCopy:
    """Writes `target` (.duckdb) and `target`.json with checksum, row counts and `about`; both by rename."""
    contracts = [c for c in session.catalog.values() if c.publish]
    for contract in contracts:
        if contract.stage in _CLOSED_STAGES:
            raise TableContractError(
                f"{contract.path}: publish: true is not allowed for {contract.stage} tables"
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_suffix(".writing.duckdb")
    for leftover in (aside, Path(f"{aside}.wal")):
        leftover.unlink(missing_ok=True)
    n_rows = _copied(session, aside, contracts)
    sha256 = _sha256(aside)
    facts = {**about, "sha256": sha256, "tables": n_rows}
    note = target.with_suffix(".writing.json")
    note.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    aside.chmod(0o444)
    aside.replace(target)
    note.replace(target.with_suffix(".json"))
    return PublishedCopy(target, sha256, target.stat().st_size, n_rows)


def _copied(session: Session, target: Path, contracts: Sequence[TableContract]) -> dict[str, int]:
    """Copies the tables into a new database file at `target`; returns rows by table."""
    counts: dict[str, int] = {}
    session.execute(f"attach '{str(target).replace(chr(39), chr(39) * 2)}' as copy")
    try:
        for contract in contracts:
            if session.exists(contract.name):
                session.execute(f"create schema if not exists copy.{contract.stage}")
                order = ", ".join(f'"{k}"' for k in contract.grain) or "all"
                session.execute(
                    f"create table copy.{contract.name} as {named(contract, contract.name)} order by {order}"
                )
                n_rows = session.value(f"select count(*) from copy.{contract.name}")
                counts[contract.name] = int(n_rows)
    finally:
        session.execute("detach copy")
    return counts


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
