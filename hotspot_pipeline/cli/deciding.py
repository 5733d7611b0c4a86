"""What people decide: `withdraw` and `release` a delivery, `signoff` the hotspots."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime

import click
import polars as pl

from hotspot_pipeline.cli.common import (
    console,
    copy_to_ask,
    force_option,
    json_option,
    say,
    settings,
)
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.cli.summary import print_summary
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.hexes.merging import short_cell_id
from hotspot_pipeline.hexes.signoff import (
    Selection,
    SignedHotspot,
    append_selection,
    read_selections,
)
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.session import Session


def _decision(words: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The options that `withdraw` and `release` share."""

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        for option in (
            json_option,
            force_option,
            click.option("--no-run", is_flag=True, help="Only record it; the next run acts on it."),
            click.option("--by", default=None, help="Who; the login name when not given."),
            click.option(
                "--because", required=True, help=f"Why it is {words}; kept in raw.decisions."
            ),
            click.argument("extract_id"),
        ):
            command = option(command)
        return command

    return decorate


@click.command()
@_decision("withdrawn")
def withdraw(
    extract_id: str, because: str, by: str | None, no_run: bool, force_id: str | None, as_json: bool
) -> int:
    """Undo a bad delivery: its rows leave every figure; what was known before it and the record of it stay."""
    return _decide("withdrawn", extract_id, because, by, no_run, force_id, as_json)


@click.command()
@_decision("released")
def release(
    extract_id: str, because: str, by: str | None, no_run: bool, force_id: str | None, as_json: bool
) -> int:
    """Let a held delivery through the gate, or what it changes be published; the record says who and why."""
    return _decide("released", extract_id, because, by, no_run, force_id, as_json)


def _decide(
    decision: str,
    extract_id: str,
    because: str,
    by: str | None,
    no_run: bool,
    force_id: str | None,
    as_json: bool,
) -> int:
    found = settings()
    force = found.force(force_id)
    with (
        lock.hold(
            force.lock_file,
            f"hotspots {decision} {extract_id}",
            timeout_s=found.lock_timeout_s,
            waiting=console.print,
        ),
        warehouse_of(found, force).session() as session,
    ):
        _refuse_wrong(session, decision, extract_id)
        contract = session.catalog["raw.decisions"]
        session.ensure(contract)
        row = {
            "extract_id": extract_id,
            "decision": decision,
            "decided_by": by or getpass.getuser(),
            "because": because,
            "decided_at_utc": datetime.now(UTC).replace(tzinfo=None),
        }
        with session.transaction():
            session.insert(contract, pl.DataFrame([row]))
    if no_run:
        say(
            as_json,
            {decision: extract_id},
            [f"{extract_id} is {decision}; the next run acts on it"],
        )
        return 0
    outcomes, summary = run_force(found, force, quiet=as_json)
    if as_json:
        say(True, {decision: extract_id, "jobs": [vars(o) for o in outcomes], **summary.document()})
    else:
        print_summary(force, outcomes, summary)
    return 0 if all(o.success for o in outcomes) else 1


def _refuse_wrong(session: Session, decision: str, extract_id: str) -> None:
    """A decision needs an extract, and one that it can still change."""
    extracts = (
        session.frame("select extract_id from raw.extracts order by 1")
        .get_column("extract_id")
        .to_list()
        if session.exists("raw.extracts")
        else []
    )
    if extract_id not in extracts:
        close = [e for e in extracts if extract_id in e]
        raise ValueError(
            f"no extract '{extract_id}'; "
            + (
                f"did you mean {', '.join(close[:5])}?"
                if close
                else "published/tables/deliveries.csv lists them"
            )
        )
    withdrawn = (
        "select count(*) from raw.decisions where extract_id = $id and decision = 'withdrawn'"
    )
    if session.value(withdrawn, {"id": extract_id}):
        raise ValueError(f"{extract_id} is withdrawn already")
    held = [
        "select count(*) from validated.extract_counts where extract_id = $id and status = 'held'",
        "select count(*) from history.extracts where extract_id = $id and is_held",
    ]
    tables = ("validated.extract_counts", "history.extracts")
    if decision == "released" and not any(
        session.exists(table) and session.value(query, {"id": extract_id})
        for table, query in zip(tables, held, strict=True)
    ):
        raise ValueError(f"{extract_id} is not held, so there is nothing to release")


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
    with copy_to_ask(found, force).session(read_only=True) as session:
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
                SignedHotspot(short_cell_id(int(cell, 16)), (cell,), f"added: {reason}")
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
