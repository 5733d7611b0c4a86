"""What the changes of the county's records touch, by brute force: weeks, days, cells and groups, moves, and the count ledger.

Here: police day, cell and group worked out again from the text of a record. Not here: which changes there are (`change_list.py`).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from pathlib import Path

import h3
import numpy as np
from convertbng import cutil

from hotspot_pipeline_tests.integration.change_list import Lives, Pair, Rules, State
from hotspot_pipeline_tests.integration.tellings import LOUD


def is_live(state: State | None) -> bool:
    return state is not None and state.get("record_status", "live") == "live"


def is_loud(pair: Pair, feed: str) -> bool:
    """Whether a count may change."""
    b, n = pair.before, pair.after
    if b is None:
        return True
    return any(b[c] != n[c] for c in LOUD[feed] if c in n)


def police_day(state: State, feed: str) -> date:
    """06:00 to 06:00 local time; a crime of which only the date is known is of that date."""
    if feed == "asb_extract":
        return _day_of(datetime.fromisoformat(state["opened_ts_local"]))
    start = datetime.fromisoformat(state["committed_from_local"])
    end = datetime.fromisoformat(state["committed_to_local"] or state["committed_from_local"])
    is_whole_day = end == start or (end.date() == start.date() and end.time() >= time(23, 59))
    if start.time() == time() and is_whole_day:
        return start.date()
    return _day_of(start)


def _day_of(local: datetime) -> date:
    return (local - timedelta(hours=6)).date()


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


class Cells:
    """Cells of resolution 9; 0 where there is no place."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {("", ""): 0}

    def look_up(self, states: list[State]) -> None:
        new = list({(s["easting"], s["northing"]) for s in states} - self._known.keys())
        if new:
            metres = np.array(new, dtype=float)
            lon, lat = cutil.convert_osgb36_to_ll(metres[:, 0].copy(), metres[:, 1].copy())
            for place, x, y in zip(new, lon, lat, strict=True):
                # off the map, as only a place can be that the gate turns away
                is_nowhere = np.isnan(x) or np.isnan(y)
                self._known[place] = -1 if is_nowhere else h3.str_to_int(h3.latlng_to_cell(y, x, 9))

    def of(self, state: State) -> int:
        return self._known[state["easting"], state["northing"]]


class Lookup:
    """Offence code and day of recording -> group."""

    def __init__(self, path: Path) -> None:
        self._rows: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                span = (row["valid_from"], row["valid_to"] or "9999-12-31", row["cat_group"])
                self._rows[row["ho_offence_code"]].append(span)

    def group(self, state: State, feed: str) -> str:
        if feed == "asb_extract":
            return "ASB"
        day, spans = state["recorded_ts_local"][:10], self._rows[state["ho_offence_code"]]
        valid = [s for s in spans if s[0] <= day <= s[1]]
        # outside every validity the newest wording
        return max(valid or spans, default=("", "", "OTHER"))[2]


Touched = Counter[tuple[float, str, date, date, int, str]]


def affected(lives: Lives, rules: Rules, lookups: tuple[Lookup, Lookup]) -> tuple[Touched, Touched]:
    """{left, came} x (moment, side, week, police day, cell, group): how many records, and how many of them new.

    What the first night showed is the first load and touches nothing.
    """
    feed, cells = lives.feed, Cells()
    pairs = [p for p in lives.pairs(rules) if p.moment > 0 and is_loud(p, feed)]
    cells.look_up([s for p in pairs for s in (p.before, p.after) if s is not None and is_live(s)])
    n_records: Touched = Counter()
    n_new: Touched = Counter()
    for pair in pairs:
        lookup = lookups[pair.moment >= rules.new_lookup_from]
        for side, state in (("left", pair.before), ("came", pair.after)):
            if state is not None and is_live(state):
                day = police_day(state, feed)
                where = (
                    pair.moment,
                    side,
                    week_of(day),
                    day,
                    cells.of(state),
                    lookup.group(state, feed),
                )
                n_records[where] += 1
                n_new[where] += pair.before is None
    return n_records, n_new


def regrouped(lives: Lives, rules: Rules, lookups: tuple[Lookup, Lookup]) -> Touched:
    """{left, came} of the live records that the new lookup puts into another group, as they were known when it came."""
    feed, cells = lives.feed, Cells()
    known = {p.record: p.after for p in lives.pairs(rules) if p.moment < rules.new_lookup_from}
    groups = [
        (s, *(lookup.group(s, feed) for lookup in lookups)) for s in known.values() if is_live(s)
    ]
    others = [(state, before, after) for state, before, after in groups if before != after]
    cells.look_up([state for state, _, _ in others])
    found: Touched = Counter()
    for state, before, after in others:
        day = police_day(state, feed)
        for side, group in (("left", before), ("came", after)):
            found[rules.new_lookup_from, side, week_of(day), day, cells.of(state), group] += 1
    return found


def moved(lives: Lives, rules: Rules) -> Counter[float]:
    """Moment -> records that came to lie in another cell."""
    cells = Cells()
    pairs = [
        p for p in lives.pairs(rules) if "easting" in (p.before or {}) and "easting" in p.after
    ]
    cells.look_up([s for p in pairs for s in (p.before, p.after) if s is not None])
    return Counter(p.moment for p in pairs if p.before and cells.of(p.before) != cells.of(p.after))


# turn of a record that leaves what is counted -> column of the count ledger
_ENDS = {
    "cancelled": "n_cancelled",
    "transferred_out": "n_transferred",
    "merged": "n_merged",
    "non_crime": "n_non_crime",
    "missing_from_source": "n_missing",
}


def ledger(lives: Lives, rules: Rules) -> dict[float, Counter[str]]:
    """Moment -> the columns of the count ledger that say what happened."""
    found: dict[float, Counter[str]] = defaultdict(Counter)
    for pair in lives.pairs(rules):
        was, now = is_live(pair.before), is_live(pair.after)
        if now and not was:
            found[pair.moment]["n_new" if pair.before is None else "n_reinstated"] += 1
        elif was and not now:
            found[pair.moment][_ENDS[pair.after["record_status"]]] += 1
    return found
