"""One night's delta on a history of ten million versions, against a full rebuild of the same; `as known`; five years of weeks at once.

Four sides on one warehouse, in this order in every repeat:

- `one_night`: 3,500 rows land (new, recoded in 40 scattered weeks, outcomes, late reports); a whole `hotspots run`.
- `full_rebuild`: versions, ledgers, counts and hours are dropped (`REBUILT`), and a whole `hotspots run` builds them from the rows that passed the gate.
- `as_known`: the crimes of one week as known on a day of the past, for 20 weeks and days; the time is the median of one answer.
- `backfill`: 261 weeks, with the days in them, named to `hotspots backfill`, Dagster's record of each included.

The rivals are the first two: they must leave the same rows in every table. Both are whole processes; the figure compared is the time
inside the steps that apply recodes and refresh what they touch: the history, and the counts and hours by week and day that follow from it
(all but `_ANALYSIS`). Stated apart: the same with what is computed from the counts, whole on both sides (scores, hotspots, profiles, weekly
metrics, limits, the bulletin); and the whole night with Dagster, the gate, great-expectations and imports.
"""

from __future__ import annotations

import json
import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import whole_runs
from benchmarks.inputs import gated, later_nights, long_history
from benchmarks.inputs.crime_extract import FEED, FILE, FORCE_ID, write_force
from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target
from benchmarks.stopwatch import Stopwatch

N_VERSIONS, N_QUICK = 10_000_000, 20_000
N_REPEATS = 3
_N_WEEKS = 261
_BEFORE = ("raw.", "validated.")  # the deliveries and the gate
_DRAWING = ("published.files",)
# what is computed from the counts, whole in every run
_ANALYSIS = (
    "hexes.cells", "hexes.cell_scores", "hexes.concentration", "hexes.prediction_accuracy", "hexes.hotspots", "hot_times.profiles",
    "evaluation.", "published.",
)  # fmt: skip
REBUILT = (
    "history.crime_versions", "history.crimes_current", "history.count_ledger", "history.delay_triangle",
    "history.completeness", "history.measured_rates", "hexes.site_matches", "hexes.events", "hexes.crime_monthly",
    "hexes.crime_weekly", "hexes.crime_daily", "hot_times.event_hours", "hot_times.event_nights", "hexes.window_prints",
)  # fmt: skip
# written by the moment or the run, not by the content
_NOT_COMPARED = ("run_id", "digested_at_utc", "withdrawn_at_utc")
_COMPARED = (*(t for t in REBUILT if t != "hexes.window_prints"), "history.recodes", "history.affected_weeks", "history.extracts")  # fmt: skip
_SITES = "site_id,kind,name,easting,northing,radius_m\n"
_GEOCODES = "geocode_id,easting,northing,radius_m,reason\n"


def prepare(folder: Path, is_quick: bool) -> Facts:
    if is_quick:
        return prepare_history(folder, N_QUICK, 1_000, n_weeks=20)
    return prepare_history(folder, N_VERSIONS, 50_000)


def prepare_history(
    folder: Path,
    n_versions: int,
    n_templates: int,
    n_weeks: int = long_history.N_WEEKS_OF_HISTORY,
) -> Facts:
    import yaml

    from hotspot_pipeline.settings import PROJECT_ROOT

    home = gated.home(folder)
    write_force(home, n_templates, PROJECT_ROOT / "data" / "reference")
    feeds = (FEED, "excluded_sites", "default_geocodes")
    force = {"force_id": FORCE_ID, "boundary": {"file": "boundary.geojson"}, "feeds": {f: {} for f in feeds}}  # fmt: skip
    (home / "force.yml").write_text(yaml.safe_dump(force), encoding="utf-8")
    _land_lists(home)
    gated.take_deliveries(folder)
    delivered = home / "landing" / FEED / FILE
    n_rows = later_nights.write_nights(delivered, folder / "nights", N_REPEATS)
    delivered.unlink()
    with gated.session(folder, memory_limit="10GB") as session:
        facts: Facts = long_history.write_history(session, n_versions, n_weeks)
    watch = Stopwatch()
    whole_runs.run_here(folder, watch)
    return {**facts, "rows of a night": n_rows, "seconds of the first build": round(watch.seconds, 1)}  # fmt: skip


def _land_lists(home: Path) -> None:
    """40 premises and 4 default geocodes around the middle of the force."""
    east, north = 430_000, 265_000
    kinds = ("police_station", "police_custody", "hospital", "prison", "court")
    sites = [f"s{n},{kinds[n % 5]},site {n},{east - 20_000 + n * 1_000},{north - 10_000 + n * 517 % 20_000},150" for n in range(40)]  # fmt: skip
    codes = [f"g{n},{east + n * 997},{north - n * 997},5,town centre" for n in range(4)]
    for feed, text in (
        ("excluded_sites", _SITES + "\n".join(sites)),
        ("default_geocodes", _GEOCODES + "\n".join(codes)),
    ):
        file = home / "landing" / feed / f"{feed}_20210901T0200.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
        file.with_name(file.name + ".done").touch()


def one_night(folder: Path, watch: Stopwatch) -> Facts:
    nights = sorted((folder / "nights").glob("*.csv"))
    landing = gated.home(folder) / "landing" / FEED
    waiting = [n for n in nights if not (landing / n.name).exists()]
    if not waiting:
        raise Disagreement(f"{len(nights)} nights were made; more repeats need more of them")
    (landing / waiting[0].name).write_bytes(waiting[0].read_bytes())
    (landing / f"{waiting[0].name}.done").touch()
    return _run(folder, watch, "one_night")


def full_rebuild(folder: Path, watch: Stopwatch) -> Facts:
    return _run(folder, watch, "full_rebuild", REBUILT)


def _run(folder: Path, watch: Stopwatch, side: str, rebuild: tuple[str, ...] = ()) -> Facts:
    clock = whole_runs.run_here(folder, watch, rebuild)
    with gated.session(folder) as session:
        prints = {table: _print(session, table) for table in _COMPARED}
    (folder / f"{side}.json").write_text(json.dumps(prints), encoding="utf-8")
    return {
        "recodes applied and counts refreshed, s": round(_refreshed(watch.parts), 2),
        "recodes applied and counts refreshed, CPU s": round(_refreshed(clock.cpu), 2),
        "from the versions on, s": round(_from_versions(watch.parts), 2),
        "from the versions on, CPU s": round(_from_versions(clock.cpu), 2),
        "deliveries and gate, s": round(_of(watch.parts, _BEFORE), 2),
        "deliveries and gate, CPU s": round(_of(clock.cpu, _BEFORE), 2),
        "drawing of files, s": round(_of(watch.parts, _DRAWING), 2),
        "events recorded by Dagster": clock.n_events,
        "megabytes of the warehouse": round((gated.home(folder) / "warehouse.duckdb").stat().st_size / 1e6),
    }  # fmt: skip


def _of(parts: dict[str, float], names: tuple[str, ...]) -> float:
    return sum(s for t, s in parts.items() if t.startswith(names))


def _from_versions(parts: dict[str, float]) -> float:
    return sum(parts.values()) - _of(parts, (*_BEFORE, *_DRAWING))


def _refreshed(parts: dict[str, float]) -> float:
    return sum(parts.values()) - _of(parts, (*_BEFORE, *_ANALYSIS))


def _print(session: Any, table: str) -> str:
    columns = [c for c in session.catalog[table].column_types if c not in _NOT_COMPARED]
    return str(session.value(f"select count(*) || ' rows, ' || coalesce(sum(hash({', '.join(columns)})), 0) from {table}"))  # fmt: skip


def as_known(folder: Path, watch: Stopwatch) -> Facts:
    from hotspot_pipeline.sql_models.model import load_models

    with gated.session(folder, read_only=True) as session:
        sql = load_models(session.catalog)["history.crimes_current"].sql
        asked = f"select * from ({sql}) where week_start = $week"
        seconds, n_rows = [], 0
        for n in range(20):
            week = date(2021, 10, 4) + timedelta(weeks=11 * n)
            known_at = datetime.combine(week, clock(6)) + timedelta(days=8 + 13 * n)
            start = time.perf_counter()
            n_rows += session.frame(asked, {"week": week, "known_at": known_at}).height
            seconds.append(time.perf_counter() - start)
    watch.seconds = median(seconds)
    watch.apart = {"the slowest of 20 answers": max(seconds)}
    return {"answers": 20, "records in them": n_rows}


def backfill(folder: Path, watch: Stopwatch) -> Facts:
    first = date(2026, 5, 25) - timedelta(weeks=_N_WEEKS - 1)
    weeks = f"{first}..2026-05-25"
    found = whole_runs.command(folder, watch, "backfill", "--weeks", weeks, "--reason", "five years once more")  # fmt: skip
    steps, n_events = whole_runs.steps_of(folder, [found["run_id"]])
    watch.laps = {"inside the step": sum(steps.values()), "around it": watch.seconds - sum(steps.values())}  # fmt: skip
    return {
        "windows computed": sum(t["n_windows"] for t in found["tables"]),
        "windows that changed": sum(t["n_changed"] for t in found["tables"]),
        "events recorded by Dagster": n_events,
    }


def verify(folder: Path) -> Facts:
    night, rebuilt = (json.loads((folder / f"{side}.json").read_text(encoding="utf-8")) for side in ("one_night", "full_rebuild"))  # fmt: skip
    differ = {t: (night[t], rebuilt[t]) for t in night if night[t] != rebuilt[t]}
    if differ:
        raise Disagreement(f"after the night and after the rebuild tables differ: {differ}")
    return {"tables with the same rows after the night and after the rebuild": len(night)}


def _ratio(result: Result) -> float:
    """Night against rebuild, in the steps that apply recodes and refresh the counts."""
    night, rebuild = (_refreshed(result[s].laps("parts")) for s in ("one_night", "full_rebuild"))
    return night / rebuild


def _ratio_with_analysis(result: Result) -> float:
    """The same with everything from the versions on but the drawing of files."""
    night, rebuild = (_from_versions(result[s].laps("parts")) for s in ("one_night", "full_rebuild"))  # fmt: skip
    return night / rebuild


def _ratio_with_gate(result: Result) -> float:
    """The whole night, process and all, against the rebuild's steps from the versions on."""
    return result["one_night"].median() / _from_versions(result["full_rebuild"].laps("parts"))


RACE = Race(
    name="history_night",
    title="A night's delta on ten million versions, against a full rebuild",
    why_fair="One warehouse: the night lands, then history, counts and hours are dropped and built again from the gate's rows; every "
    "table has the same rows after both. Whole processes; compared are the steps that both have.",
    sides=(
        Side("one_night", "3,500 rows land; a whole run", one_night),
        Side("full_rebuild", "versions and all after them dropped; a whole run", full_rebuild),
        Side("as_known", "one week as known on a past day, from the versions", as_known),
        Side("backfill", "261 weeks and their days by name, a whole command", backfill),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("of a full rebuild, recodes applied and counts refreshed", 0.10, _ratio),
        Target("seconds to answer one week as known", 0.3, lambda r: r["as_known"].median(), unit="s"),
        Target("seconds to compute 261 weeks again, Dagster included", 90.0, lambda r: r["backfill"].median(), unit="s"),
    ),
    repeats=N_REPEATS,
    beside=(("of a full rebuild, with what is computed from the counts", _ratio_with_analysis), ("the whole night, imports, gate and Dagster included, of the rebuild's steps", _ratio_with_gate),),
)  # fmt: skip
