"""Random lives of records, written down as versions: crimes and incidents, late states, states taken back, gaps.

Here: rows for the tables, true to the contracts of the versions. Not here: what is computed from them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hotspot_pipeline_tests.sql.conftest import Desk

Row = dict[str, Any]
TABLES = {"crimes": "history.crime_versions", "asb_incidents": "history.asb_versions"}

FIRST = datetime(2025, 11, 4, 2)
N_NIGHTS = 260
DAY = timedelta(days=1)
JUST_AFTER = timedelta(microseconds=1)
# another wording of a code since April: from then on it belongs to another group
SPANS = (
    ("8N", date(1900, 1, 1), date(9999, 1, 1), "VAP"),
    ("34B", date(1900, 1, 1), date(9999, 1, 1), "ROBBERY"),
    ("66", date(1900, 1, 1), date(2026, 2, 1), "PUBLIC_ORDER"),
    ("66", date(2026, 2, 1), date(9999, 1, 1), "OTHER"),
)
STATUSES = ("live", "live", "live", "cancelled", "transferred_out", "merged", "non_crime")


def give_groups(desk: Desk) -> None:
    categories = {"Robbery": "ROBBERY", "Violence": "VAP"}
    desk.given(
        "history.policeuk_categories_current",
        *({"policeuk_category": c, "cat_group": g} for c, g in categories.items()),
    )
    names = ("ho_offence_code", "day_from", "day_before", "cat_group")
    desk.given(
        "history.offence_spans", *(dict(zip(names, values, strict=True)) for values in SPANS)
    )


def give_histories(desk: Desk) -> tuple[dict[str, list[Row]], list[Row]]:
    """On the desk and as rows: two feeds of crimes, one of incidents, one that knows months only."""
    rng = random.Random(7)
    versions = {
        "crimes": lives(rng, 250, table="crimes", feed="niche")
        + lives(rng, 80, table="crimes", feed="athena", start=40),
        "asb_incidents": lives(rng, 120, table="asb_incidents", feed="niche"),
    }
    months = lives(rng, 20, table="crimes", feed="public")
    versions["crimes"] += [
        r | {"week_start": None, "committed_time_known": "month"} for r in months
    ]
    books = [
        *extracts("crimes", "niche"), *extracts("crimes", "athena", 40),
        *extracts("crimes", "public"), *extracts("asb_incidents", "niche"),
    ]  # fmt: skip
    desk.given("history.extracts", *(b | {"extract_id": f"{b['table_name']} {b['extract_id']}"} for b in books))  # fmt: skip
    for table, rows in versions.items():
        columns = desk.session.catalog[TABLES[table]].column_types
        desk.given(TABLES[table], *({k: v for k, v in r.items() if k in columns} for r in rows))
    give_groups(desk)
    return versions, books


def group_of(table: str, row: Mapping[str, Any]) -> str:
    if table == "asb_incidents":
        return "ASB"
    for code, first, before, group in SPANS:
        if code == row["ho_offence_code"] and first <= row["recorded_ts_local"].date() < before:
            return group
    return "ROBBERY" if row["policeuk_category"] == "Robbery" else "OTHER"


def extracts(table: str, feed: str, start: int = 0) -> list[Row]:
    """One every night; the newest was withdrawn the night after."""
    return [
        {
            "extract_id": f"{feed} {n}", "table_name": table, "feed": feed, "order_ts_utc": FIRST + n * DAY,
            "known_from_utc": FIRST + n * DAY, "is_first_load": n == start,
            "withdrawn_known_utc": FIRST + n * DAY + JUST_AFTER if n == N_NIGHTS - 1 else None,
        }
        for n in range(start, N_NIGHTS)
    ]  # fmt: skip


def lives(
    rng: random.Random, n_records: int, *, table: str, feed: str, start: int = 0
) -> list[Row]:
    """The versions of `n_records` records of a feed whose first load is night `start`."""
    rows: list[Row] = []
    for number in range(n_records):
        key = {"feed": feed, "source_system": rng.choice("ab"), "record_id": f"r{number}"}
        rows += [{**key, **row} for row in _life(rng, table, start)]
    return rows


def _life(rng: random.Random, table: str, start: int) -> list[Row]:
    nights = sorted(rng.sample(range(start, N_NIGHTS), rng.randint(1, 5)))
    if rng.random() < 0.2:
        nights[0] = start
        nights = sorted(set(nights))
    # most changes come soon
    nights = sorted(
        {nights[0], *(min(n, nights[0] + rng.choice([2, 9, 30, 90, 91])) for n in nights)}
    )
    content = _content(rng, table, FIRST + nights[0] * DAY)
    states: list[Row] = []
    for n in nights:
        moment = FIRST + n * DAY
        seen = {
            **content,
            "observed_utc": moment,
            "known_from_utc": moment,
            "taken_back_utc": None,
            "is_late": False,
        }
        # only what still stands as seen can go missing
        is_shown = any(
            s["taken_back_utc"] is None and s["record_status"] != "withdrawn" for s in states
        )
        if is_shown and rng.random() < 0.15:
            seen["record_status"] = "missing_from_source"
        elif states:
            content = {**content, **_change(rng, table, content)}
            seen |= content
        fate = rng.random()
        if states and n + 1 < N_NIGHTS and fate < 0.08:
            # it came late, when a later state was known: never an answer
            seen |= {"known_from_utc": moment + DAY / 2, "is_late": True}
        elif n + 1 < N_NIGHTS and fate < 0.16:
            # its extract was withdrawn: an answer for half a day
            seen["taken_back_utc"] = moment + DAY / 2
            after = dict(states[-1]) if states else {**seen, "record_status": "withdrawn"}
            states.append(seen)
            seen = {
                **after,
                "known_from_utc": moment + DAY / 2,
                "taken_back_utc": None,
                "is_late": False,
            }
            if after["record_status"] != "withdrawn":
                states[-2]["taken_back_utc"] = moment + DAY / 2
        states.append(seen)
    return list(_versions(states))


def _content(rng: random.Random, table: str, seen: datetime) -> Row:
    happened = seen - rng.choice([1, 2, 3, 10, 29, 60]) * DAY + timedelta(hours=rng.randrange(24))
    happened = min(happened, seen - timedelta(hours=1))
    place = {"easting": 430000.0, "northing": 260000.0, "cell_r9": 9, "record_status": "live"}
    if table == "asb_incidents":
        return {**place, **_when(happened), "nsir_category": "ASB"}
    reported = happened + timedelta(hours=rng.choice([1, 20, 24, 25, 100, 672, 673]))
    recorded = reported + timedelta(hours=rng.choice([0, 5, 24, 30]))
    times: Row = {
        "reported_ts_utc": reported,
        "recorded_ts_utc": recorded,
        "recorded_ts_local": recorded,
    }
    if rng.random() < 0.1:
        times = {"reported_ts_utc": None, "recorded_ts_utc": None, "recorded_ts_local": recorded}
    kind = {"ho_offence_code": rng.choice(["8N", "34B", "66", "99"]), "policeuk_category": None}
    if kind["ho_offence_code"] == "99" and rng.random() < 0.5:
        kind["policeuk_category"] = "Robbery"
    until = happened + timedelta(hours=2) if rng.random() < 0.5 else None
    return {
        **place, **times, **kind, **_when(happened), "record_status": rng.choice(STATUSES),
        "committed_from_utc": happened, "committed_to_utc": until, "flag_knife": None, "committed_time_known": "exact",
    }  # fmt: skip


def _when(happened: datetime) -> Row:
    day = (happened - timedelta(hours=6)).date()
    return {
        "police_day": day,
        "week_start": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }


def _change(rng: random.Random, table: str, now: Row) -> Row:
    places: list[Row] = [
        {"easting": now["easting"] + 30.0, "northing": now["northing"] + 40.0} if now["easting"] else {"easting": 1.0, "northing": 1.0},
        {"easting": 430000.0, "northing": 260300.0, "cell_r9": 10},
        {"easting": 430000.0, "northing": 260051.0},
        {"easting": None, "northing": None, "cell_r9": None},
        _when(datetime(2026, 1, 1) + rng.randrange(120) * DAY),
        {},
    ]  # fmt: skip
    if table == "asb_incidents":
        return rng.choice([*places, {"nsir_category": rng.choice(["ASB", "other"])}])
    return rng.choice(
        [*places, {"ho_offence_code": rng.choice(["8N", "34B", "66", "99"])}, {"flag_knife": rng.random() < 0.5},
         {"record_status": rng.choice(STATUSES)}, {"record_status": rng.choice(STATUSES)}]
    )  # fmt: skip


def _versions(states: list[Row]) -> Iterator[Row]:
    """The states in the order of knowledge, with their times, numbers and masks."""
    answers = sorted((s for s in states if not s["is_late"]), key=lambda s: s["known_from_utc"])
    ends = {id(a): b["known_from_utc"] for a, b in pairwise(answers)}
    standing = sorted(
        (s for s in states if s["taken_back_utc"] is None),
        key=lambda s: (s["observed_utc"], s["known_from_utc"]),
    )
    numbers = {id(s): n for n, s in enumerate(standing, 1)}
    before: dict[int, Row] = {id(b): a for a, b in pairwise(standing)}
    for s in states:
        known_to = s["known_from_utc"] if s["is_late"] else ends.get(id(s))
        row = {k: v for k, v in s.items() if k != "is_late"}
        yield {
            **row,
            "known_to_utc": known_to,
            "version_no": numbers.get(id(s)),
            "change_mask": mask(before.get(id(s)), s),
        }


_GROUPS = {
    "class": ("ho_offence_code", "nsir_category"), "status": ("record_status",), "geo": ("easting", "northing"),
    "time": ("police_day",), "flags": ("flag_knife",),
}  # fmt: skip


def mask(before: Row | None, now: Row) -> str:
    """The change mask of a state after another."""
    if before is None:
        return "new"
    if now["record_status"] == "missing_from_source":
        return "missing"
    parts = ["returned"] if before["record_status"] == "missing_from_source" else []
    parts += [
        g for g, columns in _GROUPS.items() if any(before.get(c) != now.get(c) for c in columns)
    ]
    return ",".join(parts) or "admin"
