"""What the control charts are made of: the weeks of every hotspot with their limits, as the tables of `evaluation` have them.

Here: SQL. Not here: pictures, effects (`effect_rows`), what is said of one week (`week_facts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from hotspot_pipeline.warehouse.session import Session

ALL = "ALL"
WEEK = timedelta(days=7)
SHOWN_WEEKS = 104
METRICS, LIMITS, BASELINES = (
    "evaluation.weekly_metrics", "evaluation.control_limits", "evaluation.baselines",
)  # fmt: skip
TABLES = (METRICS, LIMITS, BASELINES, "hexes.hotspots")
_COUNTED = "metric = 'events' and time_band = 'all' and hotspot_id <> 'FORCE'"
_LAST_WEEK = f"select max(week_start) from {METRICS} where {_COUNTED} and cut = 'latest'"
_WEEKS = f"""
    with counts as (
        select hotspot_id, week_start, cat_group,
            max(value::bigint) filter (metric = 'events' and cut = 'latest') as n_events,
            max(value::bigint) filter (metric = 'events' and cut = 'settled') as n_settled,
            max(value::bigint) filter (metric = 'events' and cut = 'first_issue') as n_first_issue,
            coalesce(bool_or(is_provisional) filter (metric = 'events' and cut = 'latest'), false) as is_provisional,
            max(value::double) filter (metric = 'events_expected_when_settled') as n_when_settled,
            max(lower::double) filter (metric = 'events_expected_when_settled') as settled_low,
            max(upper::double) filter (metric = 'events_expected_when_settled') as settled_high
        from {METRICS}
        where metric in ('events', 'events_expected_when_settled') and time_band = 'all' and hotspot_id <> 'FORCE'
            and week_start between $first and $last
        group by all
    )
    select c.*, h.hotspot_rank, l.mu::double as mu, l.lower_95, l.upper_95, l.lower_998, l.upper_998, l.ewma::double as ewma,
        l.ewma_se::double as ewma_se, l.run_weeks, l.cusum::double as cusum, l.cusum_threshold::double as cusum_threshold,
        l.cusum_run_length_weeks::double as cusum_run_length_weeks, l.signal, l.n_13, l.n_13_before, l.percent_change::double as percent_change,
        l.label, l.fit_id
    from counts c
    left join {LIMITS} l on l.hotspot_id = c.hotspot_id and l.week_start = c.week_start and l.cat_group = c.cat_group
    left join hexes.hotspots h on h.hotspot_id = c.hotspot_id
    where c.n_events is not null
    order by h.hotspot_rank nulls last, c.hotspot_id, c.cat_group, c.week_start
"""
_FITS = f"""
    select b.fitted_from, b.fitted_to, b.label, b.n_weeks from {BASELINES} b
    where b.fit_id in (select max_by(fit_id, week_start) from {LIMITS} where cat_group = '{ALL}')
"""


@dataclass(frozen=True, eq=False)
class WeekRows:
    """`weeks`: a row for every hotspot, week and group (and ALL) of at most two years, by rank: n_events as known now, n_settled, n_first_issue
    (null where that cut was not taken), is_provisional, the nowcast (n_when_settled, settled_low, settled_high), and what
    `evaluation.control_limits` says of it (null where there is no baseline); `facts` for the foot of a page."""

    weeks: pl.DataFrame
    first_week: date
    last_week: date
    facts: dict[str, str]

    @property
    def hotspots(self) -> list[str]:
        """By rank."""
        return self.weeks.get_column("hotspot_id").unique(maintain_order=True).to_list()

    def of(self, hotspot_id: str, cat_group: str = ALL) -> pl.DataFrame:
        """One series in time. Raises ValueError for a hotspot that has none."""
        found = self.weeks.filter(
            pl.col("hotspot_id") == hotspot_id, pl.col("cat_group") == cat_group
        )
        if found.is_empty():
            raise ValueError(
                f"hotspot {hotspot_id} has no weeks of {cat_group}; known: {', '.join(self.hotspots[:5])}"
            )
        return found


def read_weeks(session: Session) -> WeekRows | None:
    """None where no police week of any hotspot is closed: a new force, or a source that knows months only."""
    last = session.value(_LAST_WEEK)
    if last is None:
        return None
    weeks = week_frame(session, last - (SHOWN_WEEKS - 1) * WEEK, last)
    first = weeks.get_column("week_start").min()
    assert isinstance(first, date)
    return WeekRows(weeks, first, last, _facts(session))


def week_frame(session: Session, first: date, last: date) -> pl.DataFrame:
    """The rows of `WeekRows.weeks` of the weeks from `first` to `last`."""
    return session.frame(_WEEKS, {"first": first, "last": last})


def _facts(session: Session) -> dict[str, str]:
    """On what the newest limits rest."""
    fits = session.frame(_FITS).to_dicts()
    if not fits:
        return {"limits": "none: no baseline is fitted yet"}
    fit = fits[0]
    return {"limits rest on": f"weeks {fit['fitted_from']} to {fit['fitted_to']} ({fit['label']})"}
