"""One whole `hotspots run` on the demo force, as a scheduler starts it: how long, and Dagster's share.

Three nights: `first_load` (a year of events, every table built), `next_night` (one delta of crimes
and one of ASB), `nothing_new` (no delivery, so nothing may change). They are not rivals: no target
is set, the seconds are stated. Each is the time from the start of the process to its end, imports
included, in a process of its own; the three follow each other in every repeat, from a new folder.

The time is divided by Dagster's own record of the run: `inside steps` is from a step's start to its
end as Dagster has them (our work, with the events it reports on the way), `in jobs, outside steps`
is what Dagster adds around them, and `outside jobs` is interpreter, imports, definitions, the lock
and the summary. Files have lain long enough that nothing waits for them to settle.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks import whole_runs
from benchmarks.race import Disagreement, Facts, Race, Side
from benchmarks.stopwatch import Stopwatch

_FORCE = "fosseshire"
_FEEDS = ("crime_extract", "asb_extract", "venues", "excluded_sites", "default_geocodes")
_HOUR_S = 3_600.0


def prepare(folder: Path, is_quick: bool) -> Facts:
    import polars as pl
    import yaml

    from hotspot_pipeline.settings import PROJECT_ROOT
    from hotspot_pipeline.simulator import PROFILES, Options, simulate

    made = folder / "made"
    profile = PROFILES["tiny" if is_quick else "demo"]
    lookup = PROJECT_ROOT / "data" / "reference" / "ho_offence_lookup.csv"
    simulate(made, profile, 1, Options(), offence_lookup=lookup)
    for feed in (made / "landing").iterdir():
        if feed.name not in _FEEDS:
            shutil.rmtree(feed)
        # the weekly full extracts are another night's work
        for later in sorted(feed.glob("*_full_*"))[1:]:
            later.unlink()
    deliveries = pl.read_parquet(made / "truth" / "deliveries.parquet")
    force = {
        "force_id": _FORCE,
        "boundary": {"file": "boundary.geojson"},
        "feeds": {feed: {} for feed in _FEEDS},
    }
    (made / "force.yml").write_text(yaml.safe_dump(force), encoding="utf-8")
    sizes = {
        d["file"]: d["n_rows"] for d in deliveries.iter_rows(named=True) if d["feed"] in _FEEDS
    }
    deltas = _deltas(made / "landing")[0]
    return {
        "rows of the first load": sum(n for f, n in sizes.items() if "_delta_" not in f),
        "rows of the next night": sum(sizes[file.name] for file in deltas),
        "weeks of events": profile.n_weeks,
    }


def first_load(folder: Path, watch: Stopwatch) -> Facts:
    shutil.rmtree(folder / "data", ignore_errors=True)
    home = folder / "data" / "forces" / _FORCE
    shutil.copytree(folder / "made", home, ignore=shutil.ignore_patterns("truth", "*_delta_*"))
    return _run(folder, watch)


def next_night(folder: Path, watch: Stopwatch) -> Facts:
    for file in _deltas(folder / "made" / "landing")[0]:
        feed = file.parent.name
        shutil.copy(file, folder / "data" / "forces" / _FORCE / "landing" / feed / file.name)
    return _run(folder, watch)


def nothing_new(folder: Path, watch: Stopwatch) -> Facts:
    facts = _run(folder, watch)
    if facts["deliveries"] or facts["tables changed"]:
        raise Disagreement(f"a night without a delivery changed something: {facts}")
    return facts


def _deltas(landing: Path) -> list[list[Path]]:
    """The deltas of each night, in order; a night has one of each feed that sends them."""
    by_stamp: dict[str, list[Path]] = {}
    for file in sorted(landing.rglob("*_delta_*")):
        by_stamp.setdefault(file.name.split("_")[-1].split(".")[0], []).append(file)
    return [by_stamp[stamp] for stamp in sorted(by_stamp)]


def _run(folder: Path, watch: Stopwatch) -> Facts:
    for file in (folder / "data" / "forces" / _FORCE / "landing").rglob("*.*"):
        os.utime(file, times=(time.time() - _HOUR_S,) * 2)
    document = whole_runs.command(folder / "data", watch, "run")
    n_events = whole_runs.divide(folder / "data", watch, document["jobs"])
    return {
        "deliveries": len(document["deliveries"]),
        "tables changed": sum(len(job["changed"]) for job in document["jobs"]),
        "steps": len(watch.parts),
        "events recorded by Dagster": n_events,
    }


def verify(folder: Path) -> Facts:
    """What stands after the last repeat, from the copy that readers get."""
    import duckdb

    copy = folder / "data" / "forces" / _FORCE / "published" / "warehouse.duckdb"
    with duckdb.connect(str(copy), read_only=True) as connection:

        def number(sql: str) -> Any:
            return connection.execute(sql).fetchall()[0][0]

        return {"hotspots published": int(number("select count(*) from hexes.hotspots"))}


RACE = Race(
    name="nightly",
    title="One whole `hotspots run` on the demo force",
    why_fair="No rival: three nights in a row from an empty folder, whole processes, imports included.",
    sides=(
        Side("first_load", "a year of events, every table built", first_load),
        Side("next_night", "one delta of crimes and one of ASB", next_night),
        Side("nothing_new", "no delivery", nothing_new),
    ),
    prepare=prepare,
    verify=verify,
    repeats=3,
)
