"""The figures as a table for people and as JSON, and the two files that git tracks.

A race run alone replaces its own section of `results/latest.*`; the others stay. Each names the machine
and the libraries it was measured with, for the figures of two machines compare only as ratios. A quick
run is never written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.race import Race, Runs
from benchmarks.races import NAMES
from benchmarks.running import Outcome

RESULTS = Path(__file__).resolve().parent / "results"
_SPREAD = "lowest to highest"


def document(outcome: Outcome) -> dict[str, Any]:
    """One race as plain data."""
    race, runs = outcome.race, outcome.runs
    return {
        "title": race.title,
        "why_fair": race.why_fair,
        "measured_at_utc": outcome.measured_at_utc,
        "n_repeats": outcome.n_repeats,
        "load_average": [round(x, 1) for x in outcome.load],
        "input": outcome.input_facts,
        "agreement": outcome.agreement,
        "sides": {side.name: _side(side.says, runs[side.name]) for side in race.sides},
        "targets": [
            {
                "says": target.says,
                "limit": target.limit,
                "is_at_least": target.is_at_least,
                "unit": target.unit,
                "figure": _short(target.figure(runs)),
                "is_met": target.is_met(runs),
            }
            for target in race.targets
        ],
        "beside": [{"says": says, "figure": _short(figure(runs))} for says, figure in race.beside],
    }


def _side(says: str, runs: Runs) -> dict[str, Any]:
    seconds = runs.values("seconds")
    return {
        "says": says,
        "median_s": _short(runs.median()),
        "lowest_s": _short(min(seconds)),
        "highest_s": _short(max(seconds)),
        "cpu_s": _short(runs.median("cpu_seconds")),
        "peak_mb": round(runs.highest_peak_mb),
        "mb_before": round(runs.median("mb_before")),
        "facts": runs.repeats[-1]["facts"],
        **{
            kind: {k: _short(v) for k, v in runs.laps(kind).items()}
            for kind in ("laps", "parts", "apart")
        },
        "all_s": [_short(s) for s in seconds],
    }


def write(outcomes: list[Outcome], machine: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Writes `latest.json` and `latest.md`; returns the latter."""
    latest = folder / "latest.json"
    stored = json.loads(latest.read_text(encoding="utf-8")) if latest.exists() else {}
    fresh = {o.race.name: {**document(o), "machine": dict(machine)} for o in outcomes}
    races = {**stored, **fresh}
    whole = {name: races[name] for name in NAMES if name in races}
    folder.mkdir(exist_ok=True)
    latest.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    page = folder / "latest.md"
    page.write_text("\n".join(markdown(whole)) + "\n", encoding="utf-8")
    return page


def markdown(races: Mapping[str, Any]) -> Iterator[str]:
    machines = list(dict.fromkeys(_machine(race["machine"]) for race in races.values()))
    yield "# Benchmarks"
    yield ""
    yield "Written by `make bench`; how each race is run and why it is fair stands in `benchmarks/`."
    yield ""
    for number, machine in enumerate(machines, start=1):
        yield f"{number}. {machine}"
    yield ""
    yield "| race | figure | target | measured | met |"
    yield "|---|---|---:|---:|---|"
    for name, race in races.items():
        yield from _verdicts(name, race)
    for name, race in races.items():
        yield from _section(name, race, 1 + machines.index(_machine(race["machine"])))


def _machine(facts: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    return (
        f"{facts['system']}, {facts['processor']}, {facts['cores']} cores, "
        f"{facts['memory_gb']} GB, {facts['python']}; {libraries}."
    )


def _verdicts(name: str, race: Mapping[str, Any]) -> Iterator[str]:
    for t in race["targets"]:
        sign = "≥" if t["is_at_least"] else "≤"
        met = "yes" if t["is_met"] else "**no**"
        yield (
            f"| {name} | {t['says']} | {sign} {t['limit']:g} {t['unit']} | "
            f"{t['figure']:g} {t['unit']} | {met} |"
        )
    for b in race["beside"]:
        yield f"| {name} | {b['says']} | none | {b['figure']:g} times | |"
    if not race["targets"] and not race["beside"]:
        for side, s in race["sides"].items():
            yield f"| {name} | {side}: {s['says']} | none | {s['median_s']:g} s | |"


def _section(name: str, race: Mapping[str, Any], machine: int) -> Iterator[str]:
    yield ""
    yield f"## {name}: {race['title']}"
    yield ""
    yield f"{race['why_fair']} Input: {_facts(race['input'])}. Compared: {_facts(race['agreement'])}."
    before, after = race["load_average"]
    yield (
        f"Measured {race['measured_at_utc']} on machine {machine}, {race['n_repeats']} repeats in turn, load average "
        f"{before} before and {after} after."
    )
    yield ""
    yield f"| side | median s | {_SPREAD} | CPU s | peak MB | MB before the start |"
    yield "|---|---:|---:|---:|---:|---:|"
    for side, s in race["sides"].items():
        yield (
            f"| {side}: {s['says']} | {s['median_s']:g} | {s['lowest_s']:g} to {s['highest_s']:g} | "
            f"{s['cpu_s']:g} | {s['peak_mb']} | {s['mb_before'] or ''} |"
        )
    rows = [row for side, s in race["sides"].items() for row in _laps(side, s)]
    if rows:
        yield ""
        yield "| side | step | median s |"
        yield "|---|---|---:|"
        yield from rows


def _laps(side: str, s: Mapping[str, Any]) -> Iterator[str]:
    for lap, seconds in s["laps"].items():
        yield f"| {side} | {lap} | {seconds:g} |"
    for part, seconds in s["parts"].items():
        if seconds >= 0.01:
            yield f"| {side} | · of that: {part} | {seconds:g} |"
    for lap, seconds in s["apart"].items():
        yield f"| {side} | apart, not in the total: {lap} | {seconds:g} |"


def _facts(facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{k} {v:,}" if isinstance(v, int) else f"{k} {v}" for k, v in facts.items())


def _short(value: float) -> float:
    """Three figures are more than the machine repeats."""
    return float(f"{value:.3g}")


def printed(outcome: Outcome) -> Iterator[str]:
    """The race for the terminal."""
    race: Race = outcome.race
    found = document(outcome)
    yield ""
    yield f"{race.name}: {race.title}"
    yield f"  input: {_facts(found['input'])}"
    yield f"  compared: {_facts(found['agreement'])}"
    for side, s in found["sides"].items():
        yield (
            f"  {side:<16} median {s['median_s']:>8g} s  ({s['lowest_s']:g} to {s['highest_s']:g})  "
            f"CPU {s['cpu_s']:g} s  peak {s['peak_mb']} MB"
        )
        for row in _laps(side, s):
            _, _, lap, seconds, _ = (cell.strip() for cell in row.split("|"))
            yield f"      {lap:<58} {seconds:>8} s"
    for t in found["targets"]:
        sign = "at least" if t["is_at_least"] else "at most"
        met = "MET" if t["is_met"] else "NOT MET"
        yield f"  target {t['says']}: {sign} {t['limit']:g}: {t['figure']:g} {t['unit']}: {met}"
    for b in found["beside"]:
        yield f"  stated {b['says']}: {b['figure']:g} times"
