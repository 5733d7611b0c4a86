"""Row rules about spans: a duty, a logged visit or a planned window ends after it begins, and not days later.

Belongs here: the order and length of a row's own times. Does not belong here: windows of crimes (`rules_time`), whether a window
lies in a shift or meets another one (the `patrols` tables: that takes other rows).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.validated.broken import broken_rows, joined
from hotspot_pipeline.validated.rule import Rule, RuleInput

_SPAN = ("start_local", "end_local")
_WINDOW = ("window_start_local", "window_end_local")


def _span_order(given: RuleInput) -> pl.DataFrame:
    start, end = (pl.col(name) for name in _SPAN)
    return broken_rows(
        given.frame,
        end <= start,
        column="end_local",
        rule="span_order",
        message="end_local is not after start_local",
    )


def _long_span(given: RuleInput) -> pl.DataFrame:
    hours = given.params["hours"]
    start, end = (pl.col(name) for name in _SPAN)
    return broken_rows(
        given.frame,
        end - start > pl.duration(hours=hours),
        column="end_local",
        rule="long_span",
        message=f"more than {hours} hours from start_local to end_local",
    )


def _window_order(given: RuleInput) -> pl.DataFrame:
    start, end = (pl.col(name) for name in _WINDOW)
    half = broken_rows(
        given.frame,
        start.is_null() != end.is_null(),
        column="window_end_local",
        rule="window_order",
        message="the window has one end only: give both, or neither where nothing is to be patrolled",
    )
    inverted = broken_rows(
        given.frame,
        end <= start,
        column="window_end_local",
        rule="window_order",
        message="window_end_local is not after window_start_local",
    )
    return joined([half, inverted])


RULES = {
    "span_order": Rule(_span_order, columns=_SPAN),
    "long_span": Rule(_long_span, {"hours": 24}, _SPAN),
    "window_order": Rule(_window_order, columns=_WINDOW),
}
