"""`hotspots init` and `hotspots demo`: a force where there was none."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import click
import yaml

from hotspot_pipeline.cli.common import console, settings
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.cli.summary import print_summary
from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.settings import SettingsError, read_force

DEMO_FORCE = "fosseshire"


@click.command()
@click.argument("force_id", metavar="FORCE")
@click.option("--name", help="Its name for people.")
@click.option(
    "--feed",
    "feeds",
    multiple=True,
    help="A feed it delivers; several are possible. See the README.",
)
@click.option(
    "--landing",
    type=click.Path(path_type=Path),
    help="Folder where the (one) feed lands, if not the default.",
)
@click.option(
    "--boundary",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="GeoJSON or GeoPackage.",
)
@click.option("--where", help="Which feature of the boundary file, as property=value.")
@click.option(
    "--police-uk",
    "slug",
    help="Shorthand: the public feed of the force that data.police.uk calls this.",
)
@click.option("--time-zone", default="Europe/London", show_default=True)
def init(
    force_id: str, name: str | None, feeds: tuple[str, ...], landing: Path | None, boundary: Path | None,
    where: str | None, slug: str | None, time_zone: str,
) -> None:  # fmt: skip
    """Make a force: its folder, its force.yml with comments, its landing folders."""
    found = settings()
    home = found.data / "forces" / force_id
    if (home / "force.yml").exists():
        raise SettingsError(f"{home / 'force.yml'}: is there already; edit it")
    chosen = list(feeds) or (
        []
        if slug
        else ["crime_extract", "asb_extract", "venues", "excluded_sites", "default_geocodes"]
    )
    if slug:
        chosen.append("police_uk_street")
    unknown = sorted(set(chosen) - set(shipped_contracts()))
    if unknown:
        raise SettingsError(f"no feed '{unknown[0]}'; known: {', '.join(shipped_contracts())}")
    if landing and len(chosen) != 1:
        raise SettingsError(
            "--landing goes with exactly one feed; name the folders of several in force.yml"
        )
    document: dict[str, object] = {
        "force_id": force_id,
        "name": name or force_id.replace("_", " ").title(),
        "time_zone": time_zone,
    }
    if boundary:
        pair = dict([where.split("=", 1)]) if where else {}
        document["boundary"] = {
            "file": str(boundary.resolve()),
            **({"where": pair} if pair else {}),
        }
    sections: dict[str, dict[str, object]] = {feed: {} for feed in chosen}
    if slug:
        sections["police_uk_street"] = {
            "files": [f"**/*-{slug}-street.csv", f"**/*-{slug}-street.csv.gz", "**/*.zip"],
            "members": f"-{slug}-street\\.csv$",
        }
    if landing:
        sections[chosen[0]]["landing"] = str(landing.resolve())
    document["feeds"] = sections
    home.mkdir(parents=True, exist_ok=True)
    (home / "force.yml").write_text(
        _FORCE_HEAD + yaml.safe_dump(document, sort_keys=False, width=110), encoding="utf-8"
    )
    force = read_force(home)
    for feed in force.feeds:
        if not force.feeds[feed].get("landing"):
            force.landing(feed).mkdir(parents=True, exist_ok=True)
    console.print(
        f"{home / 'force.yml'} is there. Put deliveries into {home / 'landing'}/<feed>/ and start: hotspots run --force {force_id}"
    )


_FORCE_HEAD = """\
# One force. Paths are relative to this folder. What a feed may say here: landing, files, columns ({ours: theirs}),
# codes ({column: {theirs: ours}}), timestamp_formats, constants, kind (full or delta), name_pattern, delimiter, sheet,
# encodings, expectations ({name: {kwarg: value}}, or 'off'). `hotspots:` takes window_from, window_to, groups, top_k,
# max_cells, min_events. See docs/own_data.md.
"""


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--weeks", default=57, show_default=True, help="Weeks of events.")
@click.option("--fresh", is_flag=True, help="Throw the demo force away first.")
def demo(seed: int, weeks: int, fresh: bool) -> int:
    """Make a fictional force with a small, dirty crime feed, and run the pipeline on it."""
    from hotspot_pipeline.simulator import (
        write_demo_feed,
    )  # the pipeline itself never knows the simulator

    found = settings()
    home = found.data / "forces" / DEMO_FORCE
    if fresh and home.exists():
        shutil.rmtree(home)
    if not (home / "force.yml").exists():
        with console.status("making a fictional force and its deliveries"):
            report = write_demo_feed(home, seed=seed, n_weeks=weeks)
        document = {
            "force_id": DEMO_FORCE,
            "name": "Fosseshire (fictional)",
            "boundary": {"file": "boundary.geojson"},
            "feeds": {
                feed: {}
                for feed in (
                    "crime_extract",
                    "asb_extract",
                    "venues",
                    "excluded_sites",
                    "default_geocodes",
                )
            },
            "partitions_start": date(2025, 5, 26),
        }
        (home / "force.yml").write_text(
            _FORCE_HEAD + yaml.safe_dump(document, sort_keys=False), encoding="utf-8"
        )
        console.print(f"{report}")
    force = read_force(home)
    outcomes, summary = run_force(replace(found, forces=(force,)), force)
    print_summary(force, outcomes, summary)
    console.print("See it: make ui (or hotspots ui), then http://127.0.0.1:3000")
    return 0 if all(o.success for o in outcomes) else 1
