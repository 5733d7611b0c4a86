"""Keeps the pool of a force true: known before the first run is queued, and free of runs that are dead.

A run writes into its tags which process it is and whether it waits for the warehouse or holds it. When that process
is gone (killed, or the machine was restarted), Dagster would go on showing the run as started, and the pool would
wait for it.
"""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.resource import (
    BOOT_TAG,
    PLACE_TAG,
    PROCESS_TAG,
    RUN_TAG,
    WRITER_TAG,
    pool_of,
)

# where Dagster's run launcher notes the code server that started the worker
_CODE_SERVER_TAG = ".dagster/grpc_info"
# a worker outlives its code server by as long as it takes to say which process it is
_COMING_UP = timedelta(seconds=15)
_ALIVE = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING)


def know_pool(instance: dg.DagsterInstance, force_id: str) -> None:
    """Sets the pool's limit before anything is queued.

    Dagster sets it at the first run it takes from the queue, after it has read which pools have one: the first two
    runs of an instance would both be started, and only the lock of the warehouse would keep them apart.
    """
    pool = pool_of(force_id)
    limits = {limit.name for limit in instance.event_log_storage.get_pool_limits()}
    if pool not in limits:
        instance.event_log_storage.initialize_concurrency_limit_to_default(pool)


def fail_dead_runs(instance: dg.DagsterInstance, force_id: str, lock_file: Path) -> list[str]:
    """Returns the ids of the runs of the force that it marked; a run that may be alive is left alone."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=list(_ALIVE), tags={"force": force_id}))
    marked = []
    for run in runs:
        if not _is_dead(run, lock_file) and not _never_came_up(instance, run):
            continue
        # what is dead now may have ended well since it was listed
        now = instance.get_run_by_id(run.run_id)
        if now is None or now.status not in _ALIVE:
            continue
        instance.report_run_failed(
            now,
            message="The process of this run is gone (killed, or the machine was restarted); nothing half-written stands.",
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        marked.append(run.run_id)
    return marked


def seconds_to_wait(instance: dg.DagsterInstance, force_id: str) -> float:
    """Until no worker of the force can come up any more whose code server is gone; 0 where none is awaited."""
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING], tags={"force": force_id})
    silent = [r for r in instance.get_runs(filters=filters) if _is_silent(instance, r)]
    return max((_may_come_up_for(instance, run) for run in silent), default=0.0)


def _is_dead(run: dg.DagsterRun, lock_file: Path) -> bool:
    tags = run.tags
    if tags.get(RUN_TAG) != run.run_id:
        return False  # not begun, or begun with the tags of the run that it repeats
    place, boot = tags.get(PLACE_TAG), tags.get(BOOT_TAG)
    if place == lock.place() and boot == lock.boot_id():
        mark = tags.get(PROCESS_TAG, "")
        pid = mark.partition(":")[0]
        # a run frees the lock a moment before it ends: as long as its process lives, so does the run
        return pid.isdigit() and lock.process_mark(int(pid)) != mark
    if (place or "").partition(" ")[0] == lock.place().partition(" ")[0] and boot != lock.boot_id():
        return True  # this machine has been started again since
    # another machine or container: only the lock tells
    return tags.get(WRITER_TAG) == "holding" and lock.is_free(lock_file)


def _never_came_up(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return _is_silent(instance, run) and _may_come_up_for(instance, run) == 0


def _may_come_up_for(instance: dg.DagsterInstance, run: dg.DagsterRun) -> float:
    """Seconds for which the run's worker may still say of itself which process it is."""
    record = instance.get_run_record_by_id(run.run_id)
    if record is None:
        return _COMING_UP.total_seconds()
    since = datetime.now(UTC) - record.update_timestamp
    return max((_COMING_UP - since).total_seconds(), 0.0)


def _is_silent(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """A run whose worker said nothing of itself, and whose launcher or code server, which start it, is gone."""
    if run.status != dg.DagsterRunStatus.STARTING or run.tags.get(RUN_TAG) == run.run_id:
        return False
    if _CODE_SERVER_TAG not in run.tags:
        # the launcher that notes it as its first step was killed before; other launchers note nothing
        return type(instance.run_launcher).__name__ == "DefaultRunLauncher"
    server = json.loads(run.tags[_CODE_SERVER_TAG])
    if server.get("socket"):
        return not _answers(socket.AF_UNIX, server["socket"])
    if server.get("port") and server.get("host") in ("localhost", "127.0.0.1"):
        return not _answers(socket.AF_INET, ("127.0.0.1", server["port"]))
    return False  # on another host, or started by no code server


def _answers(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(address)
        except TimeoutError:
            return True  # there, and busy
        except OSError:
            return False
        return True
