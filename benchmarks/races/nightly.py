"""One whole `hotspots run` on the demo force, patrols and all: how long, and Dagster's share.

Three nights: `first_load` (everything delivered until then: a year of events, four weeks of position fixes, every table built),
`next_night` (what one night delivers: deltas of crimes and ASB, that day's duties, logs, plan and fixes), `nothing_new` (no delivery,
so nothing may change). They are not rivals: the seconds are stated, and `next_night` is to end within 60 of them, Dagster's share
within 25. Each is a process of its own, from its imports to its end; the three follow each other in every repeat, from a new folder.

The time is divided on the way: `inside steps` is our work without what Dagster takes to record the events of a step, `Dagster's
recording of events` is that, and `around the steps` is what else there is: definitions, the lock, Dagster's planning and starting of
steps, the summary. Files have lain long enough that nothing waits for them to settle.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from benchmarks import whole_runs
from benchmarks.inputs.made_force import FORCE, let_files_settle
from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target
from benchmarks.stopwatch import Stopwatch

_STAMP = re.compile(r"_(\d{8})T\d{4}\.")


def prepare(folder: Path, is_quick: bool) -> Facts:
    import polars as pl

    from hotspot_pipeline.cli.simulating import make_demo_force

    make_demo_force(folder / "made", folder / "truth", "tiny" if is_quick else "demo", 1)
    first, night = _first_and_next(folder / "made" / "landing")
    fixes = [pl.scan_parquet(f).select(pl.len()).collect().item() for f in night if f.suffix == ".parquet"]  # fmt: skip
    return {
        "files of the first load": len(first),
        "files of the next night": len(night),
        "fixes of the next night": sum(fixes),
    }


def first_load(folder: Path, watch: Stopwatch) -> Facts:
    shutil.rmtree(folder / "data", ignore_errors=True)
    home = folder / "data" / "forces" / FORCE
    shutil.copytree(folder / "made", home)
    for later in _nights(home / "landing")[-2:]:
        for file in later:
            file.unlink()
    return _run(folder, watch)


def next_night(folder: Path, watch: Stopwatch) -> Facts:
    for file in _first_and_next(folder / "made" / "landing")[1]:
        feed = file.parent.name
        shutil.copy(file, folder / "data" / "forces" / FORCE / "landing" / feed / file.name)
    return _run(folder, watch)


def nothing_new(folder: Path, watch: Stopwatch) -> Facts:
    facts = _run(folder, watch)
    if facts["deliveries"] or facts["tables changed"]:
        raise Disagreement(f"a night without a delivery changed something: {facts}")
    return facts


def _first_and_next(landing: Path) -> tuple[list[Path], list[Path]]:
    """The files of the first load and of the night after it. The last night of all has the week's whole extract: it is left out."""
    *first, night, _ = _nights(landing)
    return [file for files in first for file in files], night


def _nights(landing: Path) -> list[list[Path]]:
    """The files of each day on which something was delivered, in order."""
    by_day: dict[str, list[Path]] = {}
    for file in sorted(landing.rglob("*.*")):
        stamped = _STAMP.search(file.name)
        if stamped is not None:
            by_day.setdefault(stamped[1], []).append(file)
    return [by_day[day] for day in sorted(by_day)]


def _run(folder: Path, watch: Stopwatch) -> Facts:
    let_files_settle(folder / "data" / "forces" / FORCE)
    clock = whole_runs.run_here(folder / "data", watch, with_imports=True)
    return {
        "deliveries": clock.n_deliveries,
        "tables changed": clock.changed,
        "steps": len(watch.parts),
        "events recorded by Dagster": clock.n_events,
    }


def verify(folder: Path) -> Facts:
    """What stands after the last repeat, from the copy that readers get."""
    import duckdb

    copy = folder / "data" / "forces" / FORCE / "published" / "warehouse.duckdb"
    with duckdb.connect(str(copy), read_only=True) as connection:

        def number(sql: str) -> Any:
            return connection.execute(sql).fetchall()[0][0]

        return {"hotspots published": int(number("select count(*) from hexes.hotspots"))}


def _around(result: Result) -> float:
    laps = result["next_night"].laps("laps")
    return laps["Dagster's recording of events"] + laps["around the steps"]


RACE = Race(
    name="nightly",
    title="One whole `hotspots run` on the demo force, patrols and all",
    why_fair="No rival: three nights in a row from an empty folder, whole processes, imports included.",
    sides=(
        Side("first_load", "a year of events, four weeks of fixes, every table built", first_load),
        Side("next_night", "what one night delivers, a day of fixes included", next_night),
        Side("nothing_new", "no delivery", nothing_new),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("seconds for an ordinary night", 60.0, lambda r: r["next_night"].median(), unit="s"),
        Target("seconds of it outside our steps", 25.0, _around, unit="s"),
    ),
    repeats=3,
)
