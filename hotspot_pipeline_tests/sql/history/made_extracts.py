"""Nights put on the desk as raw and validated hold them: deltas, whole extracts with their runs, withdrawals.

Here: deliveries and what a test reads afterwards. Not here: what is expected of it; versions written down directly (`made_versions.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hotspot_pipeline.hexes import window_prints
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline_tests.sql.conftest import Desk, picked

Row = dict[str, Any]
TICK = timedelta(microseconds=1)
MONDAY = date(2026, 1, 5)
_PID = {"crimes": "crime_pid", "asb_incidents": "incident_pid"}
_VERSIONS = {"crimes": "history.crime_versions", "asb_incidents": "history.asb_versions"}
_FEED = {"crimes": "crime_extract", "asb_incidents": "asb_extract"}

CODES: tuple[Row, ...] = (
    {"ho_offence_code": "008/06", "ho_class_code": "8N", "cat_group": "VAP", "cchi_days": Decimal("10.00")},
    {"ho_offence_code": "005/04", "ho_class_code": "5D", "cat_group": "VAP", "cchi_days": Decimal("1460.00")},
    {"ho_offence_code": "034/01", "ho_class_code": "34B", "cat_group": "ROBBERY", "cchi_days": Decimal("365.00")},
    {"ho_offence_code": "053/33", "ho_class_code": "53", "cat_group": "OTHER"},
)  # fmt: skip


def night(n: int) -> datetime:
    """The moment at which the extract of night n was taken."""
    return datetime(2026, 6, 1, 2) + timedelta(days=n)


def place(x: int, y: int = 0, *, inside: bool = True) -> Row:
    """A point x km east and y km north of the hotspot, in a cell of its own."""
    cell = 1000 + 100 * x + y
    return {"easting": 431000.0 + 1000 * x, "northing": 265000.0 + 1000 * y, "cell_r8": cell + 8 * 10**6,
            "cell_r9": cell + 9 * 10**6, "cell_r10": cell + 10**7, "is_inside_force": inside}  # fmt: skip


def cell(x: int, y: int = 0) -> int:
    return int(place(x, y)["cell_r9"])


def on(moment: datetime) -> Row:
    """A crime at that local time, which is not in the six hours after midnight."""
    day = moment.date()
    return {"committed_from_local": moment, "committed_time_known": "exact", "police_day": day,
            "week_start": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}  # fmt: skip


def _hashed(row: Row) -> Row:
    return row | {"row_hash": repr(sorted(row.items(), key=lambda kv: kv[0]))}


def crime(pid: str, **changes: Any) -> Row:
    """A fight in the street on Friday 9 January 2026, at the hotspot; rows of equal content have an equal hash."""
    plain = {
        "source_system": "niche", "crime_pid": pid, "ho_offence_code": "008/06", "record_status": "live",
        "recorded_ts_local": datetime(2026, 1, 10, 9), "geocode_quality": "building", "location_type": "street",
        **on(datetime(2026, 1, 9, 22)), **place(0),
    }  # fmt: skip
    return _hashed(plain | changes)


def incident(pid: str, **changes: Any) -> Row:
    """A call about nuisance, at the same place and on the same evening."""
    plain = {
        "source_system": "cad", "incident_pid": pid, "nsir_category": "ASB", "opened_ts_local": datetime(2026, 1, 9, 21),
        "police_day": date(2026, 1, 9), "week_start": MONDAY, "month": date(2026, 1, 1), "geocode_quality": "street", **place(0),
    }  # fmt: skip
    return _hashed(plain | changes)


class Nights:
    """Deliveries of one feed. `whole`: each night is a full extract of everything told so far; else a delta of what is told. `each`:
    each is digested when it comes; else all of them are when something is read."""

    def __init__(self, desk: Desk, *, whole: bool = False, each: bool = True, table: str = "crimes") -> None:  # fmt: skip
        self.desk, self.whole, self.each, self.table = desk, whole, each, table
        self.state: dict[tuple[str, str], Row] = {}
        self.broken: list[Row] = []
        self._fulls: dict[str, tuple[datetime, list[tuple[str, int]]]] = {}
        self._stored: dict[str, tuple[str, int]] = {}
        self._is_read = True

    # ---------- deliveries

    def night(self, n: int, *records: Row, gone: Iterable[str] = (), name: str | None = None) -> str:  # fmt: skip
        """Night n tells these records; whole extracts leave out the `gone` ones, from now on."""
        for record in records:
            self.state[record["source_system"], record[_PID[self.table]]] = record
        self.state = {key: row for key, row in self.state.items() if key[1] not in set(gone)}
        listed = list(self.state.values()) if self.whole else list(records)
        return self.deliver(night(n), listed, kind="full" if self.whole else "delta", name=name)

    def deliver(self, taken: datetime, records: Iterable[Row], *, kind: str, name: str | None = None, **more: Any) -> str:  # fmt: skip
        """One extract with exactly these records, of which the gate turns away those that are `broken`; `more` are further columns of
        `raw.extracts`."""
        rows = list(records)
        extract_id = name or f"{kind}-{taken:%m%d-%H%M%S%f}"
        at = {"extract_ts_utc": taken, "order_ts_utc": taken, "received_at_utc": taken}
        fixed = {
            "extract_id": extract_id,
            "feed": _FEED[self.table],
            "table_name": self.table,
            "kind": kind,
            "status": "loaded",
        }
        self.desk.given("raw.extracts", fixed | at | {"n_rows": len(rows)} | more)
        stored, turned_away, holds = [], [], []
        for line_no, row in enumerate(rows, 2):
            here = (extract_id, line_no)
            # of a whole extract only what no other one has is stored
            first = self._stored.setdefault(row["row_hash"], here) if kind == "full" else here
            holds.append(first)
            if first == here and row in self.broken:
                turned_away.append({"extract_id": extract_id, "line_no": line_no, "feed": _FEED[self.table], "rule": "time_order",
                                    "message": "broken", "record_pid": row[_PID[self.table]]})  # fmt: skip
            elif first == here:
                stored.append(row | {"extract_id": extract_id, "accepted_with": extract_id, "line_no": line_no})  # fmt: skip
        self.desk.given(f"validated.{self.table}", *stored)
        self.desk.given("validated.rejects", *turned_away)
        if kind == "full":
            self._fulls[extract_id] = (taken, holds)
            self._write_runs()
        return self._came(extract_id)

    def withdraw(self, extract_id: str) -> None:
        """A person takes the extract back: its rows go, but for those that stand in another whole extract."""
        self.desk.given("raw.decisions", {"extract_id": extract_id, "decision": "withdrawn"})
        self._fulls.pop(extract_id, None)
        session = self.desk.session
        for row_hash, (first, line_no) in list(self._stored.items()):
            holders = self._holders(first, line_no)
            if not holders:
                del self._stored[row_hash]
                continue
            # it may have passed with an heir of its first extract already, which is the one taken back now
            session.execute(
                f"update validated.{self.table} set accepted_with = $heir "
                "where extract_id = $e and line_no = $n and accepted_with = $gone",
                {"heir": holders[0], "e": first, "n": line_no, "gone": extract_id},
            )
        session.execute(f"delete from validated.{self.table} where accepted_with = $e", {"e": extract_id})  # fmt: skip
        self._write_runs()
        self._came(extract_id)

    def _came(self, extract_id: str) -> str:
        self._is_read = False
        if self.each:
            self.digest()
        return extract_id

    def digest(self) -> None:
        if not self._is_read:
            self.desk.digest()
            self._is_read = True

    def _holders(self, extract_id: str, line_no: int) -> list[str]:
        return [e for e, (_, holds) in sorted(self._fulls.items(), key=lambda f: f[1][0]) if (extract_id, line_no) in holds]  # fmt: skip

    def _write_runs(self) -> None:
        """`raw.full_runs` as if all whole extracts had come in their order."""
        self.desk.session.execute("delete from raw.full_runs")
        in_order = sorted(self._fulls.values(), key=lambda f: f[0])
        open_runs: dict[tuple[str, int], datetime] = {}
        runs: list[Row] = []

        def run(of: tuple[str, int], start: datetime, end: datetime | None) -> None:
            runs.append({"feed": _FEED[self.table], "table_name": self.table, "extract_id": of[0], "line_no": of[1],
                         "from_order_ts_utc": start, "to_order_ts_utc": end})  # fmt: skip

        before: datetime | None = None
        for taken, holds in in_order:
            held = set(holds)
            for row in [r for r in open_runs if r not in held]:
                run(row, open_runs.pop(row), before)
            for row in held:
                open_runs.setdefault(row, taken)
            before = taken
        for row, start in open_runs.items():
            run(row, start, None)
        self.desk.given("raw.full_runs", *runs)

    # ---------- what a test reads

    def versions(self, pid: str) -> list[tuple[Any, ...]]:
        """(version_no, change_mask, record_status, known_from, known_to) in the order of observation."""
        return picked(
            self.version_rows(pid),
            "version_no",
            "change_mask",
            "record_status",
            "known_from_utc",
            "known_to_utc",
        )

    def version_rows(self, pid: str) -> list[Row]:
        self.digest()
        found = self.desk.session.frame(
            f"select * from {_VERSIONS[self.table]} where record_id = $pid order by source_system, observed_utc, known_from_utc",
            {"pid": pid},
        )
        return found.to_dicts()

    def recodes(self, *columns: str) -> list[tuple[Any, ...]]:
        """Of every recode by the time it became known: record_id, and these columns."""
        self.digest()
        rows = self.desk.rows("history.recodes")
        rows.sort(key=lambda r: (r["known_from_utc"], r["record_id"], r["aspect"]))
        return picked(rows, "record_id", *columns)

    def affected(self, *columns: str) -> set[tuple[Any, ...]]:
        self.digest()
        return set(picked(self.desk.rows("history.affected_weeks"), *columns))

    def current(self, known_at: datetime | None = None) -> dict[str, Row]:
        """By number: each crime as known then, or now."""
        self.digest()
        known = {"known_at": known_at} if known_at else {}
        rows = self.desk.run("history.crimes_current" if self.table == "crimes" else "history.asb_current", **known)  # fmt: skip
        pid = _PID[self.table]
        found = {r[pid]: r for r in rows}
        assert len(found) == len(rows)
        return found

    def events(self, known_at: datetime | None = None) -> dict[str, Row]:
        """By number of the record: what the hexes make of it."""
        self.current(known_at)
        rows = self.desk.run("hexes.events")
        return {r["event_id"].split(":")[-1]: r for r in rows}

    def ledger(self) -> list[Row]:
        """The count ledger, by moment, after its audits."""
        self.digest()
        rows = [r for r in self.desk.run("history.count_ledger") if r["table_name"] == self.table]
        rows.sort(key=lambda r: r["known_from_utc"])
        for before, after in pairwise(rows):
            assert after["live_before"] == before["live_after"]
        return rows

    def moves(self) -> dict[datetime, tuple[int, dict[str, int], int]]:
        """By moment: live before, what came and left, live after."""
        return {
            r["known_from_utc"]: (
                r["live_before"],
                {k: v for k, v in r.items() if k.startswith("n_") and v},
                r["live_after"],
            )
            for r in self.ledger()
        }


def tiles(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the answers of one record follow each other without gap or overlap, the last one open."""
    answers = sorted(
        (r for r in rows if r["known_to_utc"] is None or r["known_to_utc"] > r["known_from_utc"]),
        key=lambda r: r["known_from_utc"],
    )
    follow = all(a["known_to_utc"] == b["known_from_utc"] for a, b in pairwise(answers))
    return follow and answers[-1]["known_to_utc"] is None


def groups(desk: Desk, codes: Iterable[Row] = CODES) -> None:
    """The offence codes in place of those before, as they stand after the gate, known from now on."""
    desk.session.execute("delete from validated.offence_codes")
    desk.given(
        "validated.offence_codes", *({"valid_from": date(2000, 1, 1)} | code for code in codes)
    )
    desk.take_in_lookups()


def computed(desk: Desk) -> dict[str, list[date]]:
    """Computes, as the pipeline does, the windows whose events are others now, and names them by model."""
    found = {}
    for name in ("hexes.crime_weekly", "hexes.crime_daily"):
        model = desk.models[name]
        found[name] = stale = window_prints.stale(desk.session, model)

        def note(
            changed: tuple[date, ...], model: SqlModel = model, stale: list[date] = stale
        ) -> None:
            window_prints.note(desk.session, model, stale)

        refresh_model(desk.session, model, {}, note, stale)
    desk._written |= {window_prints.TABLE, *found}
    return found
