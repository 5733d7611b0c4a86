"""What a police day is computed from, read from the warehouse and the stored fixes.

Here: SQL over other stages' tables and the Parquet files of the days. Not here: what is computed (`day_tables`), which days
(`day_prints`).

A duty that is under way at 06:00 is read whole, with its fixes of the day before and after, so that a stay is measured by what came
before it and a visit keeps its length. All else of the neighbouring days stays away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import shapely

from hotspot_pipeline.geo.area_centres import centre_cells
from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.patrols.day_tables import DayInputs
from hotspot_pipeline.patrols.patrol_zones import DayZones, day_zones, valid_on
from hotspot_pipeline.patrols.rules import DwellRules
from hotspot_pipeline.patrols.zone_raster import ZoneRaster, make_raster
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar import Calendar
from hotspot_pipeline.warehouse.session import Session

DUTIES, PLAN, LOGS, PLACES = (
    "history.duties_current", "history.patrol_plan_versions", "history.patrol_logs_current", "history.patrol_places_current",
)  # fmt: skip
SITES, WINDOWS, HOTSPOT_CELLS, DAYS = (
    "history.excluded_sites_current", "hot_times.windows", "hexes.hotspot_cells", "validated.ping_days",
)  # fmt: skip
READS = (DUTIES, PLAN, LOGS, PLACES, SITES, WINDOWS, HOTSPOT_CELLS, DAYS)
# a duty whose end nobody booked is taken to last no longer
LONGEST_DUTY = "interval '1 day'"
PREMISES = ("police_station", "police_custody")
_DUTIES = f"""
    with mine as (
        select device_pid, device_pid_next_year, officer_pid as officer, crew_pid as crew, team, deployment, mode_planned, device_type,
            start_utc, coalesce(end_utc, start_utc + {LONGEST_DUTY}) as end_utc
        from {DUTIES}
        where start_utc < $end and coalesce(end_utc, start_utc + {LONGEST_DUTY}) > $start
    )
    select *, epoch_ms(start_utc) as start_ms, epoch_ms(end_utc) as end_ms
    from (
        select * exclude (device_pid_next_year) from mine
        union all by name
        select device_pid_next_year as device_pid, * exclude (device_pid, device_pid_next_year) from mine where device_pid_next_year is not null
    )
    order by device_pid, start_utc, end_utc, officer, crew
"""
_PLAN = f"""
    select plan_id, plan_version, hotspot_id, police_day, epoch_ms(window_start_utc) as start_ms, epoch_ms(window_end_utc) as end_ms,
        min_minutes, officers_planned, mode, assigned_team as team, randomised as is_randomised, arm, epoch_ms(issued_ts_utc) as issued_ms
    from {PLAN} where police_day = $day
"""
_LOGS = f"""
    select log_id, hotspot_id, epoch_ms(start_utc) as start_ms, epoch_ms(end_utc) as end_ms,
        coalesce(string_split(officer_pids, '|'), []) as officers
    from {LOGS} where police_day = $day
"""
_FIXES: dict[str, pl.DataType | type[pl.DataType]] = {
    "device_pid": pl.String, "device_type": pl.String, "fix_ts_utc": pl.Datetime("us"), "received_ts_utc": pl.Datetime("us"),
    "easting": pl.Float64, "northing": pl.Float64, "speed_mps": pl.Float32, "hdop": pl.Float32, "accuracy_m": pl.Float32,
    "fix_type": pl.String, "status_code": pl.String, "cell_r9": pl.Int64,
}  # fmt: skip


@dataclass(eq=False)
class DayReader:
    """Reads days of one force; areas and calendar are read once, shapes are made once for each set of outlines."""

    session: Session
    clock: PoliceTime
    calendar: Calendar
    grid: Grid
    pings: Path
    _shapes: dict[tuple[tuple[str, str], ...], tuple[DayZones, ZoneRaster]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._places = self._read_places()
        sites = self.session.frame(
            f"select kind, easting, northing, polygon_wkt, valid_from, valid_to from {SITES} order by site_id"
        )
        self._sites = sites.filter(pl.col("kind").is_in(PREMISES))
        self._hot = self._read_hot()

    def inputs(self, day: date) -> DayInputs:
        window = self.clock.day_window(day)
        start, end = (m.replace(tzinfo=None) for m in (window.start_utc, window.end_utc))
        duties = self.session.frame(_DUTIES, {"start": start, "end": end})
        fixes, numbers = self._fixes(day, duties)
        where, raster = self._zones(day)
        hours = self.calendar.hours(day, day + timedelta(days=1))
        return DayInputs(
            day=day,
            start_ms=int(window.start_utc.timestamp()) * 1000,
            end_ms=int(window.end_utc.timestamp()) * 1000,
            fixes=fixes,
            duties=_with_device(duties, numbers),
            where=where,
            raster=raster,
            premises=self._premises(day),
            plan=self.session.frame(_PLAN, {"day": day}),
            logs=self.session.frame(_LOGS, {"day": day}),
            core_nte=_spans(hours.filter(pl.col("in_core_nte").fill_null(False))),
            hot=self._hot_spans(hours),
        )

    def basis(self) -> str:
        """Of everything that all days follow from but their own deliveries: a change of it makes every day stale."""
        shared = "".join(f.write_csv() for f in (self._places, self._sites, self._hot))
        return hashlib.sha256((shared + self.calendar.version).encode()).hexdigest()[:16]

    def _fixes(self, day: date, duties: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(the day's fixes and those on the way into it and out of it, device_pid and its number)."""
        window = self.clock.day_window(day)
        start, end = (m.replace(tzinfo=None) for m in (window.start_utc, window.end_utc))
        on_the_way = {
            day: None,
            day - timedelta(days=1): duties.filter(pl.col("start_utc") < start),
            day + timedelta(days=1): duties.filter(pl.col("end_utc") > end),
        }
        files = dict(
            self.session.frame(
                f"select police_day, file_name from {DAYS} where state = 'stored' and police_day in (select unnest($days))",
                {"days": list(on_the_way)},
            ).iter_rows()
        )
        found = [pl.LazyFrame(schema=_FIXES)]
        for at, spans in on_the_way.items():
            if at not in files or (spans is not None and spans.is_empty()):
                continue
            rows = pl.scan_parquet(self.pings / files[at]).select(list(_FIXES))
            found.append(rows if spans is None else _within_duties(rows, spans))
        known = pl.concat([*(rows.select("device_pid") for rows in found), duties.lazy().select("device_pid")])  # fmt: skip
        numbers = _numbered(known.unique().collect(engine="streaming")["device_pid"])
        # a force-day at a fix a second is 22 million rows: what is text in the file is a number in memory from the start
        slim = [_slim(rows, numbers).collect(engine="streaming") for rows in found]
        return pl.concat([frame for frame in slim if frame.height] or slim), numbers

    def _read_places(self) -> pl.DataFrame:
        """The areas as the force draws them; where it draws none, its hotspots as selected, cell by cell."""
        drawn = self.session.frame(f"select hotspot_id, polygon_wkt, valid_from, valid_to from {PLACES} order by all")  # fmt: skip
        if not drawn.is_empty():
            return drawn
        cells = self.session.frame(f"select hotspot_id, cell from {HOTSPOT_CELLS} order by all")
        ids = cells["cell"].to_numpy()
        outlines = list(polygons_bng(self.grid, ids)) if ids.size else []
        return cells.select(
            "hotspot_id",
            polygon_wkt=pl.Series([shapely.to_wkt(o) for o in outlines], dtype=pl.String),
            valid_from=pl.lit(None, pl.Date),
            valid_to=pl.lit(None, pl.Date),
        )

    def _zones(self, day: date) -> tuple[DayZones, ZoneRaster]:
        places = valid_on(self._places, day)
        key = tuple(places.select("hotspot_id", "polygon_wkt").rows())
        if key not in self._shapes:
            where = day_zones(places)
            self._shapes[key] = where, make_raster(where.zones.shapes, DwellRules().reach_m)
        return self._shapes[key]

    def _premises(self, day: date) -> Sequence[shapely.Geometry]:
        here = valid_on(self._sites, day)
        return [
            shapely.from_wkt(wkt) if wkt else shapely.Point(x, y)
            for x, y, wkt in here.select("easting", "northing", "polygon_wkt").iter_rows()
        ]

    def _read_hot(self) -> pl.DataFrame:
        """hotspot_id (of the areas), start_hour_of_week, n_hours: an area has the windows of the hotspot whose cell holds its centre."""
        windows = self.session.frame(
            f"select w.hotspot_id as of_hotspot, w.start_hour_of_week, w.n_hours from {WINDOWS} w order by all"
        )
        cells = self.session.frame(f"select cell, hotspot_id as of_hotspot from {HOTSPOT_CELLS} order by all")  # fmt: skip
        at = centre_cells(self._places, self.grid)
        return (
            at.join(cells, on="cell")
            .join(windows, on="of_hotspot")
            .select(
                "hotspot_id", pl.col("start_hour_of_week").cast(pl.Int64), pl.col("n_hours").cast(pl.Int64)
            )
            .sort(pl.all())
        )  # fmt: skip

    def _hot_spans(self, hours: pl.DataFrame) -> pl.DataFrame:
        into = (pl.col("hour_of_week").cast(pl.Int64) - pl.col("start_hour_of_week")) % 168
        pairs = self._hot.join(hours, how="cross").filter(into < pl.col("n_hours"))
        return pl.concat([pairs.select("hotspot_id"), _spans(pairs)], how="horizontal").unique(
            maintain_order=True
        )


def _within_duties(fixes: pl.LazyFrame, duties: pl.DataFrame) -> pl.LazyFrame:
    """Those that a device sent during one of its duties."""
    spans = duties.select("device_pid", "start_utc", "end_utc").lazy()
    rows = fixes.with_row_index("row").filter(
        pl.col("device_pid").is_in(duties["device_pid"].implode()),
        pl.col("fix_ts_utc").is_between(duties["start_utc"].min(), duties["end_utc"].max()),
    )
    inside = pl.col("fix_ts_utc").is_between(pl.col("start_utc"), pl.col("end_utc"))
    kept = rows.select("row", "device_pid", "fix_ts_utc").join(spans, on="device_pid").filter(inside)  # fmt: skip
    return rows.join(kept.select("row").unique(), on="row", how="semi").drop("row")


def _slim(fixes: pl.LazyFrame, numbers: pl.DataFrame) -> pl.LazyFrame:
    """The fixes as `cleaning.clean` takes them, in their order."""
    return (
        fixes.join(numbers.lazy(), on="device_pid", how="left", maintain_order="left")
        .with_columns(
            pl.col("device_type", "fix_type").cast(pl.Categorical),
            fix_ms=pl.col("fix_ts_utc").dt.epoch("ms"),
            received_ms=pl.col("received_ts_utc").dt.epoch("ms"),
            status_code=pl.col("status_code").cast(pl.Int16, strict=False),
        )
        .drop("device_pid", "fix_ts_utc", "received_ts_utc")
    )


def _numbered(device_pids: pl.Series) -> pl.DataFrame:
    return (
        device_pids.unique()
        .sort()
        .to_frame("device_pid")
        .with_row_index("device")
        .with_columns(pl.col("device").cast(pl.Int32))
    )


def _with_device(frame: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    return frame.join(numbers, on="device_pid", how="left", maintain_order="left")


def _spans(hours: pl.DataFrame) -> pl.DataFrame:
    start = pl.col("hour_start_utc").dt.epoch("ms")
    return hours.select(start_ms=start, end_ms=start + 3_600_000)
