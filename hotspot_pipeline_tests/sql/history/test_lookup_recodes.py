"""What a changed lookup touches: against every crime looked at by hand, in random lives of records and lookups."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hotspot_pipeline.hexes import backfill_ledger
from hotspot_pipeline.history.lookups import ALWAYS, CHANGES, VERSIONS
from hotspot_pipeline_tests.sql.conftest import Desk, picked
from hotspot_pipeline_tests.sql.history.made_extracts import (
    CODES,
    MONDAY,
    TICK,
    Nights,
    cell,
    computed,
    crime,
    groups,
    night,
    on,
    place,
)

Row = dict[str, Any]
APRIL = date(2026, 4, 1)
START = date(2000, 1, 1)
GROUPS = ("VAP", "ROBBERY", "OTHER")
WEEKS = [MONDAY + timedelta(days=7 * n) for n in range(4)]
DAYS = [Decimal("10.00"), Decimal("365.00"), None]
Wording = tuple[str, Decimal | None, bool]
NOTHING: Wording = ("OTHER", None, False)


def seeds(*quick: int, n: int) -> list[Any]:
    """The quick ones, in which each order of events is there, and further ones for the slow tests."""
    more = [seed for seed in range(n) if seed not in quick]
    return [*quick, *(pytest.param(seed, marks=pytest.mark.slow) for seed in more)]


class World:
    """Random crimes of two feeds, one of them three nights behind, and random lookups; what they mean is kept by hand."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.rng = desk, random.Random(seed)
        self.nights = Nights(desk, each=False)
        self.codes: dict[tuple[str, date], Wording] = {("a", START): self.wording()}
        self.types: dict[str, Wording] = {"Robbery": self.wording()}
        self.n = self.version = 0
        # the files as they were known: (moment, codes, types)
        self.known: list[tuple[datetime, dict[tuple[str, date], Wording], dict[str, Wording]]] = []
        self.new_lookups()
        for feed in ("near", "far"):
            self.extract(feed, [crime(f"bystander {feed}", ho_offence_code="none", **place(9))])
        self.run()

    # ---------- what happens

    def wording(self) -> Wording:
        return self.rng.choice(GROUPS), self.rng.choice(DAYS), self.rng.random() < 0.2

    def new_lookups(self) -> None:
        """Some rows are others, some gone, some new."""
        for code in ("a", "b", "c"):
            for day in (START, APRIL):
                if self.rng.random() < 0.4:
                    self.codes[code, day] = self.wording()
                elif self.rng.random() < 0.15:
                    self.codes.pop((code, day), None)
        for name in ("Robbery", "Violence"):
            if self.rng.random() < 0.4:
                self.types[name] = self.wording()
        self.version += 1
        version = {"lookup_version": f"v{self.version}"}
        for table in ("offence_codes", "policeuk_categories"):
            self.desk.session.execute(f"delete from validated.{table}")
        self.desk.given("validated.offence_codes", *(
            {"ho_offence_code": c, "valid_from": d, **_columns(w), **version} for (c, d), w in self.codes.items()))  # fmt: skip
        self.desk.given("validated.policeuk_categories", *(
            {"policeuk_category": c, **_columns(w), **version} for c, w in self.types.items()))  # fmt: skip

    def extract(self, feed: str, records: Iterable[Row] = (), *, late: bool = False) -> None:
        self.n += 1
        taken = night(self.n) - timedelta(days=3 if feed == "far" else 0)
        taken -= timedelta(days=2, hours=1) if late else timedelta(0)
        self.nights.deliver(taken, list(records) or self.some_crimes(), kind="delta", name=f"e{self.n}", feed=feed)  # fmt: skip

    def some_crimes(self) -> list[Row]:
        return [self.some_crime(pid) for pid in self.rng.sample([f"p{n}" for n in range(12)], 5)]

    def some_crime(self, pid: str) -> Row:
        rng = self.rng
        happened = datetime.combine(rng.choice(WEEKS), datetime.min.time()) + timedelta(days=rng.randrange(3), hours=20)  # fmt: skip
        recorded = rng.choice([datetime(2026, 2, 1), datetime(2026, 5, 1), None])
        return crime(
            pid, ho_offence_code=rng.choice(["a", "a", "b", "c", None]), policeuk_category=rng.choice(["Robbery", "Violence", None]),
            recorded_ts_local=recorded, record_status=rng.choice(["live", "live", "live", "cancelled"]),
            **on(happened), **place(rng.randrange(2)),
        )  # fmt: skip

    def run(self) -> list[datetime]:
        """As the night does: the lookups, then the records. Returns the moments of what changed in lookups, checked by hand."""
        taken = {t.table: t.known_from for t in self.desk.take_in_lookups()}
        codes, types = (self.known[-1][1], self.known[-1][2]) if self.known else ({}, {})
        if "offence_codes" in taken:
            codes = dict(self.codes)
            self.known.append((taken["offence_codes"], codes, types))
        if "policeuk_categories" in taken:
            self.known.append((taken["policeuk_categories"], codes, dict(self.types)))
        self.desk.digest()
        moments = [m for m in taken.values() if m > ALWAYS]
        for moment in moments:
            self.check(moment)
        return moments

    # ---------- by hand

    def effect(self, row: Row, moment: datetime) -> Wording:
        _, codes, types = [k for k in self.known if k[0] <= moment][-1]
        recorded = row["recorded_ts_local"]
        day = recorded.date() if recorded else date(9998, 12, 31)
        dated = sorted(d for c, d in codes if c == row["ho_offence_code"])
        held = [d for d in dated if d <= day] or dated
        by_code = codes[row["ho_offence_code"], held[-1]] if held else None
        by_type = types.get(row["policeuk_category"])
        first, second = by_code or by_type or NOTHING, by_type or NOTHING
        return first[0], second[1] if first[1] is None else first[1], first[2]

    def live(self, moment: datetime) -> list[Row]:
        return [
            r for r in self.desk.rows("history.crime_versions")
            if r["record_status"] == "live" and r["known_from_utc"] <= moment
            and (r["known_to_utc"] is None or r["known_to_utc"] > moment)
        ]  # fmt: skip

    def check(self, moment: datetime) -> None:
        """The entries of the change against every crime that was known just before it."""
        crimes = self.live(moment - TICK)
        turns = [(r, self.effect(r, moment - TICK), self.effect(r, moment)) for r in crimes]
        touched = [(r, was, now) for r, was, now in turns if was != now]
        expected: Counter[tuple[Any, ...]] = Counter()
        for row, was, now in touched:
            expected["left", row["week_start"], row["police_day"], row["cell_r9"], was[0]] += 1
            expected["came", row["week_start"], row["police_day"], row["cell_r9"], now[0]] += 1
        entries = [r for r in self.desk.rows("history.affected_weeks") if r["known_from_utc"] == moment and r["extract_id"].startswith("lookup:")]  # fmt: skip
        found = {tuple(r[c] for c in ("side", "week_start", "police_day", "cell_r9", "cat_group")): r["n_records"] for r in entries}  # fmt: skip
        assert found == dict(expected)
        assert all(r["event_date"] == r["police_day"] and r["n_new"] == 0 for r in entries)
        [book] = [r for r in self.desk.rows(CHANGES) if r["known_from_utc"] == moment]
        assert (book["n_known"], book["n_touched"]) == (len(crimes), len(touched))
        assert book["n_weeks"] == len({r["week_start"] for r, _, _ in touched})
        told = [r for r in self.desk.rows("history.recodes") if r["known_from_utc"] == moment and r["feed"] == "lookup"]  # fmt: skip
        assert len(told) == book["n_codes"] and {r["table_name"] for r in told} == {book["table_name"]}  # fmt: skip
        column = "ho_offence_code" if book["table_name"] == "offence_codes" else "policeuk_category"
        for recode in told:
            n = sum(r[column] == recode["record_id"] for r, _, _ in touched)
            counted = re.search(r"(\d+) live crimes? in", recode["words"])
            assert int(counted[1]) if counted else n == 0
        assert sum(r[column] in {t["record_id"] for t in told} for r, _, _ in touched) == len(touched)  # fmt: skip

    def counts(self) -> Counter[tuple[Any, ...]]:
        now = datetime(9999, 1, 1)
        return Counter((r["police_day"], r["cell_r9"], self.effect(r, now)[0]) for r in self.live(now))  # fmt: skip


def _columns(wording: Wording) -> Row:
    return dict(zip(("cat_group", "cchi_days", "police_generated"), wording, strict=True))


@pytest.mark.parametrize("seed", seeds(1, 6, n=12))
def test_entries_are_those_by_hand_and_add_up_to_what_is_counted(seed: int, desk: Desk) -> None:
    """Whatever comes first, a lookup, an extract of the feed that is behind, a late one: the entries of a cell, day and
    group add up."""
    world = World(desk, seed)
    n_changes = 0
    for _ in range(6):
        if world.rng.random() < 0.6:
            world.new_lookups()
        for feed in ("near", "far"):
            if world.rng.random() < 0.6:
                world.extract(feed)
            if world.rng.random() < 0.2:
                world.extract(feed, late=True)
        n_changes += len(world.run())
        total: Counter[tuple[Any, ...]] = Counter()
        for r in desk.rows("history.affected_weeks"):
            total[r["police_day"], r["cell_r9"], r["cat_group"]] += r["n_records"] * (1 if r["side"] == "came" else -1)  # fmt: skip
        # the two bystanders came with the first loads, of which nothing is entered
        bystanders = Counter({(date(2026, 1, 9), cell(9), "OTHER"): 2})
        assert {k: n for k, n in (total + bystanders).items() if n} == dict(world.counts())
        assert min(total.values(), default=0) >= 0
    assert n_changes


@pytest.mark.parametrize("seed", seeds(1, n=6))
def test_the_weeks_computed_again_are_those_whose_figures_change(seed: int, desk: Desk) -> None:
    world = World(desk, seed)
    for _ in range(3):
        world.extract("near")
    world.run()
    world.nights.events()
    computed(desk)
    n_weeks = 0
    for _ in range(4):
        before = {r["record_id"]: world.effect(r, datetime(9999, 1, 1)) for r in world.live(datetime(9999, 1, 1))}  # fmt: skip
        world.new_lookups()
        moments = world.run()
        wanted = set()
        for row in world.live(datetime(9999, 1, 1)):
            was, now = before[row["record_id"]], world.effect(row, datetime(9999, 1, 1))
            # what is OTHER before and after is in no figure
            if was != now and {was[0], now[0]} != {"OTHER"}:
                wanted.add(row["week_start"])
        world.nights.events()
        causes = backfill_ledger.causes(desk.session, desk.models["hexes.crime_weekly"])
        refreshed = set(computed(desk)["hexes.crime_weekly"])
        assert refreshed == wanted
        entered = {r["week_start"] for r in desk.rows("history.affected_weeks") if r["known_from_utc"] in moments}  # fmt: skip
        assert wanted <= entered
        for week in refreshed:
            assert "lookup:" in causes[week]["extract_ids"]
        n_weeks += len(wanted)
    assert n_weeks


# ---------- words


@pytest.fixture
def told(desk: Desk) -> Nights:
    groups(desk)
    return Nights(desk)


def test_a_change_in_words(told: Nights) -> None:
    later = on(datetime(2026, 3, 4, 12))
    told.night(0, crime("p"), crime("q", **later), crime("r", record_status="cancelled"), crime("s", ho_offence_code="034/01"))  # fmt: skip
    changed = {**CODES[0], "cat_group": "PUBLIC_ORDER", "cchi_days": Decimal(20)}
    new = {"ho_offence_code": "010/01", "cat_group": "WEAPONS"}
    groups(told.desk, [{**c, "lookup_version": "two"} for c in (changed, new, *CODES[2:])])
    told.desk.digest()
    assert told.recodes("table_name", "aspect", "was", "became", "words", "why") == [
        ("005/04", "offence_codes", "lookup", "VAP, 1460 days", None,
         "offence 005/04: no longer in the lookup; no live crime is counted otherwise", "lookup version x became two"),
        ("008/06", "offence_codes", "lookup", "VAP, 10 days", "PUBLIC_ORDER, 20 days",
         "offence 008/06: group VAP became PUBLIC_ORDER, harm 10 days became 20 days; 2 live crimes in 2 weeks", "lookup version x became two"),
        ("010/01", "offence_codes", "lookup", None, "WEAPONS",
         "offence 010/01: added: WEAPONS; no live crime is counted otherwise", "lookup version x became two"),
    ]  # fmt: skip
    assert set(told.recodes("known_from_utc", "extract_id", "feed", "week_before")) == {
        (code, night(0) + TICK, "lookup:two", "lookup", None) for code in ("005/04", "008/06", "010/01")}  # fmt: skip
    assert picked(told.desk.rows(CHANGES), "table_name", "version_before", "lookup_version", "n_codes", "n_known", "n_touched", "n_weeks", "share_touched") == [
        ("offence_codes", "x", "two", 3, 3, 2, 2, 2 / 3)]  # fmt: skip
    assert told.affected("side", "week_start", "cat_group", "table_name") == {
        (side, week, group, "crimes") for side, group in (("left", "VAP"), ("came", "PUBLIC_ORDER")) for week in (MONDAY, date(2026, 3, 2))}  # fmt: skip


def test_a_code_with_a_new_wording_from_a_day_on(told: Nights) -> None:
    told.night(0, crime("p"), crime("q", recorded_ts_local=datetime(2026, 4, 1, 9)))
    ended = {**CODES[0], "valid_to": date(2026, 3, 31)}
    groups(told.desk, [ended, {**CODES[0], "valid_from": APRIL, "cat_group": "ROBBERY"}, *CODES[1:]])  # fmt: skip
    told.desk.digest()
    [(code, was, became, words)] = told.recodes("was", "became", "words")
    assert (code, was) == ("008/06", "wording of 2000-01-01: VAP, 10 days")
    assert became == "wording of 2000-01-01: VAP, 10 days; wording of 2026-04-01: ROBBERY, 10 days"
    assert words == (
        "offence 008/06: wording of 2000-01-01: last day none became 2026-03-31; wording of 2026-04-01: added: ROBBERY, 10 days; "
        "1 live crime in 1 week"
    )


def test_a_crime_type_of_a_feed_of_months(desk: Desk) -> None:
    def types(group: str) -> None:
        desk.session.execute("delete from validated.policeuk_categories")
        desk.given("validated.policeuk_categories", {"policeuk_category": "Public order", "cat_group": group})  # fmt: skip
        desk.take_in_lookups()

    types("PUBLIC_ORDER")
    common = {"ho_offence_code": None, "policeuk_category": "Public order", "police_day": None, "week_start": None}  # fmt: skip
    rows = [crime(f"p{m}", month=date(2026, m, 1), committed_time_known="month", **common) for m in (1, 2, 2)]  # fmt: skip
    told = Nights(desk)
    told.deliver(night(0), rows[:2], kind="snapshot", feed="police_uk_street")
    types("OTHER")
    desk.digest()
    assert told.recodes("table_name", "words") == [
        ("Public order", "policeuk_categories", "crime type Public order: group PUBLIC_ORDER became OTHER; 2 live crimes in 2 months")]  # fmt: skip
    assert told.affected("side", "week_start", "event_date", "cat_group") == {
        (side, None, date(2026, m, 1), group) for m in (1, 2) for side, group in (("left", "PUBLIC_ORDER"), ("came", "OTHER"))}  # fmt: skip


def test_the_count_ledger_does_not_move(told: Nights) -> None:
    told.night(0, crime("p"), crime("q"))
    before = told.ledger()
    groups(told.desk, [{**c, "cat_group": "OTHER"} for c in CODES])
    told.desk.digest()
    assert told.affected("side") == {("left",), ("came",)}
    assert told.ledger() == before


def test_a_lookup_is_known_before_the_extract_of_its_night(told: Nights) -> None:
    told.night(0, crime("p"))
    groups(told.desk, [{**CODES[0], "cat_group": "ROBBERY"}, *CODES[1:]])
    told.night(1, crime("q"), crime("p", **place(1)))
    assert told.affected("known_from_utc", "side", "cell_r9", "cat_group", "n_records", "n_new") == {
        (night(0) + TICK, "left", cell(0), "VAP", 1, 0), (night(0) + TICK, "came", cell(0), "ROBBERY", 1, 0),
        (night(1), "left", cell(0), "ROBBERY", 1, 0), (night(1), "came", cell(0), "ROBBERY", 1, 1),
        (night(1), "came", cell(1), "ROBBERY", 1, 0)}  # fmt: skip
    # as known: the old group up to the first extract, the new one after it
    for moment, group in ((night(0), "VAP"), (night(0) + TICK, "ROBBERY"), (night(1), "ROBBERY")):
        told.desk.run("history.offence_spans", known_at=moment)
        assert told.events(moment)["p"]["cat_group"] == group


def test_a_step_that_was_killed_between_goes_on_where_it_was(told: Nights) -> None:
    """The lookup is known, the records of the night too, and the entries of the lookup are written by the next run."""
    told.night(0, crime("p"))
    undisturbed = (told.desk.rows("history.recodes"), told.desk.rows("history.affected_weeks"))
    assert undisturbed == ([], [])
    groups(told.desk, [{**CODES[0], "cat_group": "ROBBERY"}, *CODES[1:]])
    told.night(1, crime("p", **place(1)))
    kept = {t: told.desk.rows(t) for t in (CHANGES, "history.recodes", "history.affected_weeks")}
    told.desk.session.execute(f"delete from {CHANGES}")
    told.desk.session.execute("delete from history.recodes where feed = 'lookup'")
    told.desk.session.execute("delete from history.affected_weeks where extract_id like 'lookup:%'")
    told.night(2, crime("q", **place(2)))
    for table, rows in kept.items():
        assert [r for r in told.desk.rows(table) if r.get("known_from_utc") < night(2)] == rows


@pytest.mark.parametrize(("n_other", "is_large"), [(52, False), (53, True)])
def test_a_change_of_over_a_twentieth_warns_until_the_next_delivery(n_other: int, is_large: bool, told: Nights) -> None:  # fmt: skip
    plain = [crime(f"p{n}") for n in range(1050 - n_other)]
    told.night(0, *plain, *(crime(f"q{n}", ho_offence_code="034/01") for n in range(n_other)))
    groups(told.desk, [c for c in CODES if c["ho_offence_code"] != "034/01"])
    told.desk.digest()
    assert told.desk.bad_rows(CHANGES, "lookup_change_is_small") == int(is_large)
    assert not any(r["is_held"] for r in told.desk.rows("history.extracts"))
    told.desk.session.execute(f"update {CHANGES} set digested_at_utc = digested_at_utc - interval 1 hour")  # fmt: skip
    assert told.desk.bad_rows(CHANGES, "lookup_change_is_small") == 0


# ---------- a warehouse of before


def test_a_warehouse_without_lookup_versions_takes_its_lookups_as_known_always(desk: Desk) -> None:
    """Its extracts and versions stand; the tables of the lookups are new. No entry is written, and the past reads as before."""
    groups(desk)
    told = Nights(desk)
    told.night(0, crime("p"))
    told.night(1, crime("p", ho_offence_code="034/01"), crime("q"))
    kept = {t: desk.rows(t) for t in ("history.recodes", "history.affected_weeks", "history.offence_spans")}  # fmt: skip
    for table in (VERSIONS, CHANGES, "history.offence_span_versions"):
        desk.session.execute(f"drop table {table}")
        desk.session.ensure(desk.session.catalog[table])
    [taken] = desk.take_in_lookups()
    desk.digest()
    assert (taken.known_from, taken.n_closed) == (ALWAYS, 0)
    assert {r["known_from_utc"] for r in desk.rows(VERSIONS)} == {ALWAYS}
    assert {t: desk.rows(t) for t in kept} == kept and desk.rows(CHANGES) == []
    assert told.events(night(0))["p"]["cat_group"] == "VAP"
