"""The gate as assets: every raw extract not yet judged goes through it, one transaction an extract.

Accepted rows, rejects, warnings, results and the account of the rows are written together or not at all. Not here:
the rules (`rules*.py`), the expectations (`gate.py` and the feed contracts), the reading (`raw/`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.orchestration.partitions import police_time
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.validated.extract import GateContext, ValidatedExtract, validate_extract
from hotspot_pipeline.validated.gate import GateOutcome, run_gate
from hotspot_pipeline.validated.keys import pseudonym_key
from hotspot_pipeline.validated.lookups import LOOKUPS, read_lookups
from hotspot_pipeline.validated.report import ExtractReport, render_report
from hotspot_pipeline.warehouse.session import Session

BOOKS = (
    "validated.rejects",
    "validated.gate_results",
    "validated.gate_warnings",
    "validated.extract_counts",
)
ROWS = ("validated.crimes", "validated.asb_incidents", "validated.venues", "validated.excluded_sites",
        "validated.default_geocodes")  # fmt: skip
_PENDING = """
    select e.extract_id, e.feed, e.table_name, e.extract_ts_utc, e.received_at_utc, e.n_unreadable
    from raw.extracts e
    where e.status = 'loaded'
      and e.extract_id not in (select extract_id from validated.extract_counts)
      and e.extract_id not in (select extract_id from raw.decisions where decision = 'withdrawn')
    order by e.extract_ts_utc, e.received_at_utc, e.extract_id
"""


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    return [_lookups(shop), _gate(shop)]


def _lookups(shop: Workshop) -> dg.AssetsDefinition:
    tables = [f"validated.{name}" for name in LOOKUPS]

    @dg.multi_asset(
        name=f"{shop.force.force_id}__validated__lookups",
        specs=[shop.spec(table, kinds=("csv",)) for table in tables],
        check_specs=[check for table in tables for check in shop.checks(table)],
        required_resource_keys={shop.resource},
        pool=shop.pool,
    )
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
    tables = [*ROWS, *BOOKS]
    results = [
        dg.AssetCheckSpec(
            _check_name(contract, e.name),
            asset=shop.key(f"validated.{contract.table}"),
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
    ]

    @dg.multi_asset(
        name=f"{shop.force.force_id}__validated__gate",
        specs=[
            shop.spec(table, deps=_deps(table), kinds=("greatexpectations", "polars"))
            for table in tables
        ],
        check_specs=[*results, *[check for table in tables for check in shop.checks(table)]],
        required_resource_keys={shop.resource},
        pool=shop.pool,
    )
    def gate(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            for table in tables:
                session.ensure(shop.catalog[table])
            before = {table: session.standing(shop.catalog[table]) for table in tables}
            _purge(session, tables)
            reports = _judge_all(shop, session, feeds, context)
            facts = _footer(session)
            if reports:
                facts["validation report"] = dg.MetadataValue.path(
                    _write_report(shop, reports, context.run_id)
                )
            for table in tables:
                yield shop.result(session.stand(shop.catalog[table], before[table]), facts)
            yield from _expectation_results(shop, session, feeds)

    return gate


def _deps(table: str) -> tuple[str, ...]:
    books = ("raw.extracts", "raw.unreadable_lines", "raw.decisions")
    if table in BOOKS:
        return (*books, *[row.replace("validated.", "raw.") for row in ROWS])
    return (
        table.replace("validated.", "raw."),
        *books,
        "validated.offence_codes",
        "validated.policeuk_categories",
    )


def _purge(session: Session, tables: Sequence[str]) -> None:
    """Takes withdrawn extracts out, and those that raw no longer has."""
    gone = (
        "extract_id in (select extract_id from raw.decisions where decision = 'withdrawn') "
        "or extract_id not in (select extract_id from raw.extracts where status = 'loaded')"
    )
    with session.transaction():
        for table in tables:
            session.execute(f"delete from {table} where {gone}")


def _judge_all(
    shop: Workshop,
    session: Session,
    feeds: Mapping[str, FeedContract],
    context: dg.AssetExecutionContext,
) -> list[ExtractReport]:
    pending = session.frame(_PENDING)
    if pending.is_empty():
        context.log.info("no extract waits at the gate: nothing changes")
        return []
    found = read_lookups(shop.settings.reference, shop.force.reference)
    lookups = {
        "offences": found["offence_codes"].delivered,
        "policeuk_categories": found["policeuk_categories"].delivered,
    }
    boundary = _boundary(shop)
    key = pseudonym_key(shop.force.key_file)
    reports = []
    for number, row in enumerate(pending.iter_rows(named=True), 1):
        contract = feeds.get(row["feed"])
        if contract is None:
            context.log.warning(
                f"{row['extract_id']}: feed {row['feed']} is no longer in force.yml; left as it is"
            )
            continue
        raw = session.frame(
            f"select * exclude (extract_id) from raw.{row['table_name']} where extract_id = $id order by source_file, line_no",
            {"id": row["extract_id"]},
        )
        wanted = [c for c in ("source_file", "line_no", *contract.column_names) if c in raw.columns]
        judged = validate_extract(
            raw.select(wanted),
            contract,
            GateContext(
                extract_id=row["extract_id"],
                extract_ts_utc=row["extract_ts_utc"].replace(tzinfo=UTC),
                received_at_utc=row["received_at_utc"].replace(tzinfo=UTC),
                police_time=police_time(shop.force),
                pseudonym_key=key,
                boundary=boundary,
                lookups=lookups,
            ),
        )
        outcomes = run_gate(judged.gate_frames, contract)
        status = (
            "held" if any(not o.passed and o.severity == "error" for o in outcomes) else "accepted"
        )
        _store(shop, session, contract, row, judged, outcomes, status)
        counts = judged.counts
        reports.append(
            ExtractReport(
                extract_id=row["extract_id"],
                feed=contract.feed,
                table=contract.table,
                status=status,
                n_unreadable=int(row["n_unreadable"]),
                counts=counts,
                outcomes=outcomes,
                rejects=judged.rejects,
                warnings=judged.warnings,
            )
        )
        context.log.info(
            f"gate: extract {number} of {pending.height}: {row['extract_id']}: {counts['n_rows']} rows in, "
            f"{counts['n_accepted']} accepted, {counts['n_rejected']} rejected"
            + (": HELD" if status == "held" else "")
        )
    return reports


def _store(
    shop: Workshop,
    session: Session,
    contract: FeedContract,
    extract: dict[str, Any],
    judged: ValidatedExtract,
    outcomes: Sequence[GateOutcome],
    status: str,
) -> None:
    """A held extract leaves its account, rejects and results; its rows stay out of the table."""
    about = {"extract_id": pl.lit(extract["extract_id"]), "feed": pl.lit(contract.feed)}
    accepted = judged.accepted if status == "accepted" else judged.accepted.clear()
    rejects = judged.rejects.drop("extract_id").with_columns(**about)
    results = pl.DataFrame(
        [
            {
                "expectation": o.name,
                "check_code": o.check,
                "severity": o.severity,
                "is_passed": o.passed,
                "observed": None if o.observed is None else str(o.observed),
                "threshold": o.threshold,
                "n_rows": o.n_rows,
            }
            for o in outcomes
        ],
        schema={"expectation": pl.String, "check_code": pl.String, "severity": pl.String, "is_passed": pl.Boolean,
                "observed": pl.String, "threshold": pl.String, "n_rows": pl.Int64},
    )  # fmt: skip
    counts = pl.DataFrame(
        {
            "table_name": [contract.table],
            "status": [status],
            "n_in": [judged.counts["n_rows"]],
            "n_accepted": [accepted.height],
            "n_held": [judged.counts["n_accepted"] - accepted.height],
            "n_rejected": [judged.counts["n_rejected"]],
            "n_unreadable": [int(extract["n_unreadable"])],
            "n_without_location": [judged.counts["n_without_location"]],
            "validated_at_utc": [datetime.now(UTC).replace(tzinfo=None)],
        }
    )
    with session.transaction():
        session.insert(shop.catalog[f"validated.{contract.table}"], accepted)
        session.insert(
            shop.catalog["validated.rejects"],
            rejects.rename(
                {
                    "source": "source_file",
                    "line": "line_no",
                    "column": "column_name",
                    "check": "check_code",
                }
            ),
        )
        session.insert(
            shop.catalog["validated.gate_warnings"],
            judged.warnings.rename({"check": "check_code"}).with_columns(**about),
        )
        session.insert(shop.catalog["validated.gate_results"], results.with_columns(**about))
        session.insert(shop.catalog["validated.extract_counts"], counts.with_columns(**about))


def _expectation_results(
    shop: Workshop, session: Session, feeds: Mapping[str, FeedContract]
) -> Results:
    """Each expectation as it stood for the newest extract of its feed, so that a quiet night keeps the answer."""
    newest = session.frame(
        """
        select g.feed, g.expectation, g.is_passed, g.observed, g.threshold, g.extract_id, g.severity
        from validated.gate_results g
        join raw.extracts e using (extract_id)
        qualify rank() over (partition by g.feed order by e.extract_ts_utc desc, e.received_at_utc desc, e.extract_id desc) = 1
        """
    )
    by_name = {(r["feed"], r["expectation"]): r for r in newest.iter_rows(named=True)}
    for contract in feeds.values():
        for expectation in contract.expectations:
            row = by_name.get((contract.feed, expectation.name))
            yield dg.AssetCheckResult(
                passed=row["is_passed"] if row else True,
                check_name=_check_name(contract, expectation.name),
                asset_key=shop.key(f"validated.{contract.table}"),
                severity=dg.AssetCheckSeverity.ERROR
                if expectation.severity == "error"
                else dg.AssetCheckSeverity.WARN,
                description=None if row else "no extract of this feed yet",
                metadata={
                    k: str(row[k])
                    for k in ("extract_id", "observed", "threshold")
                    if row[k] is not None
                }
                if row
                else {},
            )


def _footer(session: Session) -> dict[str, Any]:
    row = session.frame(
        """
        select coalesce(sum(n_in), 0) as "rows in", coalesce(sum(n_accepted), 0) as "rows accepted",
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


def _boundary(shop: Workshop) -> Boundary | None:
    file = shop.force.boundary
    return Boundary.read(file.file, where=dict(file.where) or None) if file else None


def _check_name(contract: FeedContract, expectation: str) -> str:
    return f"{contract.feed}__{expectation}"
