"""Which reason a record gets, in which figures it shows, and how that reads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.published.bulletin.figures import LastIssue
from hotspot_pipeline.published.bulletin.reasons import late, reasoned, shown_in
from hotspot_pipeline.published.bulletin.words import changes, summary, why

MONDAY, NEXT = date(2026, 1, 5), date(2026, 1, 12)
WINDOWS = pl.DataFrame({"period_from": [date(2026, 1, 1)], "period_to": [date(2026, 1, 10)]})
_SIDE = {"cat_group": pl.String, "event_date": pl.Date, "week_start": pl.Date, "hotspot_id": pl.String}  # fmt: skip
_RECORDS = (
    {"feed": pl.String, "source_system": pl.String, "record_id": pl.String}
    | {f"{c}_{side}": t for side in ("then", "now") for c, t in _SIDE.items()}
    | {"is_new": pl.Boolean, "exclusion_reason": pl.String}
)
_RECODES = {"feed": pl.String, "source_system": pl.String, "record_id": pl.String, "known_from_utc": pl.Datetime, "aspect": pl.String,
            "words": pl.String}  # fmt: skip
Counted = tuple[str, date, date | None, str | None]
HERE: Counted = ("VAP", date(2026, 1, 9), MONDAY, "H")


def record(then: Counted | None, now: Counted | None, name: str = "a", **more: Any) -> tuple[Any, ...]:  # fmt: skip
    sides = [*(then or (None,) * 4), *(now or (None,) * 4)]
    return ("f", "s", name, *sides, more.get("is_new", False), more.get("exclusion_reason"))


def told(records: list[tuple[Any, ...]], recodes: list[tuple[str, int, str, str]] = []) -> pl.DataFrame:  # fmt: skip  # noqa: B006
    """`recodes`: (record, night, aspect, words)."""
    return reasoned(
        pl.DataFrame(records, schema=_RECORDS, orient="row"),
        pl.DataFrame([("f", "s", r, datetime(2026, 6, night), aspect, words) for r, night, aspect, words in recodes],
                     schema=_RECODES, orient="row"),
    )  # fmt: skip


OTHER_GROUP = ("ROBBERY", *HERE[1:])
ELSEWHERE = (*HERE[:3], "I")
CASES: dict[str, tuple[tuple[Any, ...], list[tuple[str, int, str, str]], tuple[str, str]]] = {
    "new": (record(None, HERE, is_new=True), [("a", 2, "class", "reclassified within its group")], ("new", "came new")),
    "cancelled and reclassified": (
        record(HERE, None, exclusion_reason="not_live"),
        [("a", 2, "class", "x"), ("a", 1, "status", "cancelled")], ("recoded", "cancelled")),
    "domestic, and moved on the same day": (
        record(HERE, None, exclusion_reason="domestic"),
        [("a", 1, "geo", "moved 5 m, within its cell"), ("a", 1, "flags", "flags changed")], ("recoded", "with other flags")),
    "reclassified out of scope": (
        record(HERE, None, exclusion_reason="out_of_scope_category"), [("a", 1, "class", "x")], ("recoded", "reclassified")),
    "location lost": (
        record(HERE, None, exclusion_reason="no_location"), [("a", 1, "geo", "location lost")], ("recoded", "without a location now")),
    "group and place": (
        record(HERE, ("ROBBERY", *HERE[1:3], "I")), [("a", 2, "geo", "moved 600 m, to another cell"), ("a", 1, "class", "x")],
        ("recoded", "reclassified")),
    "moved": (record(HERE, ELSEWHERE), [("a", 1, "time", "x"), ("a", 1, "geo", "moved 600 m, to another cell")], ("recoded", "moved")),
    "re-dated": (record(HERE, ("VAP", NEXT, NEXT, "H")), [("a", 1, "geo", "moved 3 m"), ("a", 1, "time", "x")], ("recoded", "re-dated")),
    "the newest of two": (
        record(None, HERE), [("a", 1, "status", "cancelled"), ("a", 2, "status", "reinstated")], ("recoded", "reinstated")),
    "missing": (record(HERE, None, exclusion_reason="not_live"), [("a", 1, "missing", "x")], ("recoded", "no longer in the source")),
    "a new site": (record(HERE, None, exclusion_reason="excluded_site"), [], ("other", "no longer counted (excluded site)")),
    "no event any more": (record(HERE, None), [], ("other", "no longer on record")),
    "a site taken away": (record(None, HERE), [], ("other", "counted now")),
    "a lookup": (record(HERE, OTHER_GROUP), [], ("other", "in another group by the lookup")),
    "a rule about days": (record(HERE, ("VAP", NEXT, NEXT, "H")), [], ("other", "dated otherwise")),
    "another outline": (record(HERE, (*HERE[:3], None)), [], ("other", "in other hotspot cells")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_reason_for_each_record(case: str) -> None:
    given, recodes, expected = CASES[case]
    unrelated = [("b", 9, "status", "cancelled")]
    assert told([given], recodes + unrelated).select("origin", "change").rows() == [expected]


def test_a_record_shows_where_it_left_and_where_it_came() -> None:
    moved = told([record(HERE, ELSEWHERE)], [("a", 1, "geo", "moved 600 m, to another cell")])
    shown, showing = shown_in(moved, WINDOWS, {"H", "I"})
    assert shown.select("figure", "place", "sign", "n").rows() == [
        ("hotspot_week", "H", -1, 1), ("hotspot_week", "I", 1, 1),
        ("hotspot_window", "H", -1, 1), ("hotspot_window", "I", 1, 1)]  # fmt: skip
    assert showing.height == 1


def test_a_hotspot_that_is_new_or_gone_is_no_place_to_show_in() -> None:
    redrawn = told([record(HERE, ELSEWHERE)])
    shown, showing = shown_in(redrawn, WINDOWS, {"H"})
    assert shown.get_column("place").unique().to_list() == ["H"]
    assert [part.height for part in shown_in(redrawn, WINDOWS, ())] == [0, 0]
    assert showing.height == 1


def test_a_day_within_its_week_shows_only_at_the_edge_of_the_window() -> None:
    def of(day: int) -> tuple[Any, ...]:
        return record(HERE, ("VAP", date(2026, 1, day), MONDAY, "H"))

    shown, showing = shown_in(told([of(10)]), WINDOWS, {"H", "I"})
    assert (shown.height, showing.height) == (0, 0)
    shown, _ = shown_in(told([of(11)]), WINDOWS, {"H", "I"})
    assert shown.select("figure", "sign").rows() == [("hotspot_window", -1)]


def test_events_known_by_month_count_in_months() -> None:
    month = ("VAP", date(2026, 1, 1), None, "H")
    shown, _ = shown_in(told([record(None, month, is_new=True)]), WINDOWS, {"H", "I"})
    assert shown.select("figure", "period_from").rows() == [
        (f, date(2026, 1, 1)) for f in ("force_month", "hotspot_month", "hotspot_window")]  # fmt: skip


def test_late_is_what_came_into_a_week_that_had_ended() -> None:
    def new(name: str, now: Counted) -> tuple[Any, ...]:
        return record(None, now, name, is_new=True)

    records = told(
        [new("a", HERE), new("b", ("VAP", NEXT, NEXT, None)), new("c", ("VAP", date(2026, 1, 1), None, None))]
    )  # fmt: skip

    def found(data_to: date, month_to: date | None = None) -> list[str]:
        return late(records, LastIssue(7, data_to, MONDAY, month_to))["record_id"].to_list()

    assert found(date(2026, 1, 10)) == []
    assert found(date(2026, 1, 11)) == ["a"]
    assert found(date(2026, 1, 18), date(2025, 12, 1)) == ["a", "b"]
    # a month is delivered whole
    assert found(date(2026, 1, 18), date(2026, 1, 1)) == ["a", "b", "c"]


def test_why_names_recodes_first_and_what_no_record_explains_last() -> None:
    parts = [("other", "in other hotspot cells", 1, 9), ("new", "came new", 1, 1200), ("recoded", "moved", -1, 2),
             ("recoded", "cancelled", -1, 3), ("recoded", "with other flags", 1, 1)]  # fmt: skip
    assert why(parts) == (
        "3 cancelled, 2 moved out of it, 1 with other flags, into it, 1,200 came new; no record changed: 9 in other hotspot cells, into it"
    )
    assert why([("other", "no longer counted (excluded site)", -1, 1)]) == (
        "no record changed: 1 no longer counted (excluded site)")  # fmt: skip
    assert why([]) == ""


def test_the_changes_name_hotspots_that_records_came_into_or_left() -> None:
    records = told(
        [record(HERE, ELSEWHERE, "a"), record(HERE, None, "b", exclusion_reason="not_live"), record(None, HERE, "c", is_new=True)],
        [("a", 1, "geo", "moved 9 m, to another cell"), ("b", 1, "status", "merged into another crime")],
    )  # fmt: skip
    assert changes(records) == [
        "1 record came new", "1 record merged into another crime", "1 record moved",
        "hotspot H: 1 merged into another crime, 1 moved out of it", "hotspot I: 1 moved into it"]  # fmt: skip


def test_the_summary_names_no_more_than_a_few_hotspots() -> None:
    records = told(
        [record((*HERE[:3], f"H{n}"), (*HERE[:3], None), f"r{n}") for n in range(7)],
        [(f"r{n}", 1, "geo", "moved 900 m, to another cell") for n in range(7)],
    )
    nothing = pl.DataFrame(schema={"figure": pl.String, "place": pl.String, "state": pl.String, "is_open": pl.Boolean})  # fmt: skip
    assert summary((3, MONDAY), nothing, records, 0) == (
        "No figure of issue 3 (data to 2026-01-05) has changed. 7 records recoded: 7 moved (1 out of hotspot H0, 1 out of hotspot H1, "
        "1 out of hotspot H2, 1 out of hotspot H3, 3 into or out of others)."
    )
