"""Commands that change what stands: `init`, `demo`, `signoff`, `withdraw`."""

from __future__ import annotations

import getpass
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click
import polars as pl
import yaml

from hotspot_pipeline.cli.common import (
    console,
    force_option,
    json_option,
    published_copy,
    say,
    settings,
)
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.cli.summary import print_summary
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.hexes.signoff import (
    Selection,
    SignedHotspot,
    append_selection,
    read_selections,
)
from hotspot_pipeline.settings import SettingsError, read_force
from hotspot_pipeline.warehouse import lock

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


@click.command()
@click.argument("extract_id")
@click.option("--because", required=True, help="Why; kept in raw.decisions.")
@click.option("--by", default=None, help="Who; the login name when not given.")
@click.option("--no-run", is_flag=True, help="Only record it; the next run takes the rows out.")
@force_option
@json_option
def withdraw(
    extract_id: str, because: str, by: str | None, no_run: bool, force_id: str | None, as_json: bool
) -> int:
    """Undo a bad delivery: its rows leave every table, the record of it stays."""
    found = settings()
    force = found.force(force_id)
    with (
        lock.hold(
            force.lock_file,
            f"hotspots withdraw {extract_id}",
            timeout_s=found.lock_timeout_s,
            waiting=console.print,
        ),
        warehouse_of(found, force).session() as session,
    ):
        contract = session.catalog["raw.decisions"]
        session.ensure(contract)
        if not session.exists("raw.extracts") or not session.value(
            "select count(*) from raw.extracts where extract_id = $id", {"id": extract_id}
        ):
            raise ValueError(f"no extract '{extract_id}'; hotspots status lists them")
        if session.value(
            "select count(*) from raw.decisions where extract_id = $id and decision = 'withdrawn'",
            {"id": extract_id},
        ):
            raise ValueError(f"{extract_id} is withdrawn already")
        with session.transaction():
            session.insert(
                contract,
                pl.DataFrame(
                    {
                        "extract_id": [extract_id],
                        "decision": ["withdrawn"],
                        "decided_by": [by or getpass.getuser()],
                        "because": [because],
                        "decided_at_utc": [datetime.now(UTC).replace(tzinfo=None)],
                    }
                ),
            )
    if no_run:
        say(
            as_json,
            {"withdrawn": extract_id},
            [f"{extract_id} is withdrawn; the next run takes its rows out"],
        )
        return 0
    outcomes, summary = run_force(found, force, quiet=as_json)
    if as_json:
        say(
            True,
            {"withdrawn": extract_id, "jobs": [vars(o) for o in outcomes], **summary.document()},
        )
    else:
        print_summary(force, outcomes, summary)
    return 0 if all(o.success for o in outcomes) else 1


@click.command()
@click.option("--by", required=True, help="The analyst who signs.")
@click.option("--because", required=True, help="On what ground.")
@click.option(
    "--drop",
    "drops",
    multiple=True,
    metavar="ID=REASON",
    help="A proposed hotspot that is not one.",
)
@click.option(
    "--add",
    "adds",
    multiple=True,
    metavar="CELL=REASON",
    help="A cell that the ranking did not choose.",
)
@force_option
@json_option
def signoff(
    by: str,
    because: str,
    drops: tuple[str, ...],
    adds: tuple[str, ...],
    force_id: str | None,
    as_json: bool,
) -> int:
    """Fix today's hotspots: they keep their ids and cells until the next sign-off. Then: hotspots run."""
    found = settings()
    force = found.force(force_id)
    copy = published_copy(found, force)
    if copy is None:
        raise ValueError("nothing published yet to sign: hotspots run")
    with copy.session(read_only=True) as session:
        rows = session.frame(
            "select h.hotspot_id, h.reason, h.window_from, h.window_to, c.cell_id from hexes.hotspots h "
            "join hexes.hotspot_cells c using (hotspot_id) order by h.hotspot_rank, c.member_no"
        )
        known = set(session.frame("select cell_id from hexes.cell_scores").get_column("cell_id"))
    dropped, added = _pairs(drops, "--drop"), _pairs(adds, "--add")
    members: dict[str, list[str]] = {}
    reasons = dict(rows.select("hotspot_id", "reason").iter_rows())
    for hotspot_id, cell_id in rows.select("hotspot_id", "cell_id").iter_rows():
        members.setdefault(hotspot_id, []).append(cell_id)
    for wrong in [d for d in dropped if d not in members]:
        raise ValueError(f"--drop {wrong}: no such hotspot; known: {', '.join(members)}")
    for wrong in [a for a in added if a not in known]:
        raise ValueError(f"--add {wrong}: not a study cell at resolution {force.grid_resolution}")
    earlier = read_selections(force.signoff_file)
    retired = tuple(earlier[-1].dropped) if earlier else ()
    selection = Selection(
        version=datetime.now(UTC).date(),
        signed_by=by,
        because=because,
        resolution=force.grid_resolution,
        window_from=rows.get_column("window_from")[0],
        window_to=rows.get_column("window_to")[0],
        hotspots=(
            *[
                SignedHotspot(h, tuple(cells), str(reasons[h]))
                for h, cells in members.items()
                if h not in dropped
            ],
            *[
                SignedHotspot(f"H-{cell.rstrip('f')[4:]}", (cell,), f"added: {reason}")
                for cell, reason in added.items()
            ],
        ),
        dropped=(
            *retired,
            *[SignedHotspot(h, tuple(members[h]), reason) for h, reason in dropped.items()],
        ),
    )
    append_selection(force.signoff_file, selection)
    say(
        as_json,
        {
            "signed": [h.hotspot_id for h in selection.hotspots],
            "dropped": list(dropped),
            "file": str(force.signoff_file),
        },
        [
            f"{len(selection.hotspots)} hotspots signed off in {force.signoff_file}. Now: hotspots run"
        ],
    )
    return 0


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, reason = value.partition("=")
        if not equals or not reason.strip():
            raise ValueError(f"{option} '{value}': write ID=REASON; a reason is part of the record")
        found[name.strip()] = reason.strip()
    return found
