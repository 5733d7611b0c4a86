"""The Dagster resource: holds the run lock for a run's whole life and hands out sessions.

Configuration is `dagster_duckdb.DuckDBResource`'s; the connection is ours, because that resource leaves it open
when a step raises and the file stays locked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.contract import Catalog, read_catalog
from hotspot_pipeline.warehouse.database import Warehouse
from hotspot_pipeline.warehouse.session import Session

WRITER_TAG = "hotspots/writer"  # waiting -> holding -> released
# the leading dot hides them in the UI: they are for the search for dead runs
PROCESS_TAG = ".dagster/hotspots/process"
BOOT_TAG = ".dagster/hotspots/boot_id"
PLACE_TAG = ".dagster/hotspots/place"
# a retried run is born with its parent's tags: this one says whose they are
RUN_TAG = ".dagster/hotspots/run"


def pool_of(force_id: str) -> str:
    """Dagster's pool of the runs that write the force's warehouse."""
    return f"duckdb_writer_{force_id}"


class WarehouseResource(DuckDBResource):
    """`database` is the force's file; the lock lies beside it."""

    sql_folder: str
    lock_timeout_s: float = 600.0
    _catalog: Catalog | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path:
        return Path(self.database)

    @property
    def lock_file(self) -> Path:
        return self.path.with_suffix(".lock")

    @property
    def catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = read_catalog(Path(self.sql_folder))
        return self._catalog

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WarehouseResource]:
        log = context.log
        run_id = context.run_id or "no run"
        self._tag(context, "waiting")
        with lock.hold(
            self.lock_file,
            f"run {run_id}",
            timeout_s=self.lock_timeout_s,
            waiting=lambda text: log.info(text) if log else None,
        ):
            self._tag(context, "holding")
            try:
                yield self
            finally:
                self._tag(context, "released")

    def _tag(self, context: dg.InitResourceContext, state: str) -> None:
        instance, run_id = context.instance, context.run_id
        if instance is not None and run_id and instance.has_run(run_id):
            instance.add_run_tags(
                run_id,
                {
                    WRITER_TAG: state,
                    RUN_TAG: run_id,
                    PROCESS_TAG: lock.process_mark(),
                    BOOT_TAG: lock.boot_id(),
                    PLACE_TAG: lock.place(),
                },
            )

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        config = self.connection_config
        warehouse = Warehouse(
            self.path,
            self.catalog,
            memory_limit=str(config.get("memory_limit", "4GB")),
            threads=int(config.get("threads", os.cpu_count() or 2)),
            temp_directory=Path(config["temp_directory"]) if config.get("temp_directory") else None,
            busy_timeout_s=min(self.lock_timeout_s, 60.0),
        )
        with warehouse.session(read_only=read_only) as session:
            yield session
