"""What several commands need: settings, the Dagster instance, the published copy, output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import click
import dagster as dg
from rich.console import Console
from rich.table import Table

from hotspot_pipeline.settings import PROJECT_ROOT, Force, Settings
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.database import Warehouse

force_option = click.option(
    "--force", "force_id", help="The force; not needed when there is only one."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")

# a file or a pipe has no width of its own: tables need room for extract ids there
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def settings() -> Settings:
    return Settings.from_env()


def dagster_home(found: Settings) -> str:
    """The instance folder, made with the shipped `dagster.yaml` when it is new."""
    home = found.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    shipped = PROJECT_ROOT / "deploy" / "dagster.yaml"
    if not target.exists():
        if shipped.exists():
            shutil.copyfile(shipped, target)
        else:  # installed from a wheel: Dagster's own defaults, without telemetry
            target.write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    return str(home)


def instance(found: Settings) -> dg.DagsterInstance:
    os.environ["DAGSTER_HOME"] = dagster_home(found)
    return dg.DagsterInstance.get()


def published_copy(found: Settings, force: Force) -> Warehouse | None:
    """The read-only copy that a green run left; None before the first one."""
    path = force.published / "warehouse.duckdb"
    return (
        Warehouse(path, read_catalog(found.sql), threads=found.threads) if path.exists() else None
    )


def copy_to_ask(found: Settings, force: Force) -> Warehouse:
    """The same; ValueError before the first green run."""
    copy = published_copy(found, force)
    if copy is None:
        raise ValueError(f"{force.name}: nothing published yet; hotspots run makes it")
    return copy


def say(as_json: bool, document: Any, lines: Iterable[str] = ()) -> None:
    if as_json:
        click.echo(json.dumps(document, indent=2, default=_plain))
    else:
        for line in lines:
            console.print(line)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    shown = Table(title=title, title_justify="left", header_style="bold")
    numeric: list[bool] = []
    body = [list(row) for row in rows]
    for number, column in enumerate(columns):
        values = [row[number] for row in body if row[number] is not None]
        numeric.append(
            bool(values)
            and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        )
        shown.add_column(column, justify="right" if numeric[-1] else "left", overflow="fold")
    for row in body:
        shown.add_row(*[_cell(value) for value in row])
    console.print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        # a cell is a name, not a quantity
        return f"{value:,}" if abs(value) < 10**15 else str(value)
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
