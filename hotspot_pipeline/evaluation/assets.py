"""The evaluation assets: weekly metrics, baselines, control limits, months, and what is refused of them; effects stand in `trials`.

Thin: which tables, what is read, which kernel is called. None of the tables is partitioned: the metrics of a week also rest on other weeks (sums
over 52, the age of the data), so a partition by itself would be wrong as soon as another changes, and each partitioned asset costs seconds a run
over years. Every night all weeks are computed in one pass, and exactly those are replaced whose rows differ; the step says which.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.evaluation import metric_inputs as inputs
from hotspot_pipeline.evaluation import quarters
from hotspot_pipeline.evaluation.baseline_book import (
    BASELINES,
    LEVELS,
    TERMS,
    Book,
    Weeks,
    added,
    fit,
    missing_fits,
)
from hotspot_pipeline.evaluation.limit_rows import limit_rows
from hotspot_pipeline.evaluation.place_weeks import ALL, SETTLED_DAYS, WEEK, dense, nearest_hotspot
from hotspot_pipeline.evaluation.refusing import refusals
from hotspot_pipeline.evaluation.standing_runs import with_runs
from hotspot_pipeline.evaluation.trials.assets import effects_step
from hotspot_pipeline.evaluation.weekly_tables import (
    RINGS,
    TABLE,
    Frame,
    latest_counts,
    metric_rows,
)
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.settings import CATEGORY_GROUPS
from hotspot_pipeline.timebase.calendar import Calendar
from hotspot_pipeline.warehouse.session import AuditsFailed, Session, Write
from hotspot_pipeline.warehouse.standing import Standing

LIMITS = "evaluation.control_limits"
MONTHS = "evaluation.monthly_metrics"
BOOK = (BASELINES, TERMS, LEVELS)
_METRICS = (RINGS, TABLE, MONTHS)
_DEPS = (*inputs.READS, "hexes.refreshed_windows")
_GROUPS = (*CATEGORY_GROUPS, ALL)


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    return [_metrics(shop), _limits(shop), effects_step(shop, refused, (*_METRICS, *_DEPS, *BOOK))]


def _metrics(shop: Workshop) -> dg.AssetsDefinition:
    @shop.step(
        "evaluation.weekly_metrics",
        [shop.spec(table, deps=_DEPS, kinds=("polars",)) for table in _METRICS],
    )
    def weekly_metrics(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            inputs.ensure(session)
            rings = partial(session.replace_table, shop.catalog[RINGS], _rings(shop, session))
            yield from shop.run_write(RINGS, rings)
            write = write_metrics(shop, session, context.run_id)
            yield shop.result(write, {"weeks changed": len(write.windows)})
            months = partial(session.replace_table, shop.catalog[MONTHS], _months(session))
            yield from shop.run_write(MONTHS, months)

    return weekly_metrics


def _limits(shop: Workshop) -> dg.AssetsDefinition:
    tables = (*BOOK, LIMITS)

    @shop.step(
        "evaluation.control_limits",
        [shop.spec(table, deps=(*_METRICS, *_DEPS), kinds=("polars",)) for table in tables],
    )
    def control_limits(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            inputs.ensure(session)
            standing = Standing(session, BOOK)
            n_fits = extend_book(shop, session, context.run_id)
            for write in standing.writes():
                yield shop.result(write, {"fits added": n_fits})
            rows = limits_of(shop, session)
            facts = {"signals": rows["signal"].count() if rows.columns else 0}
            yield from shop.run_write(LIMITS, partial(_replace, session, shop, LIMITS, rows), facts)

    return control_limits


def write_metrics(shop: Workshop, session: Session, run_id: str) -> Write:
    """All weeks computed, those that differ replaced; `windows` of the answer names them."""
    contract = shop.catalog[TABLE]
    frame = _frame(shop, session)
    rows = pl.DataFrame(schema=dict.fromkeys(contract.column_types, pl.String))
    if frame is not None:
        found = metric_rows(session, frame, latest_counts(session, frame))
        rows = with_runs(session, contract, found, run_id)
    try:
        return session.replace_changed_windows(contract, rows.select(list(contract.column_types)))
    except AuditsFailed as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def extend_book(shop: Workshop, session: Session, run_id: str) -> int:
    """Adds the fits that are missing, each whole or not at all; how many."""
    frame = _frame(shop, session)
    for table in BOOK:
        session.ensure(shop.catalog[table])
    if frame is None:
        return 0
    book, weeks = read_book(session), _fit_on(shop, session, frame)
    first = max(frame.weeks[0], frame.weeks[-1] - quarters.SHOWN_WEEKS * WEEK)
    n_fits = 0
    for quarter, group, lacking in missing_fits(book, weeks, quarters.quarters(first, frame.weeks[-1])):  # fmt: skip
        now = datetime.now(UTC).replace(tzinfo=None)
        more = fit(book, weeks, quarter, group, lacking, now=now, run_id=run_id)
        if more is None:
            continue
        with session.transaction():
            for table, rows in zip(BOOK, (more.baselines, more.terms, more.levels), strict=True):
                session.insert(shop.catalog[table], rows)
        book = added(book, more)
        n_fits += 1
    return n_fits


def limits_of(shop: Workshop, session: Session) -> pl.DataFrame:
    """The rows of the control limits, in the contract's columns; without columns where there is none."""
    frame = _frame(shop, session)
    if frame is None:
        return pl.DataFrame()
    since = frame.weeks[-1] - (quarters.SHOWN_WEEKS - 1) * WEEK
    series = ("hotspot_id", "cat_group")
    counts = (
        latest_counts(session, frame)
        .with_columns(sum_13_before=pl.col("sum_13").shift(52).over(series))
        .filter(pl.col("week_start") >= since)
        .join(inputs.holidays(frame.weeks, _calendar(shop)), on="week_start")
    )
    rows = limit_rows(counts, read_book(session), inputs.cells_prints(session), frame.data_to)
    return rows.select(list(shop.catalog[LIMITS].column_types)) if rows.columns else rows


def refused(shop: Workshop, session: Session) -> pl.DataFrame:
    """What metrics and limits refuse; written with what the effects refuse."""
    frame = _frame(shop, session)
    is_monthly = bool(session.value("select count(*) > 0 and count(week_start) = 0 from hexes.events where is_counted"))  # fmt: skip
    prints = inputs.cells_prints(session)
    judged: set[tuple[Any, ...]] = set()
    if frame is not None:
        quarter = quarters.quarter_of(frame.weeks[-1])
        found = read_book(session).judged().filter(pl.col("quarter_start") == quarter)
        judged = {*found.select("hotspot_id", "cells_print").rows()}
    return refusals(
        is_monthly=is_monthly,
        n_weeks=len(frame.weeks) if frame else 0,
        has_nowcast=_has(session, f"{TABLE} where metric = 'completeness'"),
        has_patrols=_has(session, "patrols.dose_daily"),
        has_windows=_has(session, "hot_times.windows"),
        without_limits=[h for h, p in prints.items() if (h, p) not in judged],
        hotspots=list(prints),
    )


def read_book(session: Session) -> Book:
    return Book(*(session.frame(f"select * from {table} order by all") for table in BOOK))


def _fit_on(shop: Workshop, session: Session, frame: Frame) -> Weeks:
    """The settled cut where it was taken, else what is known now; only weeks that are 28 days old."""
    prints = inputs.cells_prints(session)
    cuts = session.frame("select week_start from hexes.cuts where cut = 'settled' and known_at_utc is not null")  # fmt: skip
    is_of_cut = pl.col("week_start").is_in(cuts["week_start"].to_list())
    settled = inputs.counts(session, "hexes.crime_weekly_cuts").filter(pl.col("cut") == "settled").drop("cut")  # fmt: skip
    old = [w for w in frame.weeks if (frame.data_to - w - WEEK).days >= SETTLED_DAYS]
    now = inputs.counts(session).filter(~is_of_cut)
    counts = dense(pl.concat([settled, now], how="vertical_relaxed"), list(prints), old, CATEGORY_GROUPS)  # fmt: skip
    path = dict(shop.force.reference).get("recording_changes", shop.settings.reference / "recording_changes.csv")  # fmt: skip
    return Weeks(
        counts.with_columns(is_of_cut=is_of_cut).join(
            inputs.holidays(old, _calendar(shop)), on="week_start"
        ),
        inputs.treated(session),
        prints,
        {group: quarters.recording_steps(path, group) for group in _GROUPS},
    )


def _frame(shop: Workshop, session: Session) -> Frame | None:
    """None where there is no closed week, or no hotspot."""
    weeks = inputs.closed_weeks(session, shop.police_time, shop.force.partitions_start)
    end = inputs.known_to(session)
    if not weeks or end is None or not inputs.cells_prints(session):
        return None
    hours = _calendar(shop).hours(weeks[0], weeks[-1] + WEEK).filter("in_core_nte")
    core = hours.select(pl.col("hour_start_utc").dt.replace_time_zone(None))
    week_end = shop.police_time.window(weeks[-1], weeks[-1] + WEEK).end_utc.replace(tzinfo=None)
    return Frame(weeks, CATEGORY_GROUPS, end, week_end, core, shop.force.grid_resolution)


def _calendar(shop: Workshop) -> Calendar:
    return Calendar.read(shop.police_time, shop.settings.reference, dict(shop.force.reference))


def _rings(shop: Workshop, session: Session) -> pl.DataFrame:
    hotspots = session.frame("select c.hotspot_id, h.hotspot_rank, c.cell from hexes.hotspot_cells c join hexes.hotspots h on h.hotspot_id = c.hotspot_id order by all")  # fmt: skip
    cells = session.frame("select cell from hexes.cells where resolution = $r order by 1", {"r": shop.force.grid_resolution})["cell"]  # fmt: skip
    left, right = shop.grid.neighbours(cells.to_numpy())
    return nearest_hotspot(cells.to_list(), left.tolist(), right.tolist(), hotspots)


def _months(session: Session) -> pl.DataFrame:
    """Every month of every hotspot and group, from the first event to the newest, in the contract's columns."""
    found = inputs.months(session).rename({"month": "week_start"})
    ends = session.frame("select min(month) as a, max(month) as b, max(event_date) as c from hexes.events where is_counted").row(0)  # fmt: skip
    months = pl.date_range(ends[0], ends[1], "1mo", eager=True).to_list() if ends[0] else []
    rows = dense(found, list(inputs.cells_prints(session)), months, CATEGORY_GROUPS)
    complete = pl.col("month").dt.offset_by("1mo") <= pl.lit(inputs.months_to(session), pl.Date)
    return rows.rename({"week_start": "month"}).with_columns(is_complete=complete.fill_null(False))


def _replace(session: Session, shop: Workshop, table: str, rows: pl.DataFrame) -> Write:
    contract = shop.catalog[table]
    if not rows.columns:
        rows = pl.DataFrame(schema=dict.fromkeys(contract.column_types, pl.String))
    return session.replace_changed_windows(contract, rows)


def _has(session: Session, table: str) -> bool:
    return bool(session.value(f"select count(*) > 0 from {table}"))
