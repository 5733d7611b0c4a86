"""One police day: from its fixes, duties, plan and logs to the rows of every daily table.

Here: the order of the kernels and which of their rows belong to the day. Not here: the kernels, reading (`day_inputs`), writing
(`assets`).

A visit belongs to the day it begins in. Dose, cells and the account of fixes are cut at 06:00, so that days add up to what
they were cut from. Whoever is on duty at 06:00 is followed through it: the inputs hold whole duties.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import shapely

from hotspot_pipeline.patrols.cell_minutes import cell_spans
from hotspot_pipeline.patrols.cleaning import REASONS, Cleaned, clean
from hotspot_pipeline.patrols.dose import dose_daily
from hotspot_pipeline.patrols.dwell import Dwell, dwell
from hotspot_pipeline.patrols.intervals import apart, joined, total, within
from hotspot_pipeline.patrols.log_matching import GPS_ONLY, match
from hotspot_pipeline.patrols.patrol_zones import HOTSPOT, DayZones
from hotspot_pipeline.patrols.plan_items import in_force
from hotspot_pipeline.patrols.rules import MINUTE
from hotspot_pipeline.patrols.slots import judge
from hotspot_pipeline.patrols.visits import Visits, make_visits
from hotspot_pipeline.patrols.zone_raster import ZoneRaster
from hotspot_pipeline.timebase import PoliceTime

EFFECTIVE_MS = (
    10 * MINUTE
)  # METHODS §3: a patrol on foot or cycle of ten minutes or more, not a call
_NO_CELL = -1
VISITS, DOSE, ANSWERS = "patrols.visits", "patrols.dose_daily", "patrols.plan_answers"
DWELL, CELLS, ACCOUNT, LOGS = (
    "patrols.dwell", "patrols.cell_minutes", "patrols.fix_account", "patrols.log_matches",
)  # fmt: skip
TABLES = (VISITS, DOSE, ANSWERS, DWELL, CELLS, ACCOUNT, LOGS)


@dataclass(frozen=True, eq=False)
class DayInputs:
    """Everything that a day's rows follow from; moments in ms since 1970 UTC.

    `fixes` as `cleaning.clean` takes them, with cell_r9; `duties` as `duty_spans`, with officer, crew, deployment, mode_planned,
    device_type, team, device_pid; `plan` as `plan_items.in_force`; `logs` as `log_matching.match`; `core_nte`: start_ms, end_ms;
    `hot`: hotspot_id, start_ms, end_ms of hot windows.
    """

    day: date
    start_ms: int
    end_ms: int
    fixes: pl.DataFrame
    duties: pl.DataFrame
    where: DayZones
    raster: ZoneRaster
    premises: Sequence[shapely.Geometry]
    plan: pl.DataFrame
    logs: pl.DataFrame
    core_nte: pl.DataFrame
    hot: pl.DataFrame


def day_tables(given: DayInputs, police_time: PoliceTime) -> dict[str, pl.DataFrame]:
    """The rows of `TABLES`, each with police_day."""
    cleaned = clean(given.fixes, given.duties, given.premises)
    found = dwell(cleaned.fixes, given.where.zones, raster=given.raster)
    made = make_visits(found, given.duties)
    visits = _visits(given, made)
    mine = pl.col("start_ms").is_between(given.start_ms, given.end_ms, closed="left")
    tables = {
        VISITS: visits.filter(mine).drop("visit", "officers"),
        DOSE: _dose(given, made, visits, police_time),
        ANSWERS: _answers(given, made, visits, found),
        DWELL: _presence(given, made, visits.filter(mine)),
        CELLS: _cells(given, cleaned, found),
        ACCOUNT: _account(given, cleaned),
        LOGS: _logs(given, visits, mine),
    }
    return {name: rows.with_columns(police_day=pl.lit(given.day)) for name, rows in tables.items()}


def _patrol(made: Visits) -> pl.DataFrame:
    """visit, zone, start_ms, end_ms: the spans whose union is the patrol time of a visit."""
    spans = made.presence.select("visit", "zone", start_ms="patrol_from_ms", end_ms="patrol_to_ms")
    return spans.filter(pl.col("end_ms") > pl.col("start_ms"))


def _visits(given: DayInputs, made: Visits) -> pl.DataFrame:
    """All visits of the inputs, by name, with where they were, when in the night and in hot windows, and `officers`."""
    patrol = given.where.zones.named(_patrol(made))
    patrol = joined(_with_hotspot(given, patrol), ["visit", "hotspot_id"])
    always = given.core_nte.with_columns(always=pl.lit(0))
    in_core = total(within(patrol.with_columns(always=pl.lit(0)), always, "always"), ["visit"], "core_nte_ms")  # fmt: skip
    in_hot = total(within(patrol, joined(given.hot, ["hotspot_id"]), "hotspot_id"), ["visit"], "hot_window_ms")  # fmt: skip
    officers = made.presence.group_by("visit").agg(
        officers=pl.col("officer").drop_nulls().unique().sort()
    )
    named = _with_hotspot(given, given.where.zones.named(made.visits))
    names = [
        hashlib.sha256(f"{zone}|{party}|{start}".encode()).hexdigest()[:16]
        for zone, party, start in named.select("zone_id", "party", "start_ms").iter_rows()
    ]
    patrolled = pl.col("is_dose") & pl.col("mode").is_in(["foot", "cycle"])
    return (
        named.join(in_core, on="visit", how="left")
        .join(in_hot, on="visit", how="left")
        .join(officers, on="visit", how="left")
        .sort("visit")
        .with_columns(
            pl.col("core_nte_ms", "hot_window_ms").fill_null(0),
            visit_id=pl.Series(names, dtype=pl.String),
            is_effective=patrolled
            & (pl.col("patrol_ms") >= EFFECTIVE_MS)
            & (pl.col("visit_class") != "pass_through"),
        )
    )


def _with_hotspot(given: DayInputs, frame: pl.DataFrame) -> pl.DataFrame:
    own = given.where.table.select("zone_id", "hotspot_id")
    return frame.join(own, on="zone_id", how="left", maintain_order="left")


def _dose(
    given: DayInputs, made: Visits, visits: pl.DataFrame, police_time: PoliceTime
) -> pl.DataFrame:
    """Every zone has a row, zeros included."""
    daily = given.where.zones.named(dose_daily(made, police_time)).filter(pl.col("police_day") == given.day)  # fmt: skip
    begun = visits.filter(pl.col("start_ms").is_between(given.start_ms, given.end_ms, closed="left"))  # fmt: skip
    sums = begun.filter("is_dose").group_by("zone_id").agg(
        core_nte_ms=pl.col("core_nte_ms").sum(),
        hot_window_ms=pl.col("hot_window_ms").sum(),
        n_effective=pl.col("is_effective").sum().cast(pl.Int64),
        n_koper=(pl.col("visit_class") == "koper").sum().cast(pl.Int64),
        n_on_foot=(pl.col("mode") == "foot").sum().cast(pl.Int64),
        last_effective_end_ms=pl.col("end_ms").filter(pl.col("is_effective")).max(),
    )  # fmt: skip
    counts = [c for c in daily.columns if c not in ("zone_id", "zone_kind", "police_day")]
    zero = pl.col(*counts, "core_nte_ms", "hot_window_ms", "n_effective", "n_koper", "n_on_foot")
    return (
        given.where.table.select("zone_id", "zone_kind", "hotspot_id")
        .join(daily.drop("zone_kind", "police_day"), on="zone_id", how="left")
        .join(sums, on="zone_id", how="left")
        .with_columns(zero.fill_null(0))
    )


def _answers(given: DayInputs, made: Visits, visits: pl.DataFrame, found: Dwell) -> pl.DataFrame:
    crewed = visits.filter("is_crewed", pl.col("zone_kind") == HOTSPOT).select(
        "visit_id", "hotspot_id", "start_ms", "end_ms", "patrol_ms", "mode", "is_reactive", "n_officers",
        least_ms="lower_ms", most_ms="upper_ms", is_pass_through=pl.col("visit_class") == "pass_through",
    )  # fmt: skip
    patrol = _patrol(made).join(visits.select("visit", "visit_id"), on="visit")
    booked = given.duties.select("team", "device", "start_ms", "end_ms")
    return judge(
        in_force(given.plan),
        crewed,
        patrol.select("visit_id", "start_ms", "end_ms"),
        booked,
        found.covered,
    )


def _presence(given: DayInputs, made: Visits, visits: pl.DataFrame) -> pl.DataFrame:
    pids = given.duties.select("device", "device_pid").unique()
    return (
        made.presence.join(visits.select("visit", "visit_id", "zone_id", "hotspot_id"), on="visit")
        .join(pids, on="device", how="left")
        .drop("visit", "zone", "device", "duty")
    )


def _cells(given: DayInputs, cleaned: Cleaned, found: Dwell) -> pl.DataFrame:
    """Time of devices by cell, without what they spent at police premises."""
    cells = cleaned.fixes["cell_r9"].fill_null(_NO_CELL).to_numpy()
    spans = cell_spans(cleaned.fixes, cells, found.devices)
    day = pl.DataFrame(
        {"device": spans["device"].unique(), "start_ms": given.start_ms, "end_ms": given.end_ms},
        schema={"device": pl.Int32, "start_ms": pl.Int64, "end_ms": pl.Int64},
    )
    out = within(spans, apart(found.at_base, day, "device"), "device")
    return (
        out.filter(pl.col("cell") != _NO_CELL)
        .group_by("cell")
        .agg(
            device_ms=(pl.col("end_ms") - pl.col("start_ms")).sum(),
            n_devices=pl.col("device").n_unique().cast(pl.Int64),
        )
        .sort("cell")
    )


def _account(given: DayInputs, cleaned: Cleaned) -> pl.DataFrame:
    """reason, n_fixes of the day's own fixes; they sum to the fixes stored for it. Of those kept how many are poor, how many at base."""
    mine = given.fixes.with_row_index("row").filter(
        pl.col("fix_ms").is_between(given.start_ms, given.end_ms, closed="left")
    )
    rows = mine.select("row").join(cleaned.refused, on="row", how="left")
    kept = cleaned.fixes.join(mine.select("row"), on="row", how="semi")
    counted = rows.with_columns(pl.col("reason").fill_null("kept")).group_by("reason").agg(n_fixes=pl.len().cast(pl.Int64))  # fmt: skip
    every = pl.DataFrame({"reason": [*REASONS, "kept"]})
    is_kept = pl.col("reason") == "kept"
    return every.join(counted, on="reason", how="left", maintain_order="left").with_columns(
        pl.col("n_fixes").fill_null(0),
        n_poor=pl.when(is_kept).then(int(kept["is_poor"].sum())).otherwise(0),
        n_at_base=pl.when(is_kept).then(int(kept["is_at_base"].sum())).otherwise(0),
    )


def _logs(given: DayInputs, visits: pl.DataFrame, mine: pl.Expr) -> pl.DataFrame:
    """Logs of the day beside any officers' visit; of visits without a log only the funded patrols, for nobody else is asked to log."""
    crewed = visits.filter("is_crewed", pl.col("zone_kind") == HOTSPOT)
    pairs = match(given.logs, crewed)
    due = crewed.filter(mine, "is_dose", "is_funded", pl.col("visit_class") != "pass_through")
    known = given.logs.select("log_id", log_hotspot="hotspot_id")
    where = crewed.select("visit_id", "hotspot_id")
    return (
        pairs.filter(
            (pl.col("evidence") != GPS_ONLY) | pl.col("visit_id").is_in(due["visit_id"].implode())
        )
        .join(known, on="log_id", how="left")
        .join(where, on="visit_id", how="left")
        .with_columns(
            hotspot_id=pl.coalesce("log_hotspot", "hotspot_id"),
            match_id=pl.coalesce("log_id", "visit_id"),
        )
        .drop("log_hotspot")
    )
