"""Row rules about time: order of moments, dates that cannot be, windows and open incidents.

Belongs here: checks C1 (month of a file), C5, C6, C7, A1 and A2 of the domain specification. Does
not belong here: reading timestamps (`timestamps`), how well a crime's time is known (`committed`).

A bare date is a whole day: as the earlier of two moments it counts from its start, as the later one
to its end, so that "5 January, 22:00" and "reported 5 January" are in order. Moments are compared
on the wall clock they were delivered in; in the hour of the autumn change the order may be off by
an hour, which these tolerances allow.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.validated.broken import broken_rows, joined
from hotspot_pipeline.validated.rule import Rule, RuleInput

_REPORT_ALLOWANCE = timedelta(hours=1)
_CLOCKS_APART = timedelta(hours=1)
# outcomes and technical stamps decide nothing that is counted
_NOT_EVENTS = ("outcome_ts_local", "source_last_modified")


def event_columns(contract: FeedContract) -> list[str]:
    """The contract's columns that say when something happened."""
    kinds = ("timestamp", "month")
    return [c.name for c in contract.columns if c.type in kinds and c.name not in _NOT_EVENTS]


def _latest(name: str) -> pl.Expr:
    """The end of what a value can mean: the last moment of a bare date."""
    end_of_day = pl.col(name).dt.offset_by("1d").dt.offset_by("-1us")
    return pl.when(pl.col(clock_column(name))).then(pl.col(name)).otherwise(end_of_day)


def _out_of_order(
    given: RuleInput,
    rule: str,
    earlier: pl.Expr,
    later: str,
    *,
    column: str,
    message: str,
    allowance: timedelta = timedelta(0),
) -> pl.DataFrame:
    hours = given.params["inverted_hours"]
    is_broken = earlier - _latest(later) > allowance + timedelta(hours=hours)
    by = f" by more than {hours} h" if hours else ""
    return broken_rows(given.frame, is_broken, column=column, rule=rule, message=message + by)


def _committed_order(rule: str) -> Rule:
    def broken(given: RuleInput) -> pl.DataFrame:
        start, end = pl.col("committed_from_local"), pl.col("committed_to_local")
        window = _out_of_order(
            given,
            rule,
            start,
            "committed_to_local",
            column="committed_from_local",
            message="committed_from_local is after committed_to_local",
        )
        report = _out_of_order(
            given,
            rule,
            pl.coalesce(end, start),
            "reported_ts_local",
            column="reported_ts_local",
            message="reported_ts_local is over an hour before the crime was committed",
            allowance=_REPORT_ALLOWANCE,
        )
        return joined([window, report])

    columns = ("committed_from_local", "committed_to_local", "reported_ts_local")
    return Rule(broken, {"inverted_hours": 0}, columns)


def _reported_before_recorded(given: RuleInput) -> pl.DataFrame:
    return _out_of_order(
        given,
        "reported_before_recorded",
        pl.col("reported_ts_local"),
        "recorded_ts_local",
        column="recorded_ts_local",
        message="recorded_ts_local is before reported_ts_local",
    )


def _opened_before_closed(given: RuleInput) -> pl.DataFrame:
    return _out_of_order(
        given,
        "opened_before_closed",
        pl.col("opened_ts_local"),
        "closed_ts_local",
        column="closed_ts_local",
        message="closed_ts_local is before opened_ts_local",
    )


def _future_date(given: RuleInput) -> pl.DataFrame:
    # the name of a delivery often carries a date only, so it may hold what happened on that day;
    # but nothing in it can have happened after it arrived
    hours = timedelta(hours=given.params["tolerance_hours"])
    arrived = max(given.received_at_local, given.extract_ts_local)
    limit = min(given.extract_ts_local + hours, arrived + _CLOCKS_APART)
    return joined(
        broken_rows(
            given.frame,
            pl.col(name).cast(pl.Datetime("us")) > pl.lit(limit),
            column=name,
            rule="future_date",
            message=f"{name} is after the extract was taken",
        )
        for name in event_columns(given.contract)
    )


def _before_1950(given: RuleInput) -> pl.DataFrame:
    year = given.params["year"]
    return joined(
        broken_rows(
            given.frame,
            pl.col(name).dt.year() < year,
            column=name,
            rule="before_1950",
            message=f"{name} is before {year}",
        )
        for name in event_columns(given.contract)
    )


def _long_window(given: RuleInput) -> pl.DataFrame:
    days = given.params["days"]
    length = _latest("committed_to_local") - pl.col("committed_from_local")
    return broken_rows(
        given.frame,
        length > timedelta(days=days),
        column="committed_to_local",
        rule="long_window",
        message=f"the window from committed_from_local is longer than {days} days",
    )


def _open_over_30_days(given: RuleInput) -> pl.DataFrame:
    days = given.params["days"]
    is_open = pl.col("closed_ts_local").is_null()
    since = pl.lit(given.extract_ts_local) - pl.col("opened_ts_local")
    return broken_rows(
        given.frame,
        is_open & (since > timedelta(days=days)),
        column="closed_ts_local",
        rule="open_over_30_days",
        message=f"open for more than {days} days",
    )


def _month_of_file(given: RuleInput) -> pl.DataFrame:
    # the file may lie in a folder, or in an archive whose name comes first
    of_file = pl.col("source_file").str.extract(r"(?:^|[^0-9A-Za-z])(\d{4}-\d{2})-[^/!]*$")
    return broken_rows(
        given.frame,
        pl.col("month").dt.strftime("%Y-%m") != of_file,
        column="month",
        rule="month_of_file",
        message="month is not the month in the file's name",
    )


RULES = {
    "committed_order": _committed_order("committed_order"),
    "committed_order_small": _committed_order("committed_order_small"),
    "reported_before_recorded": Rule(
        _reported_before_recorded, {"inverted_hours": 0}, ("reported_ts_local", "recorded_ts_local")
    ),
    "opened_before_closed": Rule(
        _opened_before_closed, {"inverted_hours": 0}, ("opened_ts_local", "closed_ts_local")
    ),
    "future_date": Rule(_future_date, {"tolerance_hours": 24}),
    "before_1950": Rule(_before_1950, {"year": 1950}),
    "long_window": Rule(
        _long_window, {"days": 365}, ("committed_from_local", "committed_to_local")
    ),
    "open_over_30_days": Rule(
        _open_over_30_days, {"days": 30}, ("opened_ts_local", "closed_ts_local")
    ),
    "month_of_file": Rule(_month_of_file, {}, ("month",)),
}
