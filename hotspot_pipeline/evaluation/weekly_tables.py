"""The rows of `evaluation.weekly_metrics`: all families put together, with the versions they rest on.

Here: which families, for which cuts. Not here: how each is made (`place_weeks`, `patrol_metrics`, `nowcast_rows`, `week_quality`), the queries
(`metric_inputs`), writing (`assets`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from hotspot_pipeline.evaluation import metric_inputs as inputs
from hotspot_pipeline.evaluation.nowcast_rows import completeness_by_lag, nowcast_rows
from hotspot_pipeline.evaluation.patrol_metrics import delivery, effort, outputs, reach
from hotspot_pipeline.evaluation.place_weeks import (
    band_metrics,
    count_metrics,
    dense,
    provisional,
    ring_metrics,
    with_sums,
)
from hotspot_pipeline.evaluation.week_quality import quality_rows
from hotspot_pipeline.warehouse.session import Session

TABLE = "evaluation.weekly_metrics"
RINGS = "evaluation.ring_cells"
_KEYS = ("hotspot_id", "week_start", "cut", "metric", "cat_group", "time_band")
_TRIANGLE = "select cat_group, week_start, lag_days, n_known from history.delay_triangle where cat_group <> 'OTHER'"  # fmt: skip
_LOOKUPS = """
    select c.week_start, c.cut, max_by(v.lookup_version, v.known_from_utc) as lookup_version
    from hexes.cuts c join history.lookup_versions v on v.known_from_utc <= c.known_at_utc
    where c.known_at_utc is not null and v.table_name = 'offence_codes' group by all
"""


@dataclass(frozen=True)
class Frame:
    """`weeks`: Mondays; `known_to`: the moment to which all is known (UTC, without a zone); `week_end`: the end of the last week; `core_nte`: the hours of the core night (hour_start_utc, without a zone)."""

    weeks: Sequence[date]
    groups: Sequence[str]
    known_to: datetime
    week_end: datetime
    core_nte: pl.DataFrame
    resolution: int

    @property
    def data_to(self) -> date:
        return self.known_to.date()


def latest_counts(session: Session, frame: Frame) -> pl.DataFrame:
    """Counts of hotspots as known now, dense, with sums."""
    hotspots = list(inputs.cells_prints(session))
    found = inputs.counts(session)
    return with_sums(dense(found, hotspots, frame.weeks, frame.groups), frame.weeks)


def metric_rows(session: Session, frame: Frame, latest: pl.DataFrame) -> pl.DataFrame:
    """All rows but for their run: the columns of the contract without run_id. `latest` as of `latest_counts`."""
    hotspots = list(inputs.cells_prints(session))
    parts = [count_metrics(latest, "latest", frame.data_to), *_cuts(session, frame, hotspots)]
    young = latest.filter(provisional("latest", frame.data_to))
    parts.append(nowcast_rows(young, completeness_by_lag(session.frame(_TRIANGLE)), frame.data_to))
    weights = inputs.band_weights(session, frame.core_nte, frame.resolution)
    bands = [b for b in ("hot_windows", "core_nte") if b == "core_nte" or _has_windows(session)]
    parts.append(band_metrics(weights, latest, bands, frame.data_to))
    around = dense(inputs.counts(session, cells=RINGS), hotspots, frame.weeks, frame.groups)
    parts.append(ring_metrics(around, frame.data_to))
    parts += _patrols(session, frame.weeks)
    parts.append(quality_rows(session, frame.weeks))
    every = pl.concat([_whole(p) for p in parts], how="vertical_relaxed")
    inside = every.filter(pl.col("week_start").is_in(list(frame.weeks)))
    return _with_versions(session, _data_to(inside, frame))


def _data_to(rows: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """Says with the figures of a week that ended after the newest delivery to which moment they reach."""
    if frame.known_to >= frame.week_end:
        return rows
    text = pl.lit(f"data to {frame.known_to:%Y-%m-%d %H:%M} UTC")
    is_cut_short = (pl.col("week_start") == frame.weeks[-1]) & (pl.col("cut") == "latest")
    said = pl.concat_str(text, "label", separator="; ", ignore_nulls=True)
    return rows.with_columns(label=pl.when(is_cut_short).then(said).otherwise("label"))


def _cuts(session: Session, frame: Frame, hotspots: Sequence[str]) -> list[pl.DataFrame]:
    found = inputs.counts(session, "hexes.crime_weekly_cuts")
    taken = session.frame("select cut, week_start from hexes.cuts where known_at_utc is not null order by all")  # fmt: skip
    rows = []
    for cut in ("first_issue", "settled"):
        weeks = taken.filter(pl.col("cut") == cut)["week_start"].to_list()
        of_cut = dense(found.filter(pl.col("cut") == cut), hotspots, frame.weeks, frame.groups)
        rows.append(count_metrics(with_sums(of_cut, weeks), cut, frame.data_to))
    return rows


def _patrols(session: Session, weeks: Sequence[date]) -> list[pl.DataFrame]:
    logged = inputs.logs(session)
    since = [w for w in weeks if not logged.is_empty() and w >= logged["week_start"].min()]  # type: ignore[operator]
    plans = session.frame("select * from patrols.compliance where hotspot_id is not null and week_start is not null order by scope")  # fmt: skip
    spread = session.frame("select * from patrols.coverage_weekly order by all")
    return [effort(inputs.dose(session)), delivery(plans), reach(spread), outputs(logged, since)]


def _has_windows(session: Session) -> bool:
    return bool(session.value("select count(*) from hot_times.windows"))


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    """With every column of the long form, in one order."""
    missing = {n: pl.lit(None, pl.Float64) for n in ("lower", "upper") if n not in rows.columns}
    return rows.with_columns(**missing).select(
        *_KEYS, "value", "lower", "upper", "unit", "is_provisional", pl.col("label").cast(pl.String)
    )


def _with_versions(session: Session, rows: pl.DataFrame) -> pl.DataFrame:
    hotspots = session.frame("select hotspot_id, hotspot_version from hexes.hotspots")
    cuts = session.frame("select week_start, cut, known_at_utc from hexes.cuts")
    lookups = session.frame(_LOOKUPS)
    newest = session.value("select max_by(lookup_version, known_from_utc) from history.lookup_versions where table_name = 'offence_codes'")  # fmt: skip
    is_crime = pl.col("unit").is_in(["events", "days"]) & pl.col("metric").ne("days_since_last_effective_visit")  # fmt: skip
    return (
        rows.join(hotspots, on="hotspot_id", how="left")
        .join(cuts, on=("week_start", "cut"), how="left")
        .join(lookups, on=("week_start", "cut"), how="left")
        .with_columns(
            lookup_version=pl.when(is_crime).then(
                pl.when(pl.col("cut") == "latest").then(pl.lit(newest, pl.String)).otherwise("lookup_version")
            )
        )
    )  # fmt: skip
