"""The force's own rates of recoding and lateness, on random lives that are followed one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk, picked
from hotspot_pipeline_tests.sql.history.made_versions import Row, give_histories, group_of
from hotspot_pipeline_tests.sql.history.test_measured_rates import (
    GONE,
    MODEL,
    OF_CRIMES,
    OF_INCIDENTS,
)


def test_random_lives_followed_one_by_one(desk: Desk) -> None:
    versions, books = give_histories(desk)
    wanted = followed(versions, books)
    rows = desk.run(MODEL)
    found = {(r["table_name"], r["cat_group"], r["kind"]): picked([r], "n_records", "n_changed", "median_lag_days", "p85_lag_days")[0] for r in rows}  # fmt: skip
    assert found == wanted
    assert all(r["share"] == r["n_changed"] / r["n_records"] for r in rows)
    # every kind happened somewhere
    assert {kind for (_, _, kind), (_, n, _, _) in found.items() if n} == set(OF_CRIMES)


def followed(versions: Mapping[str, list[Row]], books: list[Row]) -> dict[tuple[str, str, str], tuple[Any, ...]]:  # fmt: skip
    """Each life from state to state; the ranks from the sorted lags."""
    lags: dict[tuple[str, str, str], list[int | None]] = defaultdict(list)
    for table, feed in {(b["table_name"], b["feed"]) for b in books}:
        nights = [b for b in books if (b["table_name"], b["feed"]) == (table, feed)]
        load = next(b["order_ts_utc"] for b in nights if b["is_first_load"])
        newest = max(b["order_ts_utc"] for b in nights if b["withdrawn_known_utc"] is None)
        lives: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in versions[table]:
            if (
                row["feed"] == feed
                and row["taken_back_utc"] is None
                and row["record_status"] != "withdrawn"
            ):
                lives[row["source_system"], row["record_id"]].append(row)
        for states in lives.values():
            states.sort(key=lambda r: r["version_no"])
            start = states[0]["observed_utc"]
            is_old = start <= load or start + timedelta(days=90) > newest
            if is_old or states[0].get("committed_time_known") == "month":
                continue
            group = group_of(table, states[0])
            first: dict[str, int] = {}
            for kind, moment in _changes(states):
                if moment <= start + timedelta(days=90):
                    first.setdefault(kind, (moment.date() - start.date()).days)
            if table == "crimes":
                first |= _late(states[0])
            for kind in OF_CRIMES if table == "crimes" else OF_INCIDENTS:
                if not kind.startswith("late") or states[0]["reported_ts_utc"]:
                    lags[table, group, kind].append(first.get(kind))
    result = {}
    for key, values in lags.items():
        some = sorted(v for v in values if v is not None)
        ranks = [some[-(-len(some) * share // 100) - 1] if some else None for share in (50, 85)]
        result[key] = (len(values), len(some), *ranks)
    return result


def _changes(states: list[Row]) -> Iterator[tuple[str, datetime]]:
    status = states[0]["record_status"]
    for before, now in pairwise(states):
        moment = now["observed_utc"]
        for part, kind in (
            ("class", "reclassified"),
            ("time", "redated"),
            ("flags", "flag_changed"),
        ):
            if part in now["change_mask"].split(","):
                yield kind, moment
        if before["easting"] is not None and now["easting"] is not None:
            east, north = now["easting"] - before["easting"], now["northing"] - before["northing"]
            if (east**2 + north**2) ** 0.5 > 50:
                yield "moved", moment
        if before["cell_r9"] != now["cell_r9"]:
            yield "moved_cell", moment
        if now["record_status"] == "missing_from_source":
            yield "missing", moment
            continue
        if status in GONE and now["record_status"] == "live":
            yield "reinstated", moment
        if now["record_status"] in GONE and now["record_status"] != status:
            yield now["record_status"], moment
        status = now["record_status"]


def _late(first: Row) -> dict[str, int]:
    if first["reported_ts_utc"] is None:
        return {}
    end = first["committed_to_utc"] or first["committed_from_utc"]
    reported, recorded = first["reported_ts_utc"], first["recorded_ts_utc"]
    found = {}
    for kind, begin, until, limit in (
        ("late_report_1d", end, reported, 24), ("late_report_28d", end, reported, 28 * 24), ("late_record_24h", reported, recorded, 24)
    ):  # fmt: skip
        if until - begin > timedelta(hours=limit):
            found[kind] = (until.date() - begin.date()).days
    return found
