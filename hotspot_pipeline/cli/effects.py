"""`hotspots effects`: what can be said of the patrols' effect, from the published copy.

Here: the words around the estimates. Not here: the estimates, their guards and sentences (`evaluation`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click

from hotspot_pipeline.cli.common import (
    console,
    copy_to_ask,
    force_option,
    json_option,
    say,
    settings,
    table,
)

_PLACES = {
    "lot_places": "places by lot",
    "lot_pairs": "places by lot within pairs",
    "chosen": "places chosen, controls named",
    "matched": "places chosen, controls matched",
    "none": "no controls",
}
_DAYS = {"none": "", "days": ", days by lot", "spells": ", spells of days by lot"}
_TABLES = {
    "designs": "select * from evaluation.designs order by design_id",
    "effects": "select * from evaluation.effects where cut = $cut order by design_id, outcome <> 'ALL', outcome, not is_primary, measure",
    "guards": "select * from evaluation.effect_guards where cut = $cut order by all",
    "refused": "select what, reason, needs from evaluation.refusals order by all",
}


@click.command()
@click.argument("design_id", metavar="[DESIGN]", required=False)
@click.option("--cut", type=click.Choice(("latest", "settled")), default="latest", show_default=True, help="Counts as known now, or of weeks that ended 28 days ago, as at their settled cut.")  # fmt: skip
@force_option
@json_option
def effects(design_id: str | None, cut: str, force_id: str | None, as_json: bool) -> int:
    """What patrols did to crime, how sure that is, and what stands in the way of saying so."""
    found = settings()
    force = found.force(force_id)
    with copy_to_ask(found, force).session(read_only=True) as session:
        rows = {
            name: session.frame(sql, {"cut": cut} if "$cut" in sql else None).to_dicts()
            for name, sql in _TABLES.items()
        }
    if design_id is not None:
        known = [d["design_id"] for d in rows["designs"]]
        if design_id not in known:
            raise ValueError(f"no trial '{design_id}'; known: {', '.join(known) or 'none'}; a trial is a file in {force.trials}")  # fmt: skip
        for name in ("designs", "effects", "guards"):
            rows[name] = [r for r in rows[name] if r["design_id"] == design_id]
    if as_json:
        say(True, {"force": force.force_id, "cut": cut, **rows})
        return 0
    for design in rows["designs"]:
        mine = {n: [r for r in rows[n] if r["design_id"] == design["design_id"]] for n in ("effects", "guards")}  # fmt: skip
        _say_design(design, cut, mine["effects"], mine["guards"])
    names = [d["design_id"] for d in rows["designs"]]
    about = [r for r in rows["refused"] if "effect" in r["what"] or any(f" of {n}" in r["what"] for n in names)]  # fmt: skip
    if about:
        columns = ["what", "reason", "needs"]
        table("not estimated, and why", columns, [[r[c] for c in columns] for r in about])
    return 0


def _say_design(
    design: dict[str, Any],
    cut: str,
    rows: Sequence[dict[str, Any]],
    guards: Sequence[dict[str, Any]],
) -> None:
    console.print(f"\n[bold]{design['name']}[/bold] ({design['design_id']}), {cut}")
    to = design["settled_to"] if cut == "settled" else design["counted_to"]
    for line in (
        f"{_PLACES[design['arm_scheme']]}{_DAYS[design['day_scheme']]}: {design['n_treated']} patrolled, {design['n_control']} controls",
        f"{design['before_from']} to {design['before_to']} against {design['after_from']} to {design['after_to']}, counted to {to or 'nowhere yet'}",
        f"outcome: {design['outcome_groups']}; primary measure: {design['primary_measure']}; smallest fall worth while: {design['smallest_worthwhile_percent']} %",
        f"registered {design['registered_at_utc']:%Y-%m-%d %H:%M} UTC, SHA-256 {design['registration_sha256']}",
    ):
        console.print(line, markup=False)
    if design["is_exploratory"]:
        console.print("exploratory: the decisions were changed after outcomes were known", style="bold red")  # fmt: skip
    if not design["is_causal"]:
        console.print(design["why_not_causal"], style="bold red", markup=False)
    if not rows:
        return
    table(
        "estimates",
        ["outcome", "measure", "estimate", "95 % interval", "p", "Holm", "guards allow a claim"],
        [[r["outcome"], r["measure"], shown(r, "estimate"), interval(r), r["p_value"], r["p_holm"], r["may_claim"]] for r in rows],
    )  # fmt: skip
    for row in (r for r in rows if r["outcome"] == "ALL"):
        mark = " (primary)" if row["is_primary"] else ""
        console.print(f"{row['measure']}{mark}: {row['sentence_counted']} {row['sentence_follows']}", markup=False)  # fmt: skip
    primary = [g for g in guards if g["outcome"] == "ALL" and g["measure"] == design["primary_measure"]]  # fmt: skip
    if primary:
        order = {"forbids": 0, "warning": 1, "clear": 2}
        table(
            f"what was asked of {design['primary_measure']}",
            ["guard", "verdict", "answer"],
            [[g["guard"], g["verdict"], g["reason"]] for g in sorted(primary, key=lambda g: (order[g["verdict"]], g["guard"]))],
        )  # fmt: skip


def shown(row: dict[str, Any], column: str) -> str:
    """A ratio for logs, with its sign for events; what is open or not known in words."""
    value = row[column]
    if value is None:
        return "open" if column in ("low", "high") else "none"
    if row["scale"] == "log_ratio":
        return f"ratio {math.exp(value):.2f}" if column == "estimate" else f"{math.exp(value):.2f}"
    return f"{value:+.1f} events" if row["scale"] == "events" else f"{value:+.3f} a day"


def interval(row: dict[str, Any]) -> str:
    return f"{shown(row, 'low')} to {shown(row, 'high')}"
