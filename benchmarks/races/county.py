"""Three years of a county, from files to weekly metrics, in one `hotspots run`: how long, and where the time goes.

Everything that a county delivers in 157 weeks lies there when the command starts: a delta a night of crimes and ASB with every scripted
event (a corrected gazetteer, nights without files, a cut-off extract, other column names), lists, plans, duties, logs, and a year of
position fixes of 60 devices a day. One process takes the deliveries night by night and builds every table, page and file. It is no
rival of anything: the seconds are stated, by stage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import whole_runs
from benchmarks.inputs.made_force import FORCE, let_files_settle
from benchmarks.race import Disagreement, Facts, Race, Side
from benchmarks.stopwatch import Stopwatch


def prepare(folder: Path, is_quick: bool) -> Facts:
    from hotspot_pipeline.cli.simulating import make_demo_force

    home = folder / "data" / "forces" / FORCE
    make_demo_force(home, folder / "truth", "tiny" if is_quick else "county", 1)
    let_files_settle(home)
    files = [file for file in (home / "landing").rglob("*.*") if file.suffix != ".done"]
    return {"files": len(files), "megabytes": round(sum(f.stat().st_size for f in files) / 1e6)}


def one_command(folder: Path, watch: Stopwatch) -> Facts:
    clock = whole_runs.run_here(folder / "data", watch, with_imports=True)
    stages: dict[str, float] = {}
    for step, seconds in watch.parts.items():
        stage = f"stage {step.split('.')[0]}"
        stages[stage] = stages.get(stage, 0.0) + seconds
    watch.laps = {**stages, **{k: v for k, v in watch.laps.items() if k != "inside steps"}}
    return {
        "deliveries": clock.n_deliveries,
        "tables": len(clock.changed),
        "events recorded by Dagster": clock.n_events,
    }


def verify(folder: Path) -> Facts:
    """What stands along the chain; raises Disagreement where a week is missing at its end."""
    import duckdb

    warehouse = folder / "data" / "forces" / FORCE / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def row(sql: str) -> Any:
            return connection.execute(sql).fetchall()[0]

        first, last, n_weeks = row("select min(week_start), max(week_start), count(distinct week_start) from evaluation.weekly_metrics")  # fmt: skip
        if (last - first).days != 7 * (n_weeks - 1):
            raise Disagreement(f"weekly metrics have {n_weeks} weeks from {first} to {last}")
        return {
            "versions of crimes": row("select count(*) from history.crime_versions")[0],
            "recodes": row("select count(*) from history.recodes")[0],
            "hotspots": row("select count(*) from hexes.hotspots")[0],
            "weeks with metrics": n_weeks,
            "rows of weekly metrics": row("select count(*) from evaluation.weekly_metrics")[0],
            "visits": row("select count(*) from patrols.visits")[0],
        }


RACE = Race(
    name="county",
    title="Three years of a county from files to weekly metrics in one `hotspots run`",
    why_fair="No rival: one command, a process of its own, imports included, from an empty warehouse.",
    sides=(Side("one_command", "157 weeks of nights taken, every table built", one_command),),
    prepare=prepare,
    verify=verify,
    targets=(),
    repeats=1,
)  # fmt: skip
