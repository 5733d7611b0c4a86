"""The generated pages of `docs/`: the data dictionary, the lineage and its picture.

    python -m hotspot_pipeline.sql_models.dictionary            writes them (`make docs`)
    python -m hotspot_pipeline.sql_models.dictionary --check    says which of them are out of date

Here: which tables and steps there are, read from the definitions themselves, and the comparison with
what is committed. Not here: the words of the pages (`dictionary_pages`), the drawing
(`lineage_picture`), and the facts, which stand in the table contracts (`dbt_like_sql/`).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dagster as dg

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.settings import PROJECT_ROOT, Force, Settings
from hotspot_pipeline.sql_models.assets import build_sql_asset
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import STAGES, read_catalog

StepKind = Literal["sql", "python", "files"]


@dataclass(frozen=True)
class Check:
    """An asset check of a table. `is_blocking`: what comes after is not built while it fails."""

    name: str
    is_blocking: bool
    description: str


@dataclass(frozen=True)
class TableNode:
    """A table, or a set of files, in the graph; `reads` are the names it is made from."""

    name: str
    description: str
    reads: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Step:
    """What one step of a job writes. `module` is the Python module it stands in."""

    name: str
    stage: str
    kind: StepKind
    module: str
    tables: tuple[TableNode, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables)

    @property
    def reads(self) -> frozenset[str]:
        """What comes from other steps."""
        return frozenset(n for table in self.tables for n in table.reads) - frozenset(self.names)


def made_up_settings(sql: Path | None = None) -> Settings:
    """A force that delivers every feed and has no folder: nothing is read or written for it."""
    nowhere = Path("/nowhere")
    force = Force("force", "A force", nowhere, feeds={feed: {} for feed in shipped_contracts()})
    settings = Settings(data=nowhere, forces=(force,), threads=1)
    return settings if sql is None else Settings(data=nowhere, forces=(force,), sql=sql, threads=1)


def steps_of(definitions: dg.Definitions) -> list[Step]:
    """Every step that writes something, by stage, in the order of the definitions."""
    assets = [a for a in definitions.assets or () if isinstance(a, dg.AssetsDefinition)]
    steps = [_step(asset) for asset in assets]
    return sorted(steps, key=lambda step: STAGES.index(step.stage))


def _step(asset: dg.AssetsDefinition) -> Step:
    specs = list(asset.specs)
    checks: dict[dg.AssetKey, list[Check]] = {}
    for check in asset.check_specs:
        found = Check(check.name, check.blocking, check.description or "")
        checks.setdefault(check.asset_key, []).append(found)
    module = _module(asset)
    kind: StepKind = "python"
    if module == build_sql_asset.__module__ and "sql" in specs[0].kinds:
        kind = "sql"
    elif any("duckdb" not in spec.kinds for spec in specs):
        kind = "files"
    return Step(
        name=asset.node_def.name.split("__")[-1],
        stage=specs[0].key.path[1],
        kind=kind,
        module=module,
        tables=tuple(
            TableNode(
                _table(spec.key),
                spec.description or "",
                tuple(sorted(_table(dep.asset_key) for dep in spec.deps)),
                tuple(checks.get(spec.key, ())),
            )
            for spec in specs
        ),
    )


def _module(asset: dg.AssetsDefinition) -> str:
    function = asset.op.compute_fn
    return str(getattr(getattr(function, "decorated_fn", function), "__module__", ""))


def _table(key: dg.AssetKey) -> str:
    """`stage.table` of an asset key `force / stage / table`."""
    return ".".join(key.path[1:])


def step_edges(steps: Iterable[Step]) -> list[tuple[str, str]]:
    """(writer, reader) pairs of steps, as `stage.step`, without those that a longer path implies."""
    steps = list(steps)
    writer = {name: step_id(step) for step in steps for name in step.names}
    before = {step_id(step): {writer[name] for name in step.reads} for step in steps}

    def is_before(first: str, last: str) -> bool:
        return any(b == first or is_before(first, b) for b in before[last])

    return [
        (source, target)
        for target, sources in before.items()
        for source in sorted(sources)
        if not any(source != other and is_before(source, other) for other in sources)
    ]


def step_id(step: Step) -> str:
    return f"{step.stage}.{step.name}"


def render(definitions: dg.Definitions, settings: Settings) -> dict[str, str]:
    """The pages by their name below `docs/`."""
    # Here, because they need the names of this module.
    from hotspot_pipeline.sql_models.dictionary_pages import dictionary_page, lineage_page
    from hotspot_pipeline.sql_models.lineage_picture import draw

    catalog = read_catalog(settings.sql)
    models = load_models(catalog)
    steps = steps_of(definitions)
    edges = step_edges(steps)
    return {
        "data_dictionary.md": dictionary_page(catalog, models, steps),
        "lineage.md": lineage_page(steps, edges),
        "lineage.svg": draw(steps, edges),
    }


def stale(docs: Path, pages: Mapping[str, str]) -> list[str]:
    """The pages that are missing from `docs` or differ there."""
    return [
        name
        for name, text in pages.items()
        if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when out of date")
    parser.add_argument("--docs", type=Path, default=PROJECT_ROOT / "docs", help="the folder")
    chosen = parser.parse_args(arguments)
    settings = made_up_settings()
    # The definitions stand above this room, so they are loaded by name, as Dagster itself does.
    above = importlib.import_module("hotspot_pipeline.definitions")
    pages = render(above.build_defs(settings), settings)
    old = stale(chosen.docs, pages)
    if chosen.check:
        for name in old:
            print(f"{chosen.docs / name}: out of date; run make docs", file=sys.stderr)
        return 1 if old else 0
    chosen.docs.mkdir(parents=True, exist_ok=True)
    for name in old:
        (chosen.docs / name).write_text(pages[name], encoding="utf-8", newline="\n")
    print(f"{len(pages)} pages in {chosen.docs}, {len(old)} of them rewritten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
