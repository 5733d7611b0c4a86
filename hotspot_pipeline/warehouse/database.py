"""The DuckDB file of a force: where it lies, what a connection to it may use, and the sessions on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotspot_pipeline.warehouse import shelf
from hotspot_pipeline.warehouse.connection import connect
from hotspot_pipeline.warehouse.contract import Catalog
from hotspot_pipeline.warehouse.session import Session


class Warehouse:
    """One force's DuckDB file. Every connection is closed on every path out of `session`."""

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        *,
        memory_limit: str = "4GB",
        threads: int = 2,
        temp_directory: Path | None = None,
        busy_timeout_s: float = 30.0,
    ) -> None:
        self.path = path
        self.catalog = catalog
        self._busy_timeout_s = busy_timeout_s
        self._scratch = temp_directory or path.with_suffix(".tmp")
        self._config: dict[str, str | int | float | bool | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(self._scratch),
            # police networks are closed: nothing is fetched at run time
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(
            self.path, self._config, read_only=read_only, wait_s=self._busy_timeout_s
        )
        try:
            if not read_only:
                shelf.clear(self._scratch)
            yield Session(connection, self.catalog, self._scratch)
        finally:
            connection.close()
