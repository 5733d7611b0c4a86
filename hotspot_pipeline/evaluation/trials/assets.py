"""The step that writes the effects: registrations first, then what the trials came to, then what is refused.

Thin: which tables, what is read, which kernel is called. A file is hashed and its decisions stand on record before a count of the trial is read.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.evaluation.guards import RecordingChange
from hotspot_pipeline.evaluation.trials import reading, tables
from hotspot_pipeline.evaluation.trials.files import Trial, read_trials
from hotspot_pipeline.evaluation.trials.findings import Findings, Force
from hotspot_pipeline.evaluation.trials.records import new_rows, standing
from hotspot_pipeline.evaluation.trials.study import examine
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.timebase.reference_csv import read_rows
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline.warehouse.standing import Standing

REGISTRATIONS = "evaluation.registrations"
# guards first: the audits of the effects ask them
TABLES = ("designs", "effect_guards", "effects", "effect_curves", "balance")
REFUSALS = "evaluation.refusals"
_NAMES = (REGISTRATIONS, *(f"evaluation.{t}" for t in TABLES))
Refused = Callable[[Workshop, Session], pl.DataFrame]


def effects_step(shop: Workshop, refused: Refused, refused_deps: Sequence[str]) -> dg.AssetsDefinition:  # fmt: skip
    """The step. `refused`: what the other steps of the stage refuse, made from the tables `refused_deps`; it stands in one table
    with what is refused here."""
    deps = (*reading.READS, *reading.WINDOWED)
    specs = [shop.spec(table, deps=deps, kinds=("polars",)) for table in _NAMES]
    of_all = dict.fromkeys((*deps, *refused_deps))

    @shop.step(
        "evaluation.effects",
        [*specs, shop.spec(REFUSALS, deps=of_all, kinds=("polars",))],
    )
    def effects(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            reading.ensure(session)
            trials, wrong = read_trials(shop.force.trials)
            for why in wrong.values():
                context.log.error(why)
            force = _force(shop, session)
            kept = Standing(session, [REGISTRATIONS])
            register(session, shop, trials, force, context.run_id)
            for write in kept.writes():
                yield shop.result(write)
            found = examined(session, trials, wrong, force)
            others = refused(shop, session)
            for table, rows in rows_of(session, found, wrong, others).items():
                contract = shop.catalog[table]
                yield from shop.run_write(table, partial(session.replace_table, contract, rows), {"designs": len(found)})  # fmt: skip

    return effects


def register(session: Session, shop: Workshop, trials: Sequence[Trial], force: Force, run_id: str) -> None:  # fmt: skip
    """Decisions that were never used before are put on record."""
    on_record = session.frame(f"select * from {REGISTRATIONS} order by all")
    now = datetime.now(UTC).replace(tzinfo=None)
    rows = new_rows(on_record, trials, force.data_to, now, run_id)
    if len(rows):
        with session.transaction():
            session.insert(shop.catalog[REGISTRATIONS], rows)


def examined(session: Session, trials: Sequence[Trial], wrong: dict[str, str], force: Force) -> list[Findings]:  # fmt: skip
    """What the trials came to; of one whose places cannot be made out the reason goes to `wrong`."""
    on_record = session.frame(f"select * from {REGISTRATIONS} order by all")
    found = []
    for trial in trials:
        try:
            found.append(examine(force, trial, standing(on_record, trial)))
        except ValueError as error:
            wrong[trial.design_id] = f"{trial.design_id}.yml: {error}"
    return found


def rows_of(
    session: Session, found: Sequence[Findings], wrong: dict[str, str], others: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The rows of every table but the registrations, in the contracts' columns; `others` are refusals of other steps."""
    used = session.frame(f"select distinct design_id from {REGISTRATIONS} order by 1")["design_id"]
    gone = [d for d in used if d not in wrong and d not in {f.trial.design_id for f in found}]
    refused = pl.DataFrame(tables.refusal_rows(found, wrong, gone), schema=("what", "reason", "needs"), orient="row")  # fmt: skip
    rows: dict[str, list[dict[str, Any]] | pl.DataFrame] = {
        "evaluation.designs": tables.design_rows(found),
        "evaluation.effect_guards": tables.guard_rows(found),
        "evaluation.effects": tables.effect_rows(found),
        "evaluation.effect_curves": tables.curve_rows(found),
        "evaluation.balance": tables.balance_frame(found),
        REFUSALS: pl.concat(
            [others, refused.with_columns(hotspot_id=pl.lit("ALL"))], how="diagonal"
        ),
    }
    return {table: _typed(session, table, given) for table, given in rows.items()}


def _typed(session: Session, table: str, rows: list[dict[str, Any]] | pl.DataFrame) -> pl.DataFrame:
    columns = session.catalog[table].column_types
    if isinstance(rows, pl.DataFrame):
        return rows.select(list(columns))
    schema = {name: _TYPES[kind] for name, kind in columns.items()}
    return pl.DataFrame([[row[name] for name in columns] for row in rows], schema=schema, orient="row")  # fmt: skip


_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "DATE": pl.Date,
          "TIMESTAMP": pl.Datetime("us")}  # fmt: skip


def _force(shop: Workshop, session: Session) -> Force:
    path = dict(shop.force.reference).get("recording_changes", shop.settings.reference / "recording_changes.csv")  # fmt: skip
    clock = shop.police_time
    return Force(
        session, shop.grid, shop.force.grid_resolution, clock, reading.data_to(session, clock),
        reading.first_day(session, shop.force.partitions_start), changes_of(Path(path)),
    )  # fmt: skip


def changes_of(path: Path) -> list[RecordingChange]:
    """The changes of recording that move a level; raises CalendarFileError, which names file, line and column."""
    rows = read_rows(path, ("effective_from", "cat_groups", "direction", "description"))
    return [
        RecordingChange(row.day("effective_from"), frozenset(row.text("cat_groups").split("|")), row.text("description"))
        for row in rows
        if row.text("direction") != "none"
    ]  # fmt: skip
