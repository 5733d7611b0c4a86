"""The register of yearly keys: which fingerprint is in use for which year, when it was made, when it was declared lost.

Here: reading and writing `raw.pseudonym_keys`. Not here: the key files and what a missing one means (`pseudonyms/yearly.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hotspot_pipeline.pseudonyms.yearly import YearlyKeys
from hotspot_pipeline.warehouse.session import Session

TABLE = "raw.pseudonym_keys"
IN_USE = f"""
    select key_year, fingerprint from {TABLE} where event = 'made'
    and (key_year, fingerprint) not in (select (k.key_year, k.fingerprint) from {TABLE} k where k.event = 'lost')
"""


def keys_of(session: Session, folder: Path) -> YearlyKeys:
    """The force's keys, held against the register."""
    return YearlyKeys(folder, dict(session.frame(IN_USE).iter_rows()))


def book(session: Session, keys: YearlyKeys, run_id: str) -> None:
    """Registers the keys that were made since the last time, in the transaction of the first rows that they protect."""
    known = set(
        session.frame(f"select fingerprint from {TABLE} where event = 'made'")["fingerprint"]
    )
    for year, print_ in sorted(keys.made.items()):
        if print_ not in known:
            note(session, year, print_, "made", by=run_id)


def note(
    session: Session,
    year: int,
    fingerprint: str,
    event: str,
    *,
    by: str,
    because: str | None = None,
) -> None:
    row = {
        "key_year": year,
        "fingerprint": fingerprint,
        "event": event,
        "at_utc": datetime.now(UTC).replace(tzinfo=None),
        "noted_by": by,
        "because": because,
    }
    session.insert(
        session.catalog[TABLE],
        pl.DataFrame([row], schema_overrides={"because": pl.String, "key_year": pl.Int32}),
    )
