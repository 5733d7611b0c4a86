"""The simulator: pings a second, seconds a seed at level `counts`, and a whole small force.

No rival: the targets are those of the specification (two seconds a seed, 20 seconds for the tiny profile, a million
pings a second). `counts_power` and `counts_county` simulate three years with their truth, ground included. `pings`
generates a day of the county profile after another in memory: duties, true tracks, presence in places, fixes with their
noise; setting the force up is not counted. `tiny` writes every feed of the tiny profile. The county profile takes
minutes: docs/simulator.md has its time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target
from benchmarks.stopwatch import Stopwatch

N_PING_DAYS = 20


def prepare(folder: Path, is_quick: bool) -> Facts:
    size = {"counts": "tiny", "pings": "tiny", "days": 3} if is_quick else {"counts": "power", "pings": "county", "days": N_PING_DAYS}  # fmt: skip
    (folder / "size.json").write_text(json.dumps(size), encoding="utf-8")
    return {"days of pings": size["days"]}


def counts_power(folder: Path, watch: Stopwatch) -> Facts:
    return _counts(_size(folder)["counts"], watch)


def counts_county(folder: Path, watch: Stopwatch) -> Facts:
    return _counts("county" if _size(folder)["counts"] == "power" else "tiny", watch)


def _counts(name: str, watch: Stopwatch) -> Facts:
    from hotspot_pipeline.simulator import PROFILES, Options, simulate_counts

    simulate_counts(PROFILES["tiny"], 1, Options())
    with watch.race():
        found = simulate_counts(PROFILES[name], 2, Options())
    return {"events in places and rings": int(found.six_hourly["n_true"].sum())}


def pings(folder: Path, watch: Stopwatch) -> Facts:
    from hotspot_pipeline.simulator import PROFILES, Options, Streams
    from hotspot_pipeline.simulator.ground import make_ground
    from hotspot_pipeline.simulator.patrol.days import PatrolForce
    from hotspot_pipeline.simulator.trial.programme import run_programme

    size = _size(folder)
    profile, streams = PROFILES[size["pings"]], Streams(1)
    ground = make_ground(streams, profile)
    trial = run_programme(
        streams,
        profile,
        ground.county,
        ground.premises,
        ground.world,
        Options(),
        only_deterrable=True,
    )
    force = PatrolForce(
        streams, profile, ground.county, ground.premises, trial.places, trial.plan, trial.visits
    )
    force.day(0).fixes(force)
    n_pings = 0
    with watch.race():
        for number in range(1, size["days"] + 1):
            n_pings += len(force.day(number).fixes(force))
    (folder / "pings.json").write_text(str(n_pings), encoding="utf-8")
    return {"pings": n_pings}


def tiny(folder: Path, watch: Stopwatch) -> Facts:
    import tempfile

    from hotspot_pipeline.settings import PROJECT_ROOT
    from hotspot_pipeline.simulator import PROFILES, Options, simulate

    lookup = PROJECT_ROOT / "data" / "reference" / "ho_offence_lookup.csv"
    with tempfile.TemporaryDirectory(dir=folder) as out, watch.race():
        report = simulate(Path(out), PROFILES["tiny"], 1, Options(), offence_lookup=lookup)
    return {"files": sum(report.n_files.values()), "pings": report.n_pings}


def verify(folder: Path) -> Facts:
    n_pings = int((folder / "pings.json").read_text(encoding="utf-8"))
    if n_pings < 10_000:
        raise Disagreement(f"only {n_pings} pings were generated")
    return {"pings of the days": n_pings}


def _size(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "size.json").read_text(encoding="utf-8"))
    return found


def _millions_a_second(result: Result) -> float:
    runs = result["pings"]
    return float(runs.repeats[-1]["facts"]["pings"]) / 1e6 / runs.median()


RACE = Race(
    name="simulator",
    title="The simulated force: pings, counts, a whole small force",
    why_fair="No rival: the limits of the specification; warm, imports not counted.",
    sides=(
        Side("counts_power", "level counts, power profile: 120 places, three years", counts_power),
        Side("counts_county", "level counts, county profile: 36 places, three years", counts_county),
        Side("pings", "days of the county profile in memory", pings),
        Side("tiny", "every feed of the tiny profile, written", tiny),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target("seconds a seed at level counts, power", 2.0, lambda r: r["counts_power"].median(), unit="s"),
        Target("seconds a seed at level counts, county", 2.0, lambda r: r["counts_county"].median(), unit="s"),
        Target("million pings a second", 1.0, _millions_a_second, is_at_least=True, unit="million"),
        Target("seconds for the tiny profile", 20.0, lambda r: r["tiny"].median(), unit="s"),
    ),
    repeats=3,
)  # fmt: skip
