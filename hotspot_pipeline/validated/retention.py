"""What is kept no longer: fixes of old police days, archived files past their feed's time. And the log of it.

Here: what is past its time, its removal, the log. Not here: how long things are kept (`force.yml`: `retention`, and
`retention_months` of each feed), when this runs (`assets.py`).

First the books and the log say that something is gone, in one transaction, then the file is deleted; a run that dies between the two
deletes it the next time. Nothing is removed that the log does not name, and nothing that is younger than the limit it names.
Aggregates stay: how many fixes a day had is not where somebody was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.validated.pings.ledger import DAYS, DEVICE_DAYS, REMOVED, Ledger
from hotspot_pipeline.warehouse.session import Session

LOG = "validated.retention_log"
PING_DAY, DELIVERED_FILE = "ping_day", "delivered_file"
_EXPIRED_FILES = """
    select distinct f.feed, f.sha256, cast(e.received_at_utc as date) as day, e.retention_months, e.n_rows
    from raw.extract_files f join raw.extracts e on e.extract_id = f.extract_id
    where f.status = 'loaded'
      and e.received_at_utc + to_months(e.retention_months) <= cast($now as timestamp)
"""


@dataclass(frozen=True)
class Removed:
    what: str
    name: str
    feed: str | None
    day: date
    limit_day: date
    n_rows: int
    n_bytes: int


def keep_from(now_utc: datetime, pings_days: int) -> date:
    """The first police day whose fixes are kept."""
    return now_utc.date() - timedelta(days=pings_days)


def first_open_day(session: Session, now_utc: datetime, pings_days: int) -> date:
    """The first police day that takes fixes: what was removed once stays so, if they are kept longer from now on."""
    removed = session.value(f"select max(police_day) from {DAYS} where state = '{REMOVED}'")
    kept = keep_from(now_utc, pings_days)
    return max(kept, removed + timedelta(days=1)) if removed else kept


def remove_expired(
    session: Session,
    ledger: Ledger,
    archive: Path,
    *,
    now_utc: datetime,
    pings_days: int,
    run_id: str,
) -> list[Removed]:
    """Removes what is past its time at `now_utc`; returns it."""
    limit = keep_from(now_utc, pings_days)
    days = session.frame(
        f"select police_day, file_name, n_fixes, n_bytes from {DAYS} where state = 'stored' and police_day < $limit order by 1",
        {"limit": limit},
    )
    found = [
        Removed(PING_DAY, name, None, day, limit, n_fixes, n_bytes)
        for day, name, n_fixes, n_bytes in days.iter_rows()
    ]
    files = list(_expired_files(session, archive, now_utc))
    known = set(session.frame(f"select name from {LOG}")["name"])
    found += [removed for _, removed in files if removed.name not in known]
    if found:
        with session.transaction():
            gone = f"select police_day from {DAYS} where state = 'stored' and police_day < $limit"
            session.execute(
                f"delete from {DEVICE_DAYS} where police_day in ({gone})", {"limit": limit}
            )
            session.execute(
                f"update {DAYS} set state = '{REMOVED}', file_name = null where police_day in ({gone})",
                {"limit": limit},
            )
            session.insert(session.catalog[LOG], _log(found, now_utc, run_id))
    ledger.clear_away()
    for paths, _ in files:
        for path in paths:
            path.unlink(missing_ok=True)
    return found


def _expired_files(
    session: Session, archive: Path, now_utc: datetime
) -> Iterator[tuple[Sequence[Path], Removed]]:
    rows = session.frame(_EXPIRED_FILES, {"now": now_utc.astimezone(UTC).replace(tzinfo=None)})
    for row in rows.sort("feed", "sha256").iter_rows(named=True):
        folder = archive / row["feed"] / row["sha256"][:2]
        paths = sorted(folder.glob(f"{row['sha256']}*")) if folder.is_dir() else []
        if paths:
            limit = (pl.Series([now_utc.date()]).dt.offset_by(f"-{row['retention_months']}mo"))[0]
            yield (
                paths,
                Removed(
                    DELIVERED_FILE, f"{row['feed']}/{row['sha256']}", row["feed"], row["day"], limit, row["n_rows"],
                    sum(path.stat().st_size for path in paths),
                ),
            )  # fmt: skip


def _log(found: Sequence[Removed], now_utc: datetime, run_id: str) -> pl.DataFrame:
    moment = now_utc.astimezone(UTC).replace(tzinfo=None)
    return pl.DataFrame(
        [{**vars(one), "removed_at_utc": moment, "run_id": run_id} for one in found],
        schema_overrides={"feed": pl.String},
    )
