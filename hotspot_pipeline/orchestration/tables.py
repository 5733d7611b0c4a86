"""A table as a Dagster asset: its spec, its checks and the result of writing it.

Every asset of every stage is made from these, so that all of them show the same things: description with grain,
column schema with types and units, owner, kinds, row count, what changed, and the audits as checks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.geo.grid import Grid, GridSpec, make_grid
from hotspot_pipeline.orchestration.partitions import (
    daily_partitions,
    police_time,
    weekly_partitions,
)
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.contract import Catalog, TableContract
from hotspot_pipeline.warehouse.resource import WarehouseResource, pool_of
from hotspot_pipeline.warehouse.session import AuditResult, AuditsFailed, Write

# a night may be late, not missed; a week is built on Mondays
_NIGHTLY = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=36), warn_window=timedelta(hours=26)
)
FRESH = {
    "none": _NIGHTLY,
    "daily": _NIGHTLY,
    "weekly": dg.FreshnessPolicy.time_window(
        fail_window=timedelta(days=9), warn_window=timedelta(days=8)
    ),
}
Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


@dataclass(frozen=True)
class Workshop:
    """What an asset module needs to build the assets of one force."""

    settings: Settings
    force: Force
    catalog: Catalog
    daily: dg.DailyPartitionsDefinition
    weekly: dg.WeeklyPartitionsDefinition
    not_built: frozenset[str] = frozenset()
    """Tables that this force has no deliveries for: no asset, and nobody's dependency; who reads them finds them empty."""

    @classmethod
    def of(
        cls, settings: Settings, force: Force, catalog: Catalog, not_built: Iterable[str] = ()
    ) -> Workshop:
        partitions = (daily_partitions(force), weekly_partitions(force))
        return cls(settings, force, catalog, *partitions, frozenset(not_built))

    @property
    def resource(self) -> str:
        return f"warehouse_{self.force.force_id}"

    @property
    def pool(self) -> str:
        return pool_of(self.force.force_id)

    @property
    def police_time(self) -> PoliceTime:
        return police_time(self.force)

    @property
    def grid(self) -> Grid:
        """The grid of the analysis resolution."""
        return make_grid(GridSpec(resolution=self.force.grid_resolution))

    @property
    def boundary(self) -> Boundary | None:
        """The force's area, read anew; None where it names no file."""
        file = self.force.boundary
        return Boundary.read(file.file, where=dict(file.where) or None) if file else None

    def key(self, table: str) -> dg.AssetKey:
        return dg.AssetKey([self.force.force_id, *table.split(".")])

    def keys(self, tables: Iterable[str]) -> list[dg.AssetKey]:
        """Of those that this force has."""
        return [self.key(table) for table in tables if table not in self.not_built]

    def warehouse(self, context: dg.AssetExecutionContext) -> WarehouseResource:
        found = getattr(context.resources, self.resource)
        assert isinstance(found, WarehouseResource)
        return found

    def partitions(self, contract: TableContract) -> dg.PartitionsDefinition[str] | None:
        return {"none": None, "daily": self.daily, "weekly": self.weekly}[contract.partition]

    def spec(
        self, table: str, deps: Iterable[str] = (), kinds: Iterable[str] = ("python",), **more: Any
    ) -> dg.AssetSpec:
        """The asset spec that follows from the table's contract; `deps` are tables."""
        contract = self.catalog[table]
        metadata = {
            "dagster/column_schema": column_schema(contract),
            "dagster/table_name": contract.name,
            "grain": ", ".join(contract.grain),
            "dagster/code_references": _code_reference(contract),
            **more.pop("metadata", {}),
        }
        return dg.AssetSpec(
            self.key(table),
            deps=self.keys(deps),
            description=contract.description,
            group_name=contract.stage,
            kinds={"duckdb", *kinds},
            owners=[contract.owner],
            tags={"force": self.force.force_id, "stage": contract.stage},
            partitions_def=self.partitions(contract),
            freshness_policy=FRESH[contract.partition],
            metadata=metadata,
            **more,
        )

    def checks(self, table: str) -> list[dg.AssetCheckSpec]:
        """One check per audit of the contract; a failing `error` audit blocks what comes after."""
        return [
            dg.AssetCheckSpec(
                audit.name,
                asset=self.key(table),
                blocking=audit.severity == "error",
                description=audit.description,
            )
            for audit in self.catalog[table].all_audits
        ]

    def step(
        self, name: str, specs: Sequence[dg.AssetSpec], *, checks: Sequence[dg.AssetCheckSpec] = ()
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Makes a function the step that materialises `specs`, named after its table or first of them: with the checks of their contracts
        and `checks` besides, this force's warehouse and its pool; windows of a backfill in one run."""
        tables = [".".join(spec.key.path[1:]) for spec in specs]
        own = [check for t in tables if t in self.catalog for check in self.checks(t)]
        is_partitioned = any(spec.partitions_def for spec in specs)
        made: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.multi_asset(
            name=f"{self.force.force_id}__{name.replace('.', '__')}",
            specs=specs,
            check_specs=[*checks, *own],
            required_resource_keys={self.resource},
            pool=self.pool,
            backfill_policy=dg.BackfillPolicy.single_run() if is_partitioned else None,
        )
        return made

    def check_results(self, table: str, audits: Sequence[AuditResult]) -> list[dg.AssetCheckResult]:
        return [
            dg.AssetCheckResult(
                passed=a.passed,
                check_name=a.audit.name,
                asset_key=self.key(table),
                severity=dg.AssetCheckSeverity.ERROR
                if a.audit.severity == "error"
                else dg.AssetCheckSeverity.WARN,
                description=a.audit.description,
                metadata={
                    "bad rows": a.n_bad_rows,
                    **({"first bad row": a.sample} if a.sample else {}),
                },
            )
            for a in audits
        ]

    def result(
        self,
        write: Write,
        metadata: Mapping[str, Any] | None = None,
        checks: Sequence[dg.AssetCheckResult] = (),
    ) -> dg.MaterializeResult[None]:
        """What the UI keeps of a write; numeric entries become plots over time."""
        contract = self.catalog[write.table]
        facts: dict[str, Any] = {
            "dagster/row_count": write.n_rows,
            "what changed": _what_changed(write),
            **({"computed": write.how} if write.how else {}),
            **(metadata or {}),
        }
        version = None if contract.partition != "none" else dg.DataVersion(write.content)
        return dg.MaterializeResult(
            asset_key=self.key(write.table),
            metadata=facts,
            check_results=[*self.check_results(write.table, write.audits), *checks],
            data_version=version,
        )

    def run_write(
        self,
        table: str,
        write: Callable[[], Write],
        metadata: Mapping[str, Any] | None = None,
    ) -> Results:
        """Writes and reports; a failed audit is reported as a check before the step fails."""
        try:
            done = write()
        except AuditsFailed as error:
            yield from self.check_results(table, error.audits)
            raise dg.Failure(description=str(error), allow_retries=False) from error
        yield self.result(done, metadata)


def _code_reference(contract: TableContract) -> dg.CodeReferencesMetadataValue:
    """The link to the SQL file, or to the contract where Python writes the table."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", dg.BetaWarning
        )  # the class is marked beta; it only draws a link
        file = dg.LocalFileCodeReference(
            file_path=str(contract.sql_path or contract.path), line_number=1
        )
        return dg.CodeReferencesMetadataValue(code_references=[file])


def _what_changed(write: Write) -> str:
    if not write.changed:
        return "nothing: the rows are the same as before"
    if write.windows:
        shown = ", ".join(w.isoformat() for w in write.windows[:12])
        more = f" and {len(write.windows) - 12} more" if len(write.windows) > 12 else ""
        return f"{len(write.windows)} windows: {shown}{more}"
    return "rows replaced"


def column_schema(contract: TableContract) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                type=f"{c.type} [{c.unit}]" if c.unit else c.type,
                description=c.description or None,
                constraints=dg.TableColumnConstraints(
                    nullable=not c.required,
                    unique=contract.grain == (c.name,),
                    other=[f"one of {', '.join(c.allowed)}"] if c.allowed else [],
                ),
            )
            for c in contract.columns
        ],
        constraints=dg.TableConstraints(other=[f"one row per {', '.join(contract.grain)}"])
        if contract.grain
        else None,
    )
