"""Settings of the installation and of each force: frozen, typed, and the only reader of the environment.

Here: where things live, how much memory the database may use, and what a force says in its `force.yml`. Not
here: feed contracts (`feeds/`), table contracts (`dbt_like_sql/`), anything that opens data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

PROJECT_ROOT = Path(__file__).resolve().parent.parent
CATEGORY_GROUPS = ("ASB", "PUBLIC_ORDER", "CRIM_DAMAGE", "ROBBERY", "VAP", "WEAPONS")


class SettingsError(ValueError):
    """A setting or a force's file that cannot be used; names file, key, value and rule."""


@dataclass(frozen=True)
class BoundaryFile:
    """A polygon file in EPSG:4326; `where` picks features by property values."""

    file: Path
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HotspotRules:
    """How hotspots are selected (DOMAIN §2.3). The window is half open; None means the newest 12 closed months."""

    window_from: date | None = None
    window_to: date | None = None
    groups: tuple[str, ...] = CATEGORY_GROUPS
    top_k: int = 18
    max_cells: int = 3
    min_events: int = 24
    bootstrap_draws: int = 1000
    seed: int = 1


@dataclass(frozen=True)
class Force:
    """One police force: its own warehouse, lock, landing folder, time zone and boundary."""

    force_id: str
    name: str
    home: Path
    time_zone: str = "Europe/London"
    day_starts_hour: int = 6
    boundary: BoundaryFile | None = None
    feeds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reference: Mapping[str, Path] = field(default_factory=dict)
    grid_resolution: int = 9
    hotspots: HotspotRules = HotspotRules()
    partitions_start: date = date(2022, 1, 3)
    alert_email: str | None = None

    @property
    def config_file(self) -> Path:
        return self.home / "force.yml"

    @property
    def signoff_file(self) -> Path:
        return self.home / "hotspots.yml"

    @property
    def warehouse_file(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def lock_file(self) -> Path:
        return self.home / "warehouse.lock"

    @property
    def archive(self) -> Path:
        return self.home / "archive"

    @property
    def key_file(self) -> Path:
        return self.home / "keys" / "pseudonym.key"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    def landing(self, feed: str) -> Path:
        """The folder in which deliveries of `feed` arrive; a feed may name its own."""
        own = self.feeds.get(feed, {}).get("landing")
        return (self.home / own).resolve() if own else self.home / "landing" / feed


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
    smtp: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads HOTSPOTS_DATA, _FORCES, _SQL, _REFERENCE, _MEMORY_LIMIT, _THREADS, _LOCK_TIMEOUT_S and
        _SMTP (`host` or `host:port`)."""
        env = os.environ if environ is None else environ
        data = Path(env.get("HOTSPOTS_DATA") or PROJECT_ROOT / "data").resolve()
        names = tuple(n.strip() for n in env.get("HOTSPOTS_FORCES", "").split(",") if n.strip())
        homes = [data / "forces" / n for n in names] or sorted(
            p.parent for p in (data / "forces").glob("*/force.yml")
        )
        settings = cls(data=data, forces=tuple(read_force(home) for home in homes))
        overrides: dict[str, Any] = {}
        for key, name, convert in (
            ("sql", "HOTSPOTS_SQL", Path),
            ("reference", "HOTSPOTS_REFERENCE", Path),
            ("memory_limit", "HOTSPOTS_MEMORY_LIMIT", str),
            ("threads", "HOTSPOTS_THREADS", int),
            ("lock_timeout_s", "HOTSPOTS_LOCK_TIMEOUT_S", float),
            ("smtp", "HOTSPOTS_SMTP", str),
        ):
            if env.get(name):
                try:
                    overrides[key] = convert(env[name])
                except ValueError as error:
                    raise SettingsError(
                        f"environment: {name}='{env[name]}' is not a {convert.__name__}"
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
        known = (
            ", ".join(f.force_id for f in self.forces)
            or "none yet: `hotspots init <force>` makes one"
        )
        asked = f"no force '{force_id}'" if force_id else "several forces: name one with --force"
        raise SettingsError(f"{asked}; known: {known}")


def read_force(home: Path) -> Force:
    """A force from `<home>/force.yml`; paths in it are relative to that folder."""
    path = home / "force.yml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: not found; `hotspots init {home.name}` makes one") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {error}") from error
    return parse_force(document, home)


def parse_force(document: Mapping[str, Any], home: Path) -> Force:
    path = home / "force.yml"
    known = {f.name for f in fields(Force)} - {"home"}
    _refuse_unknown(document, known, path)
    values = dict(document)
    force_id = str(values.get("force_id") or home.name)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", force_id):
        raise SettingsError(
            f"{path}: force_id '{force_id}': small letters, digits and underscores only, a letter first"
        )
    zone = str(values.get("time_zone", "Europe/London"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"{path}: time_zone '{zone}' is not a time zone name such as Europe/London"
        ) from error
    boundary = values.get("boundary")
    if boundary is not None:
        boundary = {"file": boundary} if isinstance(boundary, str) else boundary
        boundary = BoundaryFile(
            (home / boundary["file"]).resolve(),
            {k: str(v) for k, v in (boundary.get("where") or {}).items()},
        )
    rules = dict(values.get("hotspots") or {})
    _refuse_unknown(rules, {f.name for f in fields(HotspotRules)}, path, "hotspots.")
    if "groups" in rules:
        rules["groups"] = tuple(rules["groups"])
        wrong = sorted(set(rules["groups"]) - set(CATEGORY_GROUPS))
        if wrong:
            raise SettingsError(
                f"{path}: hotspots.groups: '{wrong[0]}' is not one of {', '.join(CATEGORY_GROUPS)}"
            )
    start = values.get("partitions_start", date(2022, 1, 3))
    if not isinstance(start, date) or start.weekday() != 0:
        raise SettingsError(
            f"{path}: partitions_start '{start}' is not the date of a Monday (YYYY-MM-DD)"
        )
    values.update(
        force_id=force_id,
        name=str(values.get("name") or force_id),
        time_zone=zone,
        boundary=boundary,
        feeds={k: v or {} for k, v in (values.get("feeds") or {}).items()},
        reference={k: (home / v).resolve() for k, v in (values.get("reference") or {}).items()},
        hotspots=HotspotRules(**rules),
        partitions_start=start,
    )
    return Force(home=home, **values)


def _refuse_unknown(
    values: Mapping[str, Any], known: set[str], path: Path, prefix: str = ""
) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingsError(
            f"{path}: unknown key '{prefix}{unknown[0]}'; known: {', '.join(sorted(known))}"
        )
