"""How complete young weeks are, and what they will have come to, as rows of the weekly metrics (family 4).

Pure frames. Here: the ages of weeks joined to the delay triangle, and the kernel asked. Not here: the formula (`nowcast`), the triangle (stage
`history`).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from hotspot_pipeline.evaluation.nowcast import Completeness, Nowcast, completeness, nowcast
from hotspot_pipeline.evaluation.place_weeks import ALL, WEEK

SETTLED_LAG = 90


def completeness_by_lag(triangle: pl.DataFrame) -> dict[tuple[str, int], Completeness]:
    """By group (and ALL) and lag in days. `triangle`: cat_group, week_start, lag_days, n_known of `history.delay_triangle`, without groups that count
    nowhere. Nothing where fewer than 8 weeks are 90 days old."""
    total = triangle.group_by("week_start", "lag_days").agg(pl.col("n_known").sum()).with_columns(cat_group=pl.lit(ALL))  # fmt: skip
    columns = ["cat_group", "week_start", "lag_days", "n_known"]
    summed = triangle.group_by(columns[:3]).agg(pl.col("n_known").sum())
    every = pl.concat([summed.select(columns), total.select(columns)])
    settled = every.filter(pl.col("lag_days") == SETTLED_LAG).select("cat_group", "week_start", n_settled="n_known")  # fmt: skip
    pairs = every.filter(pl.col("lag_days") < SETTLED_LAG).join(settled, on=("cat_group", "week_start")).sort("week_start")  # fmt: skip
    found = {}
    for (group, lag), rows in pairs.group_by("cat_group", "lag_days", maintain_order=True):
        made = completeness(rows["n_known"].to_numpy(), rows["n_settled"].to_numpy())
        if made is not None:
            found[str(group), int(str(lag))] = made
    return found


def nowcast_rows(
    counts: pl.DataFrame, of: dict[tuple[str, int], Completeness], data_to: date
) -> pl.DataFrame:
    """`completeness` of the force's provisional weeks and `events_expected_when_settled` of the hotspots', with its 90 % interval.

    `counts`: hotspot_id, week_start, cat_group, n_events of provisional weeks. A week that is younger than the least lag has no row.
    """
    made: dict[tuple[str, int, int], Nowcast] = {}
    rows: list[dict[str, object]] = []
    lags = sorted({lag for _, lag in of})
    for week in sorted(set(counts["week_start"])):
        age = (data_to - week - WEEK) // timedelta(days=1)
        lag = max((lag for lag in lags if lag <= age), default=None)
        if lag is None:
            continue
        for group in sorted({g for g, one in of if one == lag}):
            known = of[group, lag]
            text = f"share known {lag} days after the week, from {known.n_weeks} settled weeks"
            rows.append(_row("FORCE", week, group, "completeness", known.share, None, None, "share", text))  # fmt: skip
            of_group = counts.filter((pl.col("week_start") == week) & (pl.col("cat_group") == group))  # fmt: skip
            for hotspot, n in of_group.select("hotspot_id", "n_events").iter_rows():
                key = (group, lag, n)
                if key not in made:
                    made[key] = nowcast(n, known)
                one = made[key]
                rows.append(_row(hotspot, week, group, "events_expected_when_settled", one.expected, one.low, one.high, "events", "nowcast with its 90 % interval"))  # fmt: skip
    schema = {
        "hotspot_id": pl.String, "week_start": pl.Date, "cat_group": pl.String, "metric": pl.String, "value": pl.Float64, "lower": pl.Float64,
        "upper": pl.Float64, "unit": pl.String, "label": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).with_columns(
        cut=pl.lit("latest"), time_band=pl.lit("all"), is_provisional=pl.lit(True)
    )


def _row(
    hotspot: str,
    week: date,
    group: str,
    metric: str,
    value: float,
    lower: float | None,
    upper: float | None,
    unit: str,
    label: str,
) -> dict[str, object]:
    return {
        "hotspot_id": hotspot, "week_start": week, "cat_group": group, "metric": metric, "value": value,
        "lower": lower, "upper": upper, "unit": unit, "label": label,
    }  # fmt: skip
