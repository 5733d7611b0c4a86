"""One police force: what its `force.yml` says, checked.

Here: the force's folder and files, its time zone, boundary and rules of selection. Not here: the installation
(`settings`), what a feed's mapping may say (`feeds/`), anything that opens data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hotspot_pipeline.hot_time_rules import HotTimeRules, parse_hot_time_rules
from hotspot_pipeline.retention_rules import RetentionRules, parse_retention_rules
from hotspot_pipeline.strict_yaml import mapping, read_mapping, refuse_unknown, text, texts

CATEGORY_GROUPS = ("ASB", "PUBLIC_ORDER", "CRIM_DAMAGE", "ROBBERY", "VAP", "WEAPONS")
GRID_RESOLUTIONS = (8, 9, 10)  # those for which every event has its cell


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
    hot_times: HotTimeRules = field(default_factory=HotTimeRules)
    retention: RetentionRules = field(default_factory=RetentionRules)
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
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def key_file(self) -> Path:
        return self.keys / "pseudonym.key"

    @property
    def pings(self) -> Path:
        """The folder of the stored fixes, one Parquet file a police day."""
        return self.home / "pings"

    @property
    def trials(self) -> Path:
        """The folder of what is asked of patrols' effect, one file a trial."""
        return self.home / "trials"

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


def read_force(home: Path) -> Force:
    """A force from `<home>/force.yml`; paths in it are relative to that folder."""
    path = home / "force.yml"
    try:
        document = read_mapping(path, SettingsError)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: not found; `hotspots init {home.name}` makes one") from error
    return parse_force(document, home)


def parse_force(document: Mapping[str, Any], home: Path) -> Force:
    path = home / "force.yml"
    refuse_unknown(document, {f.name for f in fields(Force)} - {"home"}, str(path), SettingsError)
    values = dict(document)
    force_id = str(values.get("force_id") or home.name)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", force_id):
        raise SettingsError(
            f"{path}: force_id '{force_id}': small letters, digits and underscores only, a letter first"
        )
    zone = str(values.get("time_zone", "Europe/London"))
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{path}: time_zone '{zone}' is not a time zone name such as Europe/London"
        ) from error
    start = values.get("partitions_start", date(2022, 1, 3))
    if type(start) is not date or start.weekday() != 0:
        raise SettingsError(
            f"{path}: partitions_start '{start}' is not the date of a Monday (YYYY-MM-DD)"
        )
    resolution = values.get("grid_resolution", 9)
    if resolution not in GRID_RESOLUTIONS or isinstance(resolution, bool):
        raise SettingsError(
            f"{path}: grid_resolution '{resolution}' is not one of {', '.join(map(str, GRID_RESOLUTIONS))}"
        )
    email = values.get("alert_email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", str(email)):
        raise SettingsError(f"{path}: alert_email '{email}' is not one e-mail address")
    reference = mapping(values.get("reference"), f"{path}: reference", SettingsError)
    values.update(
        force_id=force_id,
        name=text(values.get("name") or force_id, f"{path}: name", SettingsError),
        time_zone=zone,
        day_starts_hour=_whole(values.get("day_starts_hour", 6), f"{path}: day_starts_hour", 0, 23),
        boundary=_boundary(values.get("boundary"), home, path),
        feeds=_feeds(values.get("feeds"), path),
        reference={
            k: (home / text(v, f"{path}: reference.{k}", SettingsError)).resolve()
            for k, v in reference.items()
        },
        grid_resolution=resolution,
        hotspots=_hotspot_rules(values.get("hotspots"), path),
        hot_times=parse_hot_time_rules(
            values.get("hot_times"), f"{path}: hot_times", SettingsError
        ),
        retention=parse_retention_rules(
            values.get("retention"), f"{path}: retention", SettingsError
        ),
        partitions_start=start,
        alert_email=email,
    )
    return Force(home=home, **values)


def _boundary(given: Any, home: Path, path: Path) -> BoundaryFile | None:
    if given is None:
        return None
    where = f"{path}: boundary"
    boundary = {"file": given} if isinstance(given, str) else mapping(given, where, SettingsError)
    refuse_unknown(boundary, ("file", "where"), where, SettingsError)
    if not boundary.get("file"):
        raise SettingsError(f"{where}: 'file' is missing")
    chosen = mapping(boundary.get("where"), f"{where}.where", SettingsError)
    return BoundaryFile(
        (home / text(boundary["file"], f"{where}.file", SettingsError)).resolve(),
        {k: text(v, f"{where}.where.{k}", SettingsError) for k, v in chosen.items()},
    )


def _feeds(given: Any, path: Path) -> dict[str, dict[str, Any]]:
    """What each mapping may say is checked with its contract (`feeds/`); here only where it lands."""
    feeds = {}
    for feed, section in mapping(given, f"{path}: feeds", SettingsError).items():
        feeds[feed] = mapping(section, f"{path}: feeds.{feed}", SettingsError)
        if "landing" in feeds[feed]:
            where = f"{path}: feeds.{feed}.landing"
            feeds[feed]["landing"] = text(feeds[feed]["landing"], where, SettingsError)
    return feeds


def _hotspot_rules(given: Any, path: Path) -> HotspotRules:
    where = f"{path}: hotspots"
    rules = mapping(given, where, SettingsError)
    refuse_unknown(rules, [f.name for f in fields(HotspotRules)], where, SettingsError)
    if "groups" in rules:
        rules["groups"] = texts(rules["groups"], f"{where}.groups", SettingsError)
        wrong = sorted(set(rules["groups"]) - set(CATEGORY_GROUPS))
        if wrong or not rules["groups"]:
            raise SettingsError(
                f"{where}.groups: '{wrong[0] if wrong else ''}' is not one of {', '.join(CATEGORY_GROUPS)}"
            )
    for name in ("top_k", "max_cells", "min_events", "bootstrap_draws", "seed"):
        if name in rules:
            least = 0 if name in ("seed", "min_events") else 1
            rules[name] = _whole(rules[name], f"{where}.{name}", least)
    for name in ("window_from", "window_to"):
        if rules.get(name) is not None and type(rules[name]) is not date:
            raise SettingsError(f"{where}.{name} '{rules[name]}' is not a date (YYYY-MM-DD)")
    first, end = rules.get("window_from"), rules.get("window_to")
    if (first is None) != (end is None):
        alone = "window_to" if first is None else "window_from"
        raise SettingsError(
            f"{where}: {alone} stands alone; give window_from and window_to (the day after the last), or neither"
        )
    if first and end and first >= end:
        raise SettingsError(
            f"{where}: window_from {first} is not before window_to {end} (the day after the last)"
        )
    return HotspotRules(**rules)


def _whole(value: Any, where: str, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"{where} '{value}' is not a whole number of {least} or more")
    if most is not None and value > most:
        raise SettingsError(f"{where} '{value}' is more than {most}")
    return value
