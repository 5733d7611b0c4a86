"""Opening the file: with limits, without extensions, and with a plain answer when another program has it open.

Runs of this pipeline wait for each other at the lock beside the file (`lock.py`); DuckDB's own lock shows only when
somebody has opened the live file with another program.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb

from hotspot_pipeline.warehouse.lock import LockHeld

Options = Mapping[str, "str | int | float | bool | list[str]"]
_HOLDER = re.compile(r"held in (?P<program>\S+).*?\(PID (?P<pid>\d+)\)")


def connect(
    path: Path, options: Options, *, read_only: bool, wait_s: float
) -> duckdb.DuckDBPyConnection:
    """Tries for at most `wait_s` seconds, then raises LockHeld naming the program that has the file open."""
    deadline, pause = time.monotonic() + wait_s, 0.05
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=dict(options))
            break
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            if time.monotonic() >= deadline:
                raise LockHeld(_held(path, str(error), wait_s)) from error
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, 1.0)
    try:
        # timestamps in the file are UTC; the machine's own zone must not show in any query
        connection.execute("set timezone = 'UTC'")
    except BaseException:
        connection.close()
        raise
    return connection


def _held(path: Path, message: str, wait_s: float) -> str:
    found = _HOLDER.search(message)
    who = f"{found['program']} (process {found['pid']})" if found else "another program"
    return (
        f"{path}: opened by {who}, which is no run of this pipeline; waited {wait_s:.0f} s. Close it there and start "
        "again. To look at tables, open the published copy: it never stands in the way"
    )
