"""`hotspots init`: a force where there was none."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from hotspot_pipeline.cli.common import console, settings
from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.settings import SettingsError, read_force


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
        FORCE_HEAD + yaml.safe_dump(document, sort_keys=False, width=110), encoding="utf-8"
    )
    force = read_force(home)
    for feed in force.feeds:
        if not force.feeds[feed].get("landing"):
            force.landing(feed).mkdir(parents=True, exist_ok=True)
    console.print(
        f"{home / 'force.yml'} is there. Put deliveries into {home / 'landing'}/<feed>/ and start: hotspots run --force {force_id}"
    )


FORCE_HEAD = """\
# One force. Paths are relative to this folder. What a feed may say here: landing, files, columns ({ours: theirs}),
# codes ({column: {theirs: ours}}), timestamp_formats, constants, kind (full or delta), name_pattern, delimiter, sheet,
# encodings, expectations ({name: {kwarg: value}}, or 'off'). `hotspots:` takes window_from, window_to, groups, top_k,
# max_cells, min_events; `hot_times:` hot_hours_budget, min_hours, max_hours, shifts. See docs/own_data.md.
"""
