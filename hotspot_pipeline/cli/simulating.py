"""`hotspots simulate` and `hotspots demo`: a fictional force with known truth, and the pipeline run on one.

Here: options, progress and what is said. Not here: the simulator, which only the command line knows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import yaml

from hotspot_pipeline.cli.common import console, settings
from hotspot_pipeline.cli.making import FORCE_HEAD
from hotspot_pipeline.cli.progress import bars
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.cli.summary import print_summary
from hotspot_pipeline.settings import PROJECT_ROOT, read_force

DEMO_FORCE = "fosseshire"
DEMO_FEEDS = ("crime_extract", "asb_extract", "venues", "excluded_sites", "default_geocodes", "gps_pings", "duties",
              "patrol_plan", "patrol_logs", "patrol_places")  # fmt: skip
# its days are made up: none of them is ever too old
DEMO_PINGS_DAYS = 36_500
OFFENCE_LOOKUP = PROJECT_ROOT / "data" / "reference" / "ho_offence_lookup.csv"
_PROFILES = ("tiny", "demo", "county", "power")


@click.command()
@click.option(
    "--profile",
    "size",
    type=click.Choice(_PROFILES),
    default="demo",
    show_default=True,
    help="How large, how long.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="Another seed, another force.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder.",
)
@click.option(
    "--mode",
    type=click.Choice(("null", "base", "beds", "strong", "reversed")),
    default="base",
    show_default=True,
    help="What a patrol visit really does to crime.",
)
@click.option(
    "--trial",
    type=click.Choice(("ops", "spells")),
    help="Which days are patrolled by lot; the profile's own if not given.",
)
@click.option(
    "--controls",
    type=click.Choice(("paired", "ranked")),
    default="paired",
    show_default=True,
    help="Controls drawn within pairs of ranks, or taken from the next ranks (which biases).",
)
@click.option(
    "--ring",
    type=click.Choice(("none", "diffusion", "displacement")),
    default="none",
    show_default=True,
    help="What happens around the patrolled places.",
)
@click.option(
    "--level",
    type=click.Choice(("full", "counts")),
    default="full",
    show_default=True,
    help="Every feed, or only the counts and their truth.",
)
@click.option(
    "--nightly",
    type=click.Choice(("delta", "full")),
    default="delta",
    show_default=True,
    help="What a night's extract holds.",
)
def simulate(
    size: str, seed: int, out: Path, mode: str, trial: str | None, controls: str, ring: str, level: str, nightly: str
) -> int:  # fmt: skip
    """Write the feeds of a fictional force, and apart from them what really happened."""
    from hotspot_pipeline.simulator import PROFILES, Options, write_counts
    from hotspot_pipeline.simulator import simulate as write_feeds

    if out.exists() and any(out.iterdir()):
        raise click.UsageError(
            f"--out {out}: the folder is not empty; files of another simulation would stay in it"
        )
    options = Options(mode=mode, trial=trial, controls=controls, ring=ring)  # type: ignore[arg-type]
    profile = PROFILES[size]  # type: ignore[index]
    if level == "counts":
        with console.status("counting"):
            found = write_counts(out, profile, seed, options)
        console.print(
            f"{len(found.places)} places, {len(found.visits):,} visits, {len(found.six_hourly):,} counts: {out / 'truth'}"
        )
        return 0
    with _steps() as progress:
        report = write_feeds(
            out,
            profile,
            seed,
            options,
            offence_lookup=OFFENCE_LOOKUP,
            nightly=nightly,  # type: ignore[arg-type]
            progress=progress,
        )
    _say(report)
    return 0


@click.command()
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--profile", "size", type=click.Choice(_PROFILES), default="demo", show_default=True)
@click.option("--fresh", is_flag=True, help="Throw the demo force away first.")
def demo(seed: int, size: str, fresh: bool) -> int:
    """Make a fictional force with its deliveries, dirt and all, and run the pipeline on it."""
    found = settings()
    home, truth = found.data / "forces" / DEMO_FORCE, found.data / "truth" / DEMO_FORCE
    if fresh:
        for folder in (home, truth):
            shutil.rmtree(folder, ignore_errors=True)
    if not (home / "force.yml").exists():
        make_demo_force(home, truth, size, seed)
    force = read_force(home)
    outcomes, summary = run_force(replace(found, forces=(force,)), force)
    print_summary(force, outcomes, summary)
    console.print("See it: make ui (or hotspots ui), then http://127.0.0.1:3000")
    return 0 if all(o.success for o in outcomes) else 1


def make_demo_force(home: Path, truth: Path, size: str, seed: int) -> None:
    """The demo force with its deliveries in `home`; the truth about it in `truth`, where the pipeline never looks."""
    from hotspot_pipeline.simulator import PROFILES, Options
    from hotspot_pipeline.simulator import simulate as write_feeds

    profile = PROFILES[size]  # type: ignore[index]
    with _steps() as progress:
        report = write_feeds(
            home, profile, seed, Options(), offence_lookup=OFFENCE_LOOKUP, progress=progress
        )
    truth.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(truth, ignore_errors=True)
    shutil.move(home / "truth", truth)
    document = {
        "force_id": DEMO_FORCE,
        "name": "Fosseshire (fictional)",
        "boundary": {"file": "boundary.geojson"},
        "feeds": {feed: {} for feed in DEMO_FEEDS},
        "retention": {"pings_days": DEMO_PINGS_DAYS},
        "partitions_start": profile.start,
    }
    (home / "force.yml").write_text(
        FORCE_HEAD + yaml.safe_dump(document, sort_keys=False), encoding="utf-8"
    )
    _say(report)
    console.print(f"what really happened: {truth}")


def _say(report: object) -> None:
    from hotspot_pipeline.simulator import Report

    assert isinstance(report, Report)
    console.print(
        f"{report.n_crimes:,} crimes, {report.n_asb:,} incidents, {report.n_changes:,} changes, {report.n_visits:,} patrol visits, "
        f"{report.n_pings:,} pings: {sum(report.n_files.values()):,} files, {sum(report.n_bytes.values()) / 1e6:,.0f} MB in {report.out}"
    )
    wrong = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in report.dirt.items())
    console.print(f"put in on purpose: {wrong}", style="dim")


@contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """One bar a step of the simulation."""
    with bars(width=18) as found:
        tasks: dict[str, int] = {}

        def advanced(step: str, done: int, total: int) -> None:
            for other, task in tasks.items():
                if other != step:
                    found.update(task, completed=found.tasks[task].total)  # type: ignore[arg-type]
            if step not in tasks:
                tasks[step] = found.add_task(step, total=total)
            found.update(tasks[step], completed=done)  # type: ignore[arg-type]

        yield advanced
