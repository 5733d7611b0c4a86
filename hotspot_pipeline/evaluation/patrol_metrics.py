"""What was done in each patrolled area in a week, as rows of the weekly metrics: effort, delivery, reach, outputs.

Pure frames. Here: families 5, 6, 7 and 9. Not here: how they are measured (the stage `patrols`), whether they did any good (`rate_ratio`,
`panel` and the others).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

_MINUTE_MS = 60_000
_NOTHING = pl.lit(None)
_LOGGED = "as officers logged it; activity, not impact"
OUTPUTS = ("arrests", "stop_searches", "stop_searches_positive", "weapons", "asb_powers", "engagements")  # fmt: skip


def effort(dose: pl.DataFrame) -> pl.DataFrame:
    """Minutes, visits and shares of a week (family 5). `dose`: hotspot_id, week_start and the sums of `patrols.dose_daily` over its days. A share of
    nothing has no row."""
    minutes = {"patrol_minutes": "patrol_ms", "officer_minutes": "officer_ms", "reactive_minutes": "reactive_ms"}  # fmt: skip
    counts = {"visits": "n_visits", "effective_visits": "n_effective", "koper_visits": "n_koper"}
    shares = {
        "share_visits_on_foot": ("n_on_foot", "n_visits"),
        "share_patrol_funded": ("funded_patrol_ms", "patrol_ms"),
        "share_patrol_core_nte": ("core_nte_ms", "patrol_ms"),
    }
    return pl.concat(
        [
            *(_rows(dose, metric, _over(pl.col(c), pl.lit(_MINUTE_MS)), "minutes") for metric, c in minutes.items()),
            *(_rows(dose, metric, pl.col(c).cast(pl.Float64), "visits") for metric, c in counts.items()),
            *(_rows(dose, metric, _over(pl.col(a), pl.col(b)), "share") for metric, (a, b) in shares.items()),
        ]
    )  # fmt: skip


def delivery(compliance: pl.DataFrame) -> pl.DataFrame:
    """Plan against delivered (family 6), from the rows of `patrols.compliance` of a hotspot and week."""
    unknown = pl.when(pl.col("n_unknown") > 0).then(pl.format("{} of {} planned visits unknown", "n_unknown", "n_asked"))  # fmt: skip
    return pl.concat(
        [
            _rows(compliance, "visits_planned", pl.col("n_asked").cast(pl.Float64), "visits"),
            _rows(compliance, "delivery", pl.col("delivery"), "share", label=unknown),
            _rows(compliance, "compliance", pl.col("compliance"), "share", label=unknown, lower=pl.col("compliance_low"), upper=pl.col("compliance_high")),
            _rows(compliance, "dose_compliance", pl.col("dose_compliance"), "share", label=unknown),
        ]
    )  # fmt: skip


def reach(coverage: pl.DataFrame) -> pl.DataFrame:
    """Hot times and time since the last visit (families 6 and 7), from `patrols.coverage_weekly`."""
    part = pl.when(pl.col("n_days") < 7).then(pl.format("of {} computed days", "n_days"))
    return pl.concat(
        [
            _rows(coverage, "share_patrol_in_hot_windows", pl.col("share_in_hot_windows"), "share", label=part),
            _rows(coverage, "days_since_last_effective_visit", pl.col("days_since_last"), "days", label=part),
            _rows(coverage, "share_within_72_hours_of_a_visit", pl.col("share_reached"), "share", label=part),
        ]
    )  # fmt: skip


def outputs(logs: pl.DataFrame, weeks: Sequence[date]) -> pl.DataFrame:
    """What officers logged (family 9), zero weeks included. `logs`: hotspot_id, week_start and a column for each of `OUTPUTS`."""
    places = logs.select("hotspot_id").unique().sort("hotspot_id")
    grid = places.join(pl.DataFrame({"week_start": list(weeks)}, schema={"week_start": pl.Date}), how="cross")  # fmt: skip
    full = grid.join(logs, on=("hotspot_id", "week_start"), how="left").with_columns(pl.col(OUTPUTS).fill_null(0))  # fmt: skip
    return pl.concat(
        [_rows(full, metric, pl.col(metric).cast(pl.Float64), "logged", label=pl.lit(_LOGGED)) for metric in OUTPUTS]
    )  # fmt: skip


def quality(rows: pl.DataFrame, meanings: Mapping[str, str]) -> pl.DataFrame:
    """The footer of a week (family 10). `rows`: week_start and a column for each key of `meanings`, which says what it counts."""
    force = rows.with_columns(hotspot_id=pl.lit("FORCE"))
    return pl.concat(
        [_rows(force, metric, pl.col(metric).cast(pl.Float64), "records", label=pl.lit(text)) for metric, text in meanings.items()]
    )  # fmt: skip


def _over(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """part / whole; null where there is no whole. Divided column by column: a constant is multiplied by its reciprocal."""
    whole = pl.when(whole + part * 0 > 0).then(whole + part * 0)
    return part / whole


def _rows(
    rows: pl.DataFrame,
    metric: str,
    value: pl.Expr,
    unit: str,
    *,
    label: pl.Expr = _NOTHING,
    lower: pl.Expr = _NOTHING,
    upper: pl.Expr = _NOTHING,
) -> pl.DataFrame:
    return rows.select(
        "hotspot_id", "week_start", cat_group=pl.lit("ALL"), metric=pl.lit(metric), value=value, unit=pl.lit(unit), label=label.cast(pl.String),
        lower=lower.cast(pl.Float64), upper=upper.cast(pl.Float64), cut=pl.lit("latest"), time_band=pl.lit("all"), is_provisional=pl.lit(False),
    ).filter(pl.col("value").is_not_null())  # fmt: skip
