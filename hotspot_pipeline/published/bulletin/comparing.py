"""Which figures are new, which differ from their last issue, and which are issued no longer.

Frames in, frames out. Not here: why they differ (`reasons.py`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.published.bulletin.figures import FORCE, KEY, WINDOW, LastIssue, hotspots_of

_WEEKS = ("force_week", "hotspot_week")


def compared(now: pl.DataFrame, issued: pl.DataFrame, last: LastIssue | None) -> pl.DataFrame:
    """Every figure that has to be issued, with what it was.

    `now`: `figures.KEY` and n_events; `issued`: the same as issued last, and issue. A week or month without a row stands for 0. Returns
    KEY, state, n_before, n_now, is_open and supersedes (the issue whose row is replaced, null without one), sorted by KEY.

    state is `first` (a week or month after the last issued, a hotspot that was not issued, another selection window; n_before
    null), `changed` (never 0 to 0), or `no_longer` (the window figure of a hotspot that is gone or of another window; n_now null).
    Weeks and months of a hotspot that is gone are silent: they hold as long as its window figure. is_open: the week or window had not
    ended with the last issue's data; a month is delivered whole and never is.
    """
    both = (
        now.select(*KEY, n_now="n_events")
        .join(
            issued.select(*KEY, n_before="n_events", supersedes="issue"),
            on=KEY,
            how="full",
            coalesce=True,
        )
        .with_columns(
            is_placed=_has_window(now),
            was_placed=_has_window(issued),
            is_window=pl.col("figure") == WINDOW,
        )
    )
    value = pl.col("n_before")
    is_first = ~pl.col("was_placed") | pl.when("is_window").then(value.is_null()).otherwise(
        _is_after(last)
    )
    filled = pl.when("is_window").then(value).otherwise(value.fill_null(0))
    stands = pl.when(pl.col("is_placed") & ~pl.col("is_window"))
    return (
        both.with_columns(
            n_now=stands.then(pl.col("n_now").fill_null(0)).otherwise("n_now"),
            n_before=pl.when(~is_first).then(filled),
        )
        .with_columns(
            state=pl.when(pl.col("n_now").is_null())
            .then(pl.when("is_window").then(pl.lit("no_longer")))
            .when(pl.col("n_before").is_null())
            .then(pl.when(pl.col("is_window") | (pl.col("n_now") > 0)).then(pl.lit("first")))
            .when(pl.col("n_before") != pl.col("n_now"))
            .then(pl.lit("changed")),
            is_open=_is_open(last),
        )
        .filter(pl.col("state").is_not_null())
        .select(*KEY, "state", "n_before", "n_now", "is_open", "supersedes")
        .sort(KEY)
    )


def _has_window(figures: pl.DataFrame) -> pl.Expr:
    """The force always, a hotspot while it has a count over the window."""
    return (pl.col("place") == FORCE) | pl.col("place").is_in(hotspots_of(figures))


def _is_open(last: LastIssue | None) -> pl.Expr:
    if last is None:
        return pl.lit(False)
    return ~pl.col("figure").str.ends_with("_month") & (pl.col("period_to") > last.complete_to)


def _is_after(last: LastIssue | None) -> pl.Expr:
    """The week or month came after the last one issued of its kind."""
    if last is None:
        return pl.lit(True)
    weeks, months = (
        pl.lit(True) if end is None else pl.col("period_from") > end
        for end in (last.week_to, last.month_to)
    )
    return pl.when(pl.col("figure").is_in(_WEEKS)).then(weeks).otherwise(months)
