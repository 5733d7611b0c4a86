"""Runs `hotspots …` in this process and stops it at one exact moment of a write.

`python -m hotspot_pipeline_tests.integration.stopping <signal> <moment> <what> [<nth>] -- run …` sends the signal to
itself: KILL, as a machine that loses power would look to the file, or STOP, to hold a run in the middle of a write for
as long as a test needs it. Here: the moments. Not here: what must hold afterwards (`test_kills.py`, `test_two_runs.py`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb

Moment = Literal[
    "before",  # the statement that starts with <what>
    "after",
    "before_commit",  # of a transaction in which that statement ran
    "during_commit",
    "after_commit",
    "before_rename",  # of a file that is to be called <what>
    "after_rename",
]


@dataclass
class Stop:
    """`what`: the beginning of an SQL statement, or a file name (`*` for what is not known of it). The `nth` time counts."""

    number: signal.Signals
    moment: Moment
    what: str
    nth: int = 1
    _seen: int = 0
    _touched: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def statement(self, sql: str, is_done: bool) -> None:
        text = " ".join(sql.split())
        if text == "begin" and not is_done:
            self._touched = False
        if text.startswith(self.what):
            self._touched = True
            if self.moment == ("after" if is_done else "before"):
                self.strike()
        elif text == "commit" and self._touched:
            if self.moment == "during_commit" and not is_done:
                # DuckDB lets other threads run while it writes
                threading.Timer(0.0002, self.strike).start()
            elif self.moment == ("after_commit" if is_done else "before_commit"):
                self.strike()

    def rename(self, target: Path, is_done: bool) -> None:
        if fnmatch(target.name, self.what) and self.moment == (
            "after_rename" if is_done else "before_rename"
        ):
            self.strike()

    def strike(self) -> None:
        with self._lock:
            self._seen += 1
            if self._seen == self.nth:
                os.kill(os.getpid(), self.number)


class WatchedConnection:
    """A DuckDB connection that tells `stop` of every statement, before and after."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, stop: Stop) -> None:
        self._connection = connection
        self._stop = stop

    def execute(self, sql: str, *more: Any) -> Any:
        self._stop.statement(sql, is_done=False)
        result = self._connection.execute(sql, *more)
        self._stop.statement(sql, is_done=True)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def watch(stop: Stop) -> None:
    """From here on every connection and every rename of this process is watched."""
    connect, replace = duckdb.connect, Path.replace

    def watched_connect(*args: Any, **more: Any) -> WatchedConnection:
        return WatchedConnection(connect(*args, **more), stop)

    def watched_replace(self: Path, target: str | Path) -> Path:
        stop.rename(Path(target), is_done=False)
        done = replace(self, target)
        stop.rename(Path(target), is_done=True)
        return done

    duckdb.connect = watched_connect  # type: ignore[assignment]
    Path.replace = watched_replace  # type: ignore[method-assign,assignment]


def main(arguments: list[str]) -> None:
    where = arguments.index("--")
    name, moment, what, *nth = arguments[:where]
    assert moment in get_args(Moment), moment
    watch(Stop(signal.Signals[f"SIG{name}"], moment, what, int(nth[0]) if nth else 1))  # type: ignore[arg-type]
    sys.argv = ["hotspots", *arguments[where + 1 :]]
    from hotspot_pipeline.cli import main as hotspots

    hotspots()


if __name__ == "__main__":
    main(sys.argv[1:])
