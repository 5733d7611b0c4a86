"""The gate as assets: every raw extract not yet judged goes through it, one transaction an extract.

Accepted rows, rejects, warnings, results and the account of the rows are written together or not at all. Not here:
the rules (`rules*.py`), the expectations (`gate.py` and the feed contracts), the reading (`raw/`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.feeds.contract import FILE_TABLES, RUN_TABLES, FeedContract
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.pseudonyms.keys import pseudonym_key
from hotspot_pipeline.validated import withdrawal
from hotspot_pipeline.validated.judging import BOOKS, Gate
from hotspot_pipeline.validated.lookups import LOOKUPS, read_lookups
from hotspot_pipeline.validated.pings import ledger
from hotspot_pipeline.validated.pings.assets import build_retention
from hotspot_pipeline.validated.pings.rows import FixRules
from hotspot_pipeline.validated.pings.taking import PingGate
from hotspot_pipeline.validated.report import ExtractReport, render_report
from hotspot_pipeline.validated.retention import first_open_day
from hotspot_pipeline.validated.tables import PATROL_TABLES, PLACE_TABLES
from hotspot_pipeline.validated.volume import NAME as VOLUME
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline.warehouse.standing import Standing

ROWS = tuple(f"validated.{table}" for table in (*RUN_TABLES, *PLACE_TABLES, *PATROL_TABLES))


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    return [_lookups(shop), _gate(shop), build_retention(shop)]


def _lookups(shop: Workshop) -> dg.AssetsDefinition:
    tables = [f"validated.{name}" for name in LOOKUPS]

    @shop.step("validated.lookups", [shop.spec(table, kinds=("csv",)) for table in tables])
    def lookups(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            found = read_lookups(shop.settings.reference, shop.force.reference)
            for name, lookup in found.items():
                contract = shop.catalog[f"validated.{name}"]
                yield from shop.run_write(
                    contract.name,
                    partial(session.replace_table, contract, lookup.rows),
                    {"lookup version": lookup.version, "file": lookup.path.name},
                )

    return lookups


def _gate(shop: Workshop) -> dg.AssetsDefinition:
    feeds = contracts_of(shop.force)
    in_files = {n: c for n, c in feeds.items() if c.table in FILE_TABLES}
    in_tables = {n: c for n, c in feeds.items() if n not in in_files}
    tables = [*ROWS, *ledger.TABLES, *BOOKS]
    results = [
        dg.AssetCheckSpec(
            _check_name(contract, e.name),
            asset=shop.key(_judged_table(contract)),
            blocking=False,
            description=f"{e.check} {e.expectation} {dict(e.kwargs)}: "
            + (
                "a failing extract is held, its rows stay out."
                if e.severity == "error"
                else "a warning."
            ),
        )
        for contract in feeds.values()
        for e in contract.expectations
    ] + [
        dg.AssetCheckSpec(
            _check_name(contract, VOLUME),
            asset=shop.key(_judged_table(contract)),
            blocking=False,
            description="C3 a full extract under 99.5 % of the one before is held; an unusual delta is a warning.",
        )
        for contract in feeds.values()
        if contract.time_precision != "none"
    ]

    @shop.step(
        "validated.gate",
        [
            shop.spec(table, deps=_deps(table), kinds=("greatexpectations", "polars"))
            for table in tables
        ],
        checks=results,
    )
    def gate(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, tables)
            withdrawal.adopt_earlier(session)
            withdrawal.purge(session)
            found = read_lookups(shop.settings.reference, shop.force.reference)
            boundary = shop.boundary
            judge = Gate(
                session,
                in_tables,
                police_time=shop.police_time,
                pseudonym_key=pseudonym_key(shop.force.key_file),
                boundary=boundary,
                lookups={
                    "offences": found["offence_codes"].delivered,
                    "policeuk_categories": found["policeuk_categories"].delivered,
                },
            )
            reports = judge.judge_waiting(context.log.info)
            first_day = first_open_day(session, datetime.now(UTC), shop.force.retention.pings_days)
            fixes = PingGate(
                session,
                in_files,
                ledger.Ledger(session, shop.force.pings, context.run_id),
                shop.force.archive,
                lambda contract: FixRules(contract, shop.police_time, boundary, first_day),
            )
            reports += fixes.judge_waiting(context.log.info)
            if not reports:
                context.log.info("no extract waits at the gate: nothing changes")
            facts = _footer(session)
            if reports:
                facts["validation report"] = dg.MetadataValue.path(
                    _write_report(shop, reports, context.run_id)
                )
            ids = [report.extract_id for report in reports]
            session.stage("judged_extracts", pl.DataFrame({"extract_id": ids}, schema={"extract_id": pl.String}))  # fmt: skip
            # a row of a full extract may be accepted with a later one
            touched = {
                t: f"select extract_id from {t} where accepted_with in (select extract_id from judged_extracts)"
                for t in tables
                if shop.catalog[t].audited_by
            }
            for write in standing.writes(touched):
                yield shop.result(write, facts)
            yield from _expectation_results(shop, session, feeds)

    return gate


def _judged_table(contract: FeedContract) -> str:
    """The asset at which the judgement on a feed shows."""
    return ledger.DAYS if contract.table in FILE_TABLES else f"validated.{contract.table}"


def _deps(table: str) -> tuple[str, ...]:
    if table in ledger.TABLES:
        return ("raw.extracts", "raw.extract_files", "raw.decisions")
    books = ["raw.extracts", "raw.unreadable_lines", "raw.decisions"]
    if table in BOOKS or table.removeprefix("validated.") in RUN_TABLES:
        books.append("raw.full_runs")
    if table in BOOKS:
        return (*books, *[row.replace("validated.", "raw.") for row in ROWS])
    return (
        table.replace("validated.", "raw."),
        *books,
        "validated.offence_codes",
        "validated.policeuk_categories",
    )


def _expectation_results(
    shop: Workshop, session: Session, feeds: Mapping[str, FeedContract]
) -> Results:
    """Each expectation as it stood for the newest extract of its feed, so that a quiet night keeps the answer."""
    newest = session.frame(
        """
        select g.feed, g.expectation, g.is_passed, g.observed, g.threshold, g.extract_id, g.severity
        from validated.gate_results g
        join raw.extracts e using (extract_id)
        qualify rank() over (partition by g.feed order by e.order_ts_utc desc) = 1
        """
    )
    by_name = {(r["feed"], r["expectation"]): r for r in newest.iter_rows(named=True)}
    for contract in feeds.values():
        severities: dict[str, str] = {e.name: e.severity for e in contract.expectations}
        if contract.time_precision != "none":
            severities[VOLUME] = "warn"
        for name, severity in severities.items():
            row = by_name.get((contract.feed, name))
            shown = (
                {k: str(row[k]) for k in ("extract_id", "observed", "threshold") if row[k]}
                if row
                else {}
            )
            yield dg.AssetCheckResult(
                passed=row["is_passed"] if row else True,
                check_name=_check_name(contract, name),
                asset_key=shop.key(_judged_table(contract)),
                severity=dg.AssetCheckSeverity.ERROR
                if (row["severity"] if row else severity) == "error"
                else dg.AssetCheckSeverity.WARN,
                description=None if row else "no extract of this feed yet",
                metadata=shown,
            )


def _footer(session: Session) -> dict[str, Any]:
    row = session.frame(
        """
        select coalesce(sum(n_in), 0) as "rows in", coalesce(sum(n_accepted), 0) as "rows accepted",
               coalesce(sum(n_accepted_before), 0) as "rows repeated",
               coalesce(sum(n_rejected), 0) as "rows rejected", coalesce(sum(n_unreadable), 0) as "lines unreadable",
               coalesce(sum(n_without_location), 0) as "rows without location",
               count(*) filter (status = 'held') as "extracts held"
        from validated.extract_counts
        """
    ).row(0, named=True)
    return {name: int(value) for name, value in row.items()}


def _write_report(shop: Workshop, reports: list[ExtractReport], run_id: str) -> Path:
    folder = shop.force.reports
    folder.mkdir(parents=True, exist_ok=True)
    page = render_report(reports)
    path = folder / f"validation-{datetime.now(UTC):%Y%m%dT%H%M%S}-{run_id[:8]}.html"
    path.write_text(page, encoding="utf-8")
    (folder / "validation-latest.html").write_text(page, encoding="utf-8")
    return path


def _check_name(contract: FeedContract, expectation: str) -> str:
    return f"{contract.feed}__{expectation}"
