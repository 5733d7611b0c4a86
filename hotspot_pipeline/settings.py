"""Settings of the installation: frozen, typed, and the only reader of the environment.

Here: where things live, how much memory the database may use, which forces there are. Not here: what a force says in
its `force.yml` (`force`), feed contracts (`feeds/`), table contracts (`dbt_like_sql/`), anything that opens data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hotspot_pipeline.force import (
    CATEGORY_GROUPS,
    BoundaryFile,
    Force,
    HotspotRules,
    SettingsError,
    parse_force,
    read_force,
)

__all__ = [
    "CATEGORY_GROUPS",
    "PROJECT_ROOT",
    "BoundaryFile",
    "Force",
    "HotspotRules",
    "Settings",
    "SettingsError",
    "parse_force",
    "read_force",
]

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The installation. `forces` are those found below `data/forces`, or the ones named in HOTSPOTS_FORCES."""

    data: Path
    forces: tuple[Force, ...]
    sql: Path = PROJECT_ROOT / "dbt_like_sql"
    reference: Path = PROJECT_ROOT / "data" / "reference"
    memory_limit: str = "4GB"
    threads: int = field(default_factory=lambda: os.cpu_count() or 2)
    lock_timeout_s: float = 600.0
    temp_directory: Path | None = (
        None  # where the database spills; beside the warehouse when not given
    )
    smtp: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads HOTSPOTS_DATA, _FORCES, _SQL, _REFERENCE, _MEMORY_LIMIT, _THREADS, _LOCK_TIMEOUT_S,
        _TEMP (a folder) and _SMTP (`host` or `host:port`)."""
        env = os.environ if environ is None else environ
        data = Path(env.get("HOTSPOTS_DATA") or PROJECT_ROOT / "data").resolve()
        names = tuple(n.strip() for n in env.get("HOTSPOTS_FORCES", "").split(",") if n.strip())
        homes = [data / "forces" / n for n in names] or sorted(
            p.parent for p in (data / "forces").glob("*/force.yml")
        )
        settings = cls(data=data, forces=_distinct(read_force(home) for home in homes))
        overrides: dict[str, Any] = {}
        for key, name, convert in (
            ("sql", "HOTSPOTS_SQL", _folder),
            ("reference", "HOTSPOTS_REFERENCE", _folder),
            ("memory_limit", "HOTSPOTS_MEMORY_LIMIT", _memory),
            ("threads", "HOTSPOTS_THREADS", _threads),
            ("lock_timeout_s", "HOTSPOTS_LOCK_TIMEOUT_S", _seconds),
            ("temp_directory", "HOTSPOTS_TEMP", _folder),
            ("smtp", "HOTSPOTS_SMTP", _mail_host),
        ):
            if env.get(name):
                try:
                    overrides[key] = convert(env[name])
                except ValueError as error:
                    rule = (convert.__doc__ or "").rstrip(".")
                    raise SettingsError(
                        f"environment: {name}='{env[name]}' is not {rule}"
                    ) from error
        return replace(settings, **overrides)

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster_home"

    def force(self, force_id: str | None = None) -> Force:
        """The named force, or the only one there is."""
        if force_id is None and len(self.forces) == 1:
            return self.forces[0]
        for force in self.forces:
            if force.force_id == force_id:
                return force
        if not self.forces:
            raise SettingsError(
                f"no force in {self.data / 'forces'} yet: `hotspots init <force>` makes one, `hotspots demo` a fictional one"
            )
        known = ", ".join(f.force_id for f in self.forces)
        asked = f"no force '{force_id}'" if force_id else "several forces: name one with --force"
        raise SettingsError(f"{asked}; known: {known}")


def _folder(value: str) -> Path:
    """a folder."""
    return Path(value).resolve()


def _memory(value: str) -> str:
    """a size such as 4GB or 70%."""
    if not re.fullmatch(r"\d+(\.\d+)?\s*(%|[kKmMgGtT]i?[bB])", value):
        raise ValueError(value)
    return value


def _threads(value: str) -> int:
    """a whole number of 1 or more."""
    if int(value) < 1:
        raise ValueError(value)
    return int(value)


def _seconds(value: str) -> float:
    """a number of seconds, 0 or more."""
    if not 0 <= float(value) < float("inf"):
        raise ValueError(value)
    return float(value)


def _mail_host(value: str) -> str:
    """a mail host, or host:port."""
    if not re.fullmatch(r"[\w.-]+(:\d+)?", value):
        raise ValueError(value)
    return value


def _distinct(forces: Iterable[Force]) -> tuple[Force, ...]:
    found: dict[str, Force] = {}
    for force in forces:
        if force.force_id in found:
            raise SettingsError(
                f"{force.config_file}: force_id '{force.force_id}' is also that of {found[force.force_id].config_file}"
            )
        found[force.force_id] = force
    return tuple(found.values())
