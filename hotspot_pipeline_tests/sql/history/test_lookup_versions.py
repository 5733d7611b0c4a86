"""What was known when of the lookups: random files one after the other, against a list of (moment, file) kept by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.history.lookups import ALWAYS, VERSIONS, take_in
from hotspot_pipeline_tests.sql.conftest import Desk, picked
from hotspot_pipeline_tests.sql.history.made_extracts import (
    CODES,
    TICK,
    Nights,
    crime,
    groups,
    night,
)

Row = dict[str, Any]
START = date(2000, 1, 1)
STATES: tuple[Row, ...] = (
    {"cat_group": "VAP", "cchi_days": Decimal("10.00")},
    {"cat_group": "VAP", "cchi_days": None},
    {"cat_group": "ROBBERY", "cchi_days": Decimal("10.00"), "police_generated": True},
    {"cat_group": "VAP", "cchi_days": Decimal("10.00"), "ho_class_code": "8N"},
    {"cat_group": "VAP", "cchi_days": Decimal("10.00"), "valid_to": date(2026, 3, 31)},
)
keys = st.tuples(st.sampled_from(["008/06", "034/01"]), st.sampled_from([START, date(2026, 4, 1)]))
files = st.fixed_dictionaries({
    "codes": st.dictionaries(keys, st.sampled_from(STATES)),
    "types": st.dictionaries(st.sampled_from(["Robbery", "Burglary"]), st.sampled_from(STATES[:3])),
    # extracts that are known before the next file comes
    "n_nights": st.integers(0, 2),
})  # fmt: skip


def put(desk: Desk, version: str, codes: dict[tuple[str, date], Row], types: dict[str, Row]) -> None:  # fmt: skip
    """The files in place of those before."""
    for table in ("offence_codes", "policeuk_categories"):
        desk.session.execute(f"delete from validated.{table}")
    common = {"lookup_version": version}
    desk.given("validated.offence_codes", *(
        {"ho_offence_code": code, "valid_from": day, **state, **common} for (code, day), state in codes.items()))  # fmt: skip
    desk.given("validated.policeuk_categories", *({"policeuk_category": name, **state, **common} for name, state in types.items()))  # fmt: skip


def known(desk: Desk, moment: datetime) -> set[tuple[Any, ...]]:
    """The rows that were the answer then."""
    rows = [
        r for r in desk.rows(VERSIONS)
        if r["known_from_utc"] <= moment and (r["known_to_utc"] is None or r["known_to_utc"] > moment)
    ]  # fmt: skip
    columns = ("table_name", "code", "valid_from", "cat_group", "cchi_days", "police_generated", "ho_class_code", "valid_to")  # fmt: skip
    found = set(picked(rows, *columns))
    assert len(found) == len(rows)
    return found


def told(file: Row) -> set[tuple[Any, ...]]:
    def row(table: str, code: str, day: date, s: Row) -> tuple[Any, ...]:
        generated = s.get("police_generated", False)
        return (table, code, day, s["cat_group"], s["cchi_days"], generated, s.get("ho_class_code"), s.get("valid_to"))  # fmt: skip

    return {row("offence_codes", code, day, s) for (code, day), s in file["codes"].items()} | {
        row("policeuk_categories", name, ALWAYS.date(), s) for name, s in file["types"].items()
    }


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(files, min_size=1, max_size=5))
def test_earlier_answers_never_move_and_the_newest_is_the_newest_file(desk: Desk, came: list[Row]) -> None:  # fmt: skip
    desk.clear()
    desk.given(VERSIONS)
    # a lookup of which no file had a row was never an answer
    came = [{"codes": {("008/06", START): STATES[0]}, "types": {"Robbery": STATES[0]}, "n_nights": 1}, *came]  # fmt: skip
    n, answers = 0, {}
    for number, file in enumerate(came):
        put(desk, f"v{number}", file["codes"], file["types"])
        newest = desk.session.value("select max(known_from_utc) from history.extracts")
        for found in take_in(desk.session, run_id="r"):
            assert found.known_from == ALWAYS or newest is None or found.known_from > newest
        # nothing that was known up to the newest extract is another now
        for moment, answer in answers.items():
            assert known(desk, moment) == answer, moment
        later = desk.session.value(f"select max(greatest(known_from_utc, known_to_utc)) from {VERSIONS}") or ALWAYS  # fmt: skip
        assert known(desk, later) == known(desk, datetime(9999, 1, 1)) == told(file)
        for _ in range(file["n_nights"]):
            n += 1
            taken_at = night(n)
            desk.given("history.extracts", {"extract_id": f"e{n}", "known_from_utc": taken_at, "withdrawn_known_utc": None})  # fmt: skip
            answers[taken_at] = answers[taken_at - timedelta(hours=5)] = told(file)
        answers[later] = told(file)
    follows(desk)


def follows(desk: Desk) -> None:
    """The states of a row do not overlap, and each that follows at once differs from the one before it."""
    assert desk.bad_rows(VERSIONS, "lookup_answers_follow") == 0
    rows = desk.rows(VERSIONS)
    content = ("cat_group", "cchi_days", "police_generated", "ho_class_code", "valid_to")
    for a, b in pairwise(rows):
        if [a[k] for k in ("table_name", "code", "valid_from")] == [b[k] for k in ("table_name", "code", "valid_from")]:  # fmt: skip
            assert a["known_to_utc"] is not None and a["known_to_utc"] <= b["known_from_utc"]
            assert a["known_to_utc"] < b["known_from_utc"] or [a[c] for c in content] != [b[c] for c in content]  # fmt: skip
    open_ = [r for r in rows if r["known_to_utc"] is None]
    assert all(r["closed_with"] is None for r in open_)
    assert all(r["closed_with"] for r in rows if r["known_to_utc"])


def test_the_words_of_a_change(desk: Desk) -> None:
    told = Nights(desk)
    plain: Row = {"cat_group": "VAP", "cchi_days": Decimal("10.00")}
    put(desk, "v1", {("a", START): plain, ("b", START): plain}, {})
    assert [(t.table, t.known_from, t.n_added, t.n_closed) for t in desk.take_in_lookups()] == [
        ("offence_codes", ALWAYS, 2, 0)]  # fmt: skip
    told.night(0, crime("p"))
    other = {"cat_group": "PUBLIC_ORDER", "cchi_days": Decimal("20.50"), "police_generated": True}
    put(desk, "v2", {("a", START): other, ("c", START): plain}, {})
    desk.take_in_lookups()
    put(desk, "v3", {("a", START): {**other, "cchi_days": None}, ("b", START): plain}, {})
    desk.take_in_lookups()
    first, second = night(0) + TICK, night(0) + 2 * TICK
    assert picked(desk.rows(VERSIONS), "code", "change", "lookup_version", "known_from_utc", "known_to_utc", "closed_with") == [
        ("a", "known from the start", "v1", ALWAYS, first, "v2"),
        ("a", "group VAP became PUBLIC_ORDER, harm 10 days became 20.5 days, police-generated no became yes", "v2", first, second, "v3"),
        ("a", "harm 20.5 days became none", "v3", second, None, None),
        ("b", "known from the start", "v1", ALWAYS, first, "v2"),
        ("b", "back in the lookup", "v3", second, None, None),
        ("c", "added", "v2", first, second, "v3"),
    ]  # fmt: skip


def test_nothing_is_sealed_before_the_first_extract(desk: Desk) -> None:
    """A force that puts its own lookups in before its first delivery never answered by the shipped ones."""
    put(desk, "v1", {("a", START): STATES[0]}, {})
    desk.take_in_lookups()
    put(desk, "v2", {("a", START): STATES[1]}, {})
    desk.take_in_lookups()
    Nights(desk).night(0, crime("p"))
    assert known(desk, night(0)) == told({"codes": {("a", START): STATES[1]}, "types": {}})


def test_a_change_is_known_after_what_was_known_though_history_is_written_anew(desk: Desk) -> None:
    """The book is empty for a moment; the newest extract of earlier runs says how far was answered. That of this run is news."""
    groups(desk)
    common = {"table_name": "crimes", "status": "loaded"}
    desk.given(
        "raw.extracts",
        common | {"extract_id": "e1", "order_ts_utc": night(1), "run_id": "earlier"},
        common | {"extract_id": "e2", "order_ts_utc": night(2), "run_id": "r"},
        common | {"extract_id": "e3", "order_ts_utc": night(3), "run_id": "earlier", "table_name": "venues"},
        common | {"extract_id": "e4", "order_ts_utc": night(4), "run_id": "earlier", "status": "refused"},
    )  # fmt: skip
    groups(desk, CODES[1:])
    assert {r["known_to_utc"] for r in desk.rows(VERSIONS)} == {None, night(1) + TICK}


def test_a_change_comes_after_a_withdrawal_that_is_known(desk: Desk) -> None:
    nights = Nights(desk)
    groups(desk)
    nights.night(0, crime("p"), name="right")
    nights.night(1, crime("p"), name="wrong")
    nights.withdraw("wrong")
    groups(desk, [{**CODES[0], "cat_group": "ROBBERY"}, *CODES[1:]])
    [moved] = [r for r in desk.rows(VERSIONS) if r["cat_group"] == "ROBBERY" and r["code"] == "008/06"]  # fmt: skip
    assert moved["known_from_utc"] == night(1) + 2 * TICK


@pytest.mark.parametrize("at", [ALWAYS, night(0), night(0) + TICK])
def test_spans_and_types_as_known_at_a_moment(at: datetime, desk: Desk) -> None:
    put(desk, "v1", {("a", START): STATES[0]}, {"Robbery": STATES[0]})
    desk.take_in_lookups()
    Nights(desk).night(0, crime("p"))
    # both files change in one night: the codes are known first, then the types
    put(desk, "v2", {("a", START): STATES[2], ("b", START): STATES[0]}, {"Burglary": STATES[2]})
    desk.take_in_lookups()
    spans, types = (desk.run(f"history.{m}", known_at=at) for m in ("offence_spans", "policeuk_categories_current"))  # fmt: skip
    is_new = at > night(0)
    assert set(picked(spans, "ho_offence_code", "cat_group")) == ({("a", "ROBBERY"), ("b", "VAP")} if is_new else {("a", "VAP")})  # fmt: skip
    assert picked(types, "policeuk_category") == [("Robbery",)]
    after = desk.run("history.policeuk_categories_current", known_at=night(0) + 2 * TICK)
    assert picked(after, "policeuk_category", "cat_group") == [("Burglary", "ROBBERY")]
