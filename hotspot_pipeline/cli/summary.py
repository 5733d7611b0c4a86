"""What a run did, in figures a person wants to see first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotspot_pipeline.cli.common import console, table
from hotspot_pipeline.settings import Force
from hotspot_pipeline.warehouse.session import Session

if TYPE_CHECKING:
    from hotspot_pipeline.cli.running import JobOutcome


_CLOSED = {"patrol_days": "police day", "weekly": "police week, from Monday"}


@dataclass(frozen=True)
class RunSummary:
    deliveries: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    quality: list[dict[str, Any]]
    hotspots: dict[str, Any]
    bulletin: str | None = None
    """What the issue of figures made by these runs says in its first sentence or two."""

    def document(self) -> dict[str, Any]:
        return {
            "deliveries": self.deliveries,
            "refused_files": self.refused,
            "data_quality": self.quality,
            "hotspots": self.hotspots,
            "recode_bulletin": self.bulletin,
        }


def summarise(session: Session, run_ids: Sequence[str]) -> RunSummary:
    """Reads what the runs with these ids took and what stands now."""
    runs = ", ".join(f"'{r}'" for r in run_ids)
    deliveries = refused = quality = []
    hotspots: dict[str, Any] = {}
    if session.exists("raw.extracts"):
        state = (
            "coalesce(c.status, e.status)"
            if session.exists("validated.extract_counts")
            else "e.status"
        )
        joined = (
            "left join validated.extract_counts c on c.extract_id = e.extract_id"
            if session.exists("validated.extract_counts")
            else ""
        )
        names = ("n_accepted", "n_rejected", "n_accepted_before as n_repeated")
        counts = ", ".join(f"c.{n}" if joined else f"0 as {n.split()[-1]}" for n in names)
        deliveries = session.frame(
            f"select e.extract_id, e.feed, {state} as state, e.n_records, e.n_unreadable, {counts} from raw.extracts e {joined} "
            f"where e.run_id in ({runs}) order by e.feed, e.extract_ts_utc"
        ).to_dicts()
        refused = session.frame(
            "select f.source_file, f.rule, f.line_no, f.reason from raw.extract_files f "
            f"join raw.extracts e using (extract_id) where f.status = 'refused' and e.run_id in ({runs}) order by 1"
        ).to_dicts()
    if session.exists("published.data_quality"):
        quality = session.frame(
            "select part, measure, n, data_to from published.data_quality order by part, measure"
        ).to_dicts()
    if session.exists("hexes.hotspots"):
        hotspots = session.frame(
            "select count(*) as n, count(*) filter (status = 'signed') as n_signed, coalesce(sum(n_events), 0)::bigint as n_events, "
            "min(window_from) as window_from, max(window_to) as window_to from hexes.hotspots"
        ).row(0, named=True)
    bulletin: str | None = None
    if session.exists("published.issues"):
        bulletin = session.value(f"select max_by(summary, issue) from published.issues where run_id in ({runs}) and issue > 1")  # fmt: skip
    return RunSummary(deliveries, refused, quality, hotspots, bulletin)


def print_summary(force: Force, outcomes: Sequence[JobOutcome], summary: RunSummary) -> None:
    if summary.deliveries:
        table(
            f"{force.name}: deliveries taken",
            [
                "feed",
                "deliveries",
                "refused",
                "held",
                "records",
                "unreadable",
                "repeated",
                "rejected",
                "accepted",
            ],
            _by_feed(summary.deliveries),
        )
    if summary.refused:
        table(
            "files refused (the others were taken)",
            ["file", "line", "rule", "what to do"],
            [[r["source_file"], r["line_no"], r["rule"], r["reason"]] for r in summary.refused],
        )
    if summary.quality:
        table(
            f"every record accounted for, data to {summary.quality[0]['data_to']}",
            ["of", "measure", "n"],
            [[q["part"], q["measure"], q["n"]] for q in summary.quality],
        )
    changed = sorted({name for o in outcomes for name in o.changed})
    if changed:
        console.print(f"{len(changed)} tables changed.")
    elif not summary.deliveries and all(o.success for o in outcomes):
        console.print("[bold]No new delivery: nothing changes.[/bold]")
    if summary.hotspots.get("n"):
        h = summary.hotspots
        console.print(
            f"{h['n']} hotspots ({h['n_signed']} signed off) hold {h['n_events']:,} events "
            f"from {h['window_from']} until {h['window_to']}. Map, layers and tables: {force.published}",
            soft_wrap=True,
        )
    if summary.bulletin:
        console.print(f"Recodes: {summary.bulletin}", markup=False, soft_wrap=True)
    for outcome in outcomes:
        mark = "[green]done[/green]" if outcome.success else "[red]FAILED[/red]"
        closed = (
            f"  newest closed {_CLOSED[outcome.job]} {outcome.partitions}"
            if outcome.partitions
            else ""
        )
        console.print(
            f"{outcome.job:<14} {mark} in {outcome.seconds:.1f} s{closed}", soft_wrap=True
        )
        if outcome.failure:
            console.print(f"  {outcome.failure}", style="red", markup=False, soft_wrap=True)


def _by_feed(deliveries: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    rows: dict[str, list[Any]] = {}
    for d in deliveries:
        row = rows.setdefault(d["feed"], [d["feed"], 0, 0, 0, 0, 0, 0, 0, 0])
        row[1] += 1
        row[2] += d["state"] == "refused"
        row[3] += d["state"] == "held"
        for place, name in (
            (4, "n_records"),
            (5, "n_unreadable"),
            (6, "n_repeated"),
            (7, "n_rejected"),
            (8, "n_accepted"),
        ):
            row[place] += d[name] or 0
    return list(rows.values())
