"""Tables that follow others: computed for the rows that changed, they hold what a whole build would give."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hotspot_pipeline.hexes import site_matches
from hotspot_pipeline.sql_models.assets import write_model
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.following import replace_followed
from hotspot_pipeline.warehouse.session import AuditsFailed, Write
from hotspot_pipeline_tests.sql.conftest import NOW, Desk
from hotspot_pipeline_tests.sql.history.made_extracts import (
    CODES,
    Nights,
    Row,
    crime,
    groups,
    incident,
    night,
    place,
)

CRIMES, ASB = "history.crimes_current", "history.asb_current"
MATCHES, EVENTS = "hexes.site_matches", "hexes.events"
STATUSES = ("live", "live", "cancelled", "transferred_out")
SITE = {"site_id": "s", "kind": "hospital", "easting": 431000.0, "northing": 265000.0, "radius_m": 100.0}  # fmt: skip


def follow(desk: Desk, known_at: datetime = NOW) -> dict[str, Write]:
    """The four tables brought up to date, in their order."""
    session, catalog = desk.session, desk.session.catalog
    done = {t: write_model(session, desk.models[t], {"known_at": known_at}) for t in (CRIMES, ASB)}
    done[MATCHES] = replace_followed(session, catalog[MATCHES], site_matches.rows_of(session))
    done[EVENTS] = write_model(session, desk.models[EVENTS], {})
    desk._written |= {*done}
    return done


def compare(desk: Desk, known_at: datetime = NOW) -> None:
    """Each table against its whole query; the matches against the kernel over everything. Fingerprints too."""
    session = desk.session
    for table in (CRIMES, ASB, EVENTS):
        model = desk.models[table]
        columns = ", ".join(model.contract.column_types)
        whole = f"select {columns} from ({model.sql})"
        bound = model.bound({"known_at": known_at})
        for a, b in ((whole, f"select {columns} from {table}"), (f"select {columns} from {table}", whole)):  # fmt: skip
            assert session.frame(f"({a}) except all ({b})", bound).to_dicts() == [], table
    order = ["extract_id", "line_no", "match_reason", "site_id"]
    found = session.frame(f"select * from {MATCHES}").sort(order)
    whole_matches = site_matches.site_matches(session, {}).select(found.columns)
    assert found.equals(whole_matches.sort(order))


def fingerprints_hold(desk: Desk, done: dict[str, Write]) -> None:
    for table, write in done.items():
        standing = desk.session.standing(desk.session.catalog[table], is_edited=True)
        assert (write.n_rows, write.content) == standing, table


def somewhere(dice: random.Random) -> Row:
    return place(dice.randrange(3), dice.randrange(3))


def some_crime(dice: random.Random, number: int) -> Row:
    return crime(
        f"c{number}", record_status=dice.choice(STATUSES), ho_offence_code=dice.choice(CODES)["ho_offence_code"],
        flag_da=dice.random() < 0.2, **somewhere(dice),
    )  # fmt: skip


def some_incident(dice: random.Random, number: int) -> Row:
    return incident(f"i{number}", **somewhere(dice))


def start(desk: Desk, dice: random.Random, *, whole: bool = False) -> tuple[Nights, Nights]:
    groups(desk)
    desk.given("history.excluded_sites_current", SITE)
    crimes, calls = Nights(desk, whole=whole), Nights(desk, table="asb_incidents")
    crimes.night(0, *(some_crime(dice, n) for n in range(120)))
    calls.night(0, *(some_incident(dice, n) for n in range(60)), name="calls-0")
    return crimes, calls


@pytest.mark.parametrize("seed", [0, 2])
def test_random_nights_by_name_give_what_a_whole_build_gives(desk: Desk, seed: int) -> None:
    """Recodes, new and late records, withdrawals, a moment of knowledge that goes back, sites and lookups that change."""
    dice = random.Random(seed)
    crimes, calls = start(desk, dice, whole=seed == 2)
    assert all(w.how.startswith("whole") for w in follow(desk).values())
    known_at, n_by_name, delivered = NOW, 0, []
    for n in range(1, 5):
        expect_whole: set[str] = set()
        delivered.append(crimes.night(n, *(some_crime(dice, dice.randrange(125)) for _ in range(3))))  # fmt: skip
        if dice.random() < 0.6:
            calls.night(
                n, *(some_incident(dice, dice.randrange(62)) for _ in range(2)), name=f"calls-{n}"
            )
        what = dice.choice(["site", "lookup", "withdraw", "late", "past", "", ""])
        if what == "site":
            desk.session.execute("update history.excluded_sites_current set radius_m = radius_m + 900")  # fmt: skip
            expect_whole = {MATCHES}
        elif what == "lookup":
            desk.session.execute("update history.offence_spans set cchi_days = coalesce(cchi_days, 0) + 1")  # fmt: skip
            expect_whole = {EVENTS}
        elif what == "withdraw" and not crimes.whole:
            crimes.withdraw(delivered.pop())
        elif what == "late" and not crimes.whole:
            crimes.deliver(night(n) - timedelta(hours=7), [some_crime(dice, dice.randrange(125))], kind="delta")  # fmt: skip
        elif what == "past":
            known_at = NOW if known_at != NOW else night(n - 1)
        done = follow(desk, known_at)
        compare(desk, known_at)
        fingerprints_hold(desk, done)
        for table in expect_whole:
            assert "is other than at the last build" in done[table].how
        n_by_name += sum("by name" in w.how for w in done.values())
    assert n_by_name >= 4, "else this tests nothing but whole builds"


def test_only_what_changed_is_computed_and_said(desk: Desk) -> None:
    dice = random.Random(1)
    crimes, _ = start(desk, dice)
    follow(desk)
    quiet = follow(desk)
    assert {w.how for w in quiet.values()} == {"0 rows by name"}
    assert not any(w.changed for w in quiet.values())
    crimes.night(1, crime("c3", record_status="cancelled"), crime("new"))
    done = follow(desk)
    # the state that left, and the two that came
    assert (done[CRIMES].how, done[EVENTS].how) == ("3 rows by name", "3 rows by name")
    assert done[CRIMES].changed
    assert done[ASB].how == "0 rows by name"
    compare(desk)


def removed(desk: Desk) -> None:
    desk.session.execute(f"delete from {CRIMES} where crime_pid = 'c5'")


def altered(desk: Desk) -> None:
    desk.session.execute(f"update {CRIMES} set location_desc = 'elsewhere' where crime_pid = 'c5'")


def forgotten(desk: Desk) -> None:
    desk.session.execute("delete from increments.builds where table_name = 'history.crime_versions'")  # fmt: skip


def begun_anew(desk: Desk) -> None:
    """A book that counts from the beginning again would have its followers believe that they have seen it all."""
    desk.session.execute("update increments.builds set change_no = 0, whole_no = 0 where table_name = 'history.crime_versions'")  # fmt: skip


def edited(desk: Desk) -> None:
    desk.session.execute("delete from history.crime_versions where record_id = 'c5'")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (removed, "its rows are not those of the last build"),
        (altered, "its rows are not those of the last build"),
        (forgotten, "of history.crime_versions it is not known what changed"),
        (begun_anew, "history.crime_versions was built whole, or too many nights ago"),
        (edited, "history.crime_versions was changed by something else"),
    ],
)
def test_whatever_is_not_as_booked_means_a_whole_build(desk: Desk, harm: Callable[[Desk], None], reason: str) -> None:  # fmt: skip
    start(desk, random.Random(2))
    follow(desk)
    harm(desk)
    assert follow(desk)[CRIMES].how == f"whole: {reason}"
    compare(desk)


def test_another_query_computes_all(desk: Desk) -> None:
    start(desk, random.Random(3))
    follow(desk)
    model = desk.models[CRIMES]
    other: SqlModel = replace(model, sql=model.sql + " and crime_pid <> 'c5'", code_version="x")
    write = write_model(desk.session, other, {"known_at": NOW})
    assert write.how == "whole: its query or its columns are other than at the last build"
    assert write.changed


def test_a_part_that_breaks_a_rule_is_rolled_back(desk: Desk) -> None:
    """The grain is looked at over the whole table: two rows of different names with one event_id."""
    crimes, _ = start(desk, random.Random(4))
    follow(desk)
    before = desk.rows(EVENTS)
    # the same crime in a second feed: another name, the same event
    desk.given("raw.extracts", {"extract_id": "other", "feed": "other", "table_name": "crimes", "kind": "delta", "status": "loaded",
                                "order_ts_utc": night(1), "extract_ts_utc": night(1)})  # fmt: skip
    desk.given("validated.crimes", crime("c3") | {"extract_id": "other", "accepted_with": "other"})
    crimes._came("other")
    with pytest.raises(AuditsFailed, match="grain_is_unique"):
        follow(desk)
    assert desk.rows(EVENTS) == before


def test_a_table_left_behind_is_built_whole(desk: Desk) -> None:
    """Followers that miss nights catch up by the changes kept; with the book pruned behind them, whole."""
    crimes, _ = start(desk, random.Random(5))
    follow(desk)
    for n in (1, 2):
        crimes.night(n, crime(f"c{n}", record_status="cancelled"))
        write_model(desk.session, desk.models[CRIMES], {"known_at": NOW})
    assert "by name" in follow(desk)[EVENTS].how
    compare(desk)
    desk.session.execute(
        "update increments.builds set change_no = change_no + 1000 where table_name = $t",
        {"t": CRIMES},
    )
    assert follow(desk)[EVENTS].how.startswith(f"whole: {CRIMES} was built whole, or too many")
    compare(desk)


def changes_of(desk: Desk, table: str) -> list[dict[str, Any]]:
    return desk.session.frame(
        "select * from increments.changes where table_name = $t", {"t": table}
    ).to_dicts()


def test_a_write_that_fails_books_nothing(desk: Desk) -> None:
    crimes, _ = start(desk, random.Random(6))
    follow(desk)
    booked = changes_of(desk, CRIMES)
    crimes.night(1, crime("c3", record_status="cancelled"))
    model = desk.models[CRIMES]
    broken = replace(model, sql=f"select * replace (null as feed) from ({model.sql})")
    with pytest.raises(AuditsFailed):
        write_model(desk.session, broken, {"known_at": NOW})
    assert changes_of(desk, CRIMES) == booked
    follow(desk)
    compare(desk)
