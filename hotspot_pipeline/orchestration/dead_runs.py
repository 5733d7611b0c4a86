"""Marks dead runs as failed, so that nothing waits for them.

A run that says it holds the warehouse while the lock is free has died with its process: killed, or the machine was
restarted. Dagster would go on showing it as started and the pool would wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.resource import BOOT_TAG, PROCESS_TAG, WRITER_TAG

_ALIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]


def fail_dead_runs(instance: dg.DagsterInstance, force_id: str, lock_file: Path) -> list[str]:
    """Returns the ids of the runs it marked. Does nothing while any process holds the warehouse."""
    held = instance.get_runs(
        filters=dg.RunsFilter(statuses=_ALIVE, tags={"force": force_id, WRITER_TAG: "holding"})
    )
    if not held or not lock.is_free(lock_file):
        return []
    dead = [run for run in held if not _process_lives(run.tags)]
    for run in dead:
        instance.report_run_failed(
            run,
            message="The process of this run is gone (killed, or the machine was restarted); nothing half-written stands.",
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _process_lives(tags: Mapping[str, str]) -> bool:
    """A run frees the lock a moment before it ends: as long as its process lives, that moment is let pass."""
    mark = tags.get(PROCESS_TAG, "")
    return (
        tags.get(BOOT_TAG) == lock.boot_id()
        and bool(mark)
        and lock.process_mark(int(mark.partition(":")[0])) == mark
    )
