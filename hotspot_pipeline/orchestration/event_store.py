"""Dagster's own SQLite storage with connections that stay open: a run of 2,000 events spends a sixth of the time on recording them.

Dagster opens and closes the file for every statement, and the last one who closes a write-ahead log has to fold it into the file.
Here: how long connections live. Not here: what is stored, where and how it is asked for, which is all Dagster's (ADR 0021).
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

if TYPE_CHECKING:
    from dagster import EventLogEntry
    from dagster._serdes import ConfigurableClassData

# a server reads many runs, each a file
MOST_FILES = 8


class KeptOpenEventLog(SqliteEventLogStorage):
    """The event log. After a power cut the newest events may be missing, nothing else: the log is flushed to disk when it is folded, not at every event."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sqlalchemy.Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None or not os.path.exists(self.path_for_shard(shard)):
                engine = self._opened(shard)
            self._engines.move_to_end(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _opened(self, shard: str) -> sqlalchemy.Engine:
        engine = _engine(self.conn_string_for_shard(shard))
        sqlalchemy.event.listen(engine, "connect", _flush_when_folded)
        self._initdb(engine)
        self._engines[shard] = engine
        while len(self._engines) > MOST_FILES:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def store_event(self, event: EventLogEntry) -> None:
        super().store_event(event)
        # who follows a run watches its file, which a write-ahead log leaves alone
        os.utime(self.path_for_shard(event.run_id))

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class KeptOpenRuns(SqliteRunStorage):
    """The records of runs."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        self._engine.dispose()


class KeptOpenStorage(DagsterSqliteStorage):
    """What `deploy/dagster.yaml` names as the storage of an instance."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        history = os.path.join(base_dir, "history")
        self._run_storage = KeptOpenRuns.from_local(history)
        self._event_log_storage = KeptOpenEventLog(os.path.join(history, "runs"))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptOpenStorage:
        return cls.from_local(inst_data=inst_data, **config_value)


def _engine(conn_string: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        conn_string, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
    )


def _flush_when_folded(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
