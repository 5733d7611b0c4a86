"""Police days of patrols, from delivered files to tables: what a night computes, what a late fix changes, what stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.patrols import assets
from hotspot_pipeline.patrols.day_inputs import READS
from hotspot_pipeline.patrols.day_tables import TABLES
from hotspot_pipeline.patrols.summaries import summaries
from hotspot_pipeline.sql_models.assets import write_model
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline_tests.integration.made_fixes import DEVICES, OFFICERS, FixForce, duty

HERE = (-1.534, 52.289)
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 6, n) for n in (8, 9, 10))
MINUTE = 60_000


class Patrols:
    """A force with one area, 300 m square, and what a night of it leaves."""

    def __init__(self, folder: Path) -> None:
        self.force = FixForce(folder)
        x, y = (float(v[0]) for v in to_bng([HERE[0]], [HERE[1]]))
        ring = ", ".join(f"{x + dx} {y + dy}" for dx, dy in ((-150, -150), (150, -150), (150, 150), (-150, 150), (-150, -150)))  # fmt: skip
        places = pl.DataFrame([{"hotspot_id": "A", "name": "Square", "polygon_wkt": f"POLYGON (({ring}))", "valid_from": "2026-06-01", "valid_to": None}])  # fmt: skip
        self.force.deliver("patrol_places", "patrol_places_20260601T0200.csv", places)
        self.n = 0

    def deliver(self, feed: str, rows: list[dict[str, Any]] | pl.DataFrame) -> None:
        self.n += 1
        ending = "parquet" if feed == "gps_pings" else "csv"
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)  # fmt: skip
        self.force.deliver(feed, f"{feed}_202606{10 + self.n:02}T0200.{ending}", frame)

    def night(self) -> dict[date, str]:
        """Which days a night computes, and why."""
        checks = self.force.run()
        assert checks["keys_are_those_in_use"]
        shop = Workshop.of(self.force.settings, self.force.force, read_catalog(self.force.settings.sql))  # fmt: skip
        models = load_models(shop.catalog)
        with warehouse_of(self.force.settings, self.force.force).session() as session:
            for table in (*READS, "raw.excluded_sites", "validated.excluded_sites", assets.PRINTS):
                session.ensure(shop.catalog[table])
            for table in READS:
                if table in models:
                    write_model(session, models[table], {"known_at": datetime(2027, 1, 1)})
            why = assets._stale(shop, session)
            assets._compute(shop, session, why, "a run")
            failed = [
                a.audit.name
                for table in (*TABLES, assets.PRINTS)
                for a in session.audit(shop.catalog[table])
                if a.blocks
            ]
            assert failed == []
            self.summaries = summaries(session, shop.police_time)
        return why

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.force.rows(sql)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return {t: self.rows(f"select * from {t} order by all") for t in TABLES}


@pytest.fixture
def patrols(tmp_path: Path) -> Patrols:
    return Patrols(tmp_path)


def walk(start: str, minutes: int, device: str = DEVICES[0], *, every_s: int = 30, metres: float = 0.0, late: timedelta = timedelta(seconds=5)) -> pl.DataFrame:  # fmt: skip
    """Fixes of somebody who stands about in the middle of the area, or `metres` east of it."""
    first = datetime.fromisoformat(start)
    at = [first + timedelta(seconds=every_s * k) for k in range(minutes * 60 // every_s + 1)]
    return pl.DataFrame(
        {
            "device_id": device, "device_type": "handheld", "fix_ts_utc": at, "received_ts_utc": [t + late for t in at],
            "lon": [HERE[0] + metres / 68_000 + 1e-5 * (k % 7) for k in range(len(at))], "lat": [HERE[1]] * len(at), "speed_mps": 1.2,
        }
    )  # fmt: skip


def item(plan_id: str, start: str, end: str, day: date = MONDAY, **more: Any) -> dict[str, Any]:
    return {
        "plan_id": plan_id, "plan_version": 1, "hotspot_id": "A", "police_day": str(day), "window_start_local": start, "window_end_local": end,
        "min_minutes": 15, "officers_planned": 2, "mode": "foot", "assigned_team": "T1", "randomised": False, "arm": "na",
        "issued_ts_local": "2026-06-07 12:00:00", **more,
    }  # fmt: skip


def crew(day: str = "2026-06-08", end: str = "2026-06-08 22:00:00") -> list[dict[str, Any]]:
    both = [duty(n, DEVICES[n], OFFICERS[n], f"{day} 13:00:00", end) for n in (0, 1)]
    return [d | {"crew_id": "CREW"} for d in both]


def test_from_files_to_the_answer_of_a_plan(patrols: Patrols) -> None:
    patrols.deliver("duties", crew())
    patrols.deliver("patrol_plan", [item("P1", "2026-06-08 15:00:00", "2026-06-08 16:00:00"), item("P2", "2026-06-08 18:00:00", "2026-06-08 19:00:00")])  # fmt: skip
    # out, twenty minutes in, out; local time is an hour ahead
    patrols.deliver("gps_pings", pl.concat([
        *(walk("2026-06-08T13:30:00", 30, d, metres=900) for d in DEVICES[:2]),
        *(walk("2026-06-08T14:00:30", 20, d) for d in DEVICES[:2]),
        *(walk("2026-06-08T14:21:00", 240, d, metres=900) for d in DEVICES[:2])]))  # fmt: skip
    patrols.deliver("patrol_logs", [{"log_id": "L1", "plan_id": "P1", "hotspot_id": "A", "officers": "|".join(OFFICERS), "start_local": "2026-06-08 15:00:00", "end_local": "2026-06-08 15:20:00"},
                                    {"log_id": "L2", "plan_id": "P2", "hotspot_id": "A", "officers": OFFICERS[0], "start_local": "2026-06-08 18:00:00", "end_local": "2026-06-08 18:15:00"}])  # fmt: skip
    assert patrols.night() == {MONDAY: "first computed"}
    (visit,) = patrols.rows("select round(patrol_ms / 60000, 1), round(officer_ms / 60000, 1), n_officers, mode, visit_class, is_funded, is_effective from patrols.visits where zone_kind = 'hotspot'")  # fmt: skip
    assert (20.0 <= visit[0] <= 21.0, visit[2:]) == (True, (2, "foot", "standard", True, True))
    assert visit[1] == pytest.approx(2 * visit[0], abs=0.1)
    assert patrols.rows("select plan_id, answer, reason from patrols.plan_answers order by 1") == [("P1", "yes", None), ("P2", "no", "no_visit")]  # fmt: skip
    assert patrols.rows("select evidence, log_id from patrols.log_matches order by 2") == [("both", "L1"), ("log_only", "L2")]  # fmt: skip
    dose = patrols.rows("select patrol_ms, officer_ms, n_visits, n_effective, n_officers from patrols.dose_daily where zone_id = 'A'")  # fmt: skip
    assert dose[0][2:] == (1, 1, 2)
    assert patrols.rows("select sum(n_fixes) from patrols.fix_account") == patrols.rows("select sum(n_fixes) from validated.ping_days")  # fmt: skip
    whole = patrols.summaries["patrols.compliance"].filter(pl.col("scope") == "everything").row(0, named=True)  # fmt: skip
    assert (whole["n_yes"], whole["n_no"], whole["compliance"]) == (1, 1, 0.5)
    # nothing came: nothing is computed
    assert patrols.night() == {}


def test_a_late_fix_opens_exactly_its_day_again(patrols: Patrols) -> None:
    patrols.deliver("duties", [*crew(), *(d | {"duty_id": d["duty_id"] + "b"} for d in crew("2026-06-09", "2026-06-09 22:00:00"))])  # fmt: skip
    patrols.deliver("gps_pings", pl.concat([walk("2026-06-08T14:00:00", 20), walk("2026-06-09T14:00:00", 20)]))  # fmt: skip
    assert set(patrols.night()) == {MONDAY, TUESDAY}
    before = patrols.tables()
    patrols.deliver("gps_pings", walk("2026-06-08T14:20:30", 10, late=timedelta(days=2)))
    assert patrols.night() == {MONDAY: "changed: fixes"}
    after = patrols.tables()
    for table in TABLES:
        (column,) = [n for n, c in enumerate(read_catalog(patrols.force.settings.sql)[table].column_types) if c == "police_day"]  # fmt: skip
        assert [r for r in after[table] if r[column] == TUESDAY] == [r for r in before[table] if r[column] == TUESDAY]  # fmt: skip
    longest = "select max(patrol_ms) / 60000 from patrols.visits where police_day = '2026-06-08' and zone_kind = 'hotspot'"  # fmt: skip
    assert patrols.rows(longest)[0][0] == pytest.approx(30, abs=1)


def test_case_20_a_visit_through_six_in_the_morning_is_one_and_its_dose_is_cut(patrols: Patrols) -> None:  # fmt: skip
    night = [duty(0, DEVICES[0], OFFICERS[0], "2026-06-08 22:00:00", "2026-06-09 08:00:00")]
    patrols.deliver("duties", night)
    patrols.deliver(
        "gps_pings", walk("2026-06-09T04:40:00", 40)
    )  # 05:40 to 06:20 by the local clock
    assert set(patrols.night()) == {MONDAY, TUESDAY}
    visits = patrols.rows("select police_day, round(patrol_ms / 60000) from patrols.visits where zone_kind = 'hotspot'")  # fmt: skip
    assert visits == [(MONDAY, 40.0)]
    doses = patrols.rows("select police_day, round(patrol_ms / 60000) from patrols.dose_daily where zone_id = 'A' order by 1")  # fmt: skip
    assert doses == [(MONDAY, 20.0), (TUESDAY, 20.0)]


def test_case_28_days_without_patrols_have_rows_with_zeros(patrols: Patrols) -> None:
    patrols.deliver("patrol_plan", [item("P1", "2026-06-08 15:00:00", "2026-06-08 16:00:00"), item("P2", "2026-06-10 15:00:00", "2026-06-10 16:00:00", WEDNESDAY)])  # fmt: skip
    assert set(patrols.night()) == {MONDAY, TUESDAY, WEDNESDAY}
    zones = patrols.rows("select police_day, zone_id, patrol_ms + officer_ms + presence_ms + n_visits from patrols.dose_daily order by all")  # fmt: skip
    assert len(zones) == 9 and {z[2] for z in zones} == {0}
    assert patrols.rows("select distinct answer, reason from patrols.plan_answers") == [("no", "nobody_booked")]  # fmt: skip
    coverage = patrols.summaries["patrols.coverage_weekly"].row(0, named=True)
    assert (coverage["n_days"], coverage["n_days_none"], coverage["days_since_last"]) == (3, 3, None)  # fmt: skip


def test_devices_that_are_silent_leave_the_plan_unknown(patrols: Patrols) -> None:
    patrols.deliver("duties", crew())
    patrols.deliver("patrol_plan", [item("P1", "2026-06-08 15:00:00", "2026-06-08 16:00:00")])
    patrols.deliver("gps_pings", walk("2026-06-08T19:00:00", 1, metres=900))
    patrols.night()
    assert patrols.rows("select answer, reason, n_booked, n_seen from patrols.plan_answers") == [("unknown", None, 2, 0)]  # fmt: skip
    whole = patrols.summaries["patrols.compliance"].row(0, named=True)
    assert (whole["compliance"], whole["at_least"], whole["at_most"]) == (None, 0.0, 1.0)


def test_what_a_day_says_does_not_depend_on_how_its_files_came(tmp_path: Path) -> None:
    rows = pl.concat([walk("2026-06-08T14:00:00", 25, d) for d in DEVICES[:2]])
    found = []
    for k, parts in enumerate(([rows], [rows[30:], rows[:40]])):
        made = Patrols(tmp_path / str(k))
        made.deliver("duties", crew())
        for part in parts:
            made.deliver("gps_pings", part)
            made.night()
        # pseudonyms are each force's own
        found.append(made.rows("select zone_id, start_utc, end_utc, patrol_ms, officer_ms, lower_ms, upper_ms, n_fixes, mode from patrols.visits order by all"))  # fmt: skip
    assert found[0] == found[1] != []


def test_a_new_outline_makes_every_day_stale_and_holds_from_its_day(patrols: Patrols) -> None:
    """Case 27: a polygon redrawn mid-quarter."""
    patrols.deliver("duties", crew())
    patrols.deliver("gps_pings", walk("2026-06-08T14:00:00", 20))
    patrols.night()
    before = patrols.rows("select * from patrols.visits order by all")
    x, y = (float(v[0]) for v in to_bng([HERE[0]], [HERE[1]]))
    square = "POLYGON ((" + ", ".join(f"{x + dx} {y + dy}" for dx, dy in ((-150, -150), (150, -150), (150, 150), (-150, 150), (-150, -150))) + "))"  # fmt: skip
    far = "POLYGON ((" + ", ".join(f"{x + dx + 5000} {y + dy}" for dx, dy in ((0, 0), (100, 0), (100, 100), (0, 0))) + "))"  # fmt: skip
    patrols.deliver("patrol_places", [
        {"hotspot_id": "A", "name": "Square", "polygon_wkt": square, "valid_from": "2026-06-01", "valid_to": "2026-06-30"},
        {"hotspot_id": "A", "name": "Square", "polygon_wkt": far, "valid_from": "2026-07-01", "valid_to": None}])  # fmt: skip
    assert patrols.night() == {MONDAY: "changed: areas, premises, hot windows, rules or code"}
    assert patrols.rows("select * from patrols.visits order by all") == before


@pytest.mark.slow
def test_cabs_of_san_francisco_run_through_the_force(
    patrols: Patrols, moved_cabs: pl.DataFrame
) -> None:
    """Five real cabs over 24 days as the force's own cars: every fix is accounted for, those inside belong to visits."""
    first = datetime(2026, 6, 2)
    start = pl.col("fix_ms").min() // 86_400_000 * 86_400_000
    at = pl.lit(first) + pl.duration(milliseconds=pl.col("fix_ms") - start)
    pings = moved_cabs.select(
        device_id=pl.format("CAB-{}", "device"),
        device_type=pl.lit("vehicle"),
        fix_ts_utc=at,
        received_ts_utc=at + timedelta(seconds=5),
        # the middle of where they drive becomes the middle of the area
        lon=pl.col("lon") - pl.col("lon").median() + HERE[0],
        lat=pl.col("lat") - pl.col("lat").median() + HERE[1],
    )
    days = [str(first.date() + timedelta(days=k)) for k in range(26)]
    duties = [
        duty(100 * k + n, f"CAB-{n}", f"PC {n}", f"{day} 00:00:00", f"{day} 23:59:59")
        for k, day in enumerate(days)
        for n in range(5)
    ]
    patrols.deliver("duties", [d | {"device_type": "vehicle"} for d in duties])
    patrols.deliver("gps_pings", pings)
    computed = patrols.night()
    assert len(computed) >= 24
    account = dict(patrols.rows("select reason, sum(n_fixes)::bigint from patrols.fix_account group by all"))  # fmt: skip
    refusals = dict(patrols.rows("select rule, n_rows from validated.ping_refusals"))
    assert sum(account.values()) + sum(refusals.values()) == pings.height == 110_714
    assert set(refusals) == {"outside_force"}
    # 345 steps are faster than 50 m/s; a fix astray makes two of them
    assert 345 / 2 < account["impossible_speed"] < 345
    east, north = to_bng(pings["lon"].to_numpy(), pings["lat"].to_numpy())
    x, y = (float(v[0]) for v in to_bng([HERE[0]], [HERE[1]]))
    n_inside = int(((abs(east - x) < 150) & (abs(north - y) < 150)).sum())
    n_visits, n_fixes = patrols.rows("select count(*), sum(n_fixes)::bigint from patrols.visits where zone_kind = 'hotspot'")[0]  # fmt: skip
    # a stay holds those just outside as well, up to the exit buffer
    assert n_inside <= n_fixes < 1.1 * n_inside
    assert 200 < n_visits < n_fixes
