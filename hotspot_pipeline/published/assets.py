"""The published assets: GIS layers, pictures, CSV tables, the recode bulletin and the read-only copy of the warehouse.

Last in the nightly job: a blocking check anywhere before stops them, and yesterday's files stand. Not here: how a
file is drawn or written (`layers.py`, `pictures.py`, `tables.py`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.orchestration.tables import FRESH, Results, Workshop
from hotspot_pipeline.published.at_once import AtOnce, by_processes
from hotspot_pipeline.published.bulletin.assets import build_issues
from hotspot_pipeline.published.bulletin.issuing import BULLETIN, ISSUES
from hotspot_pipeline.published.evaluation import assets as evaluation
from hotspot_pipeline.published.files import PublishedFile, listed
from hotspot_pipeline.published.footer import footer_of
from hotspot_pipeline.published.patrols import assets as patrols
from hotspot_pipeline.published.shown import large, small
from hotspot_pipeline.warehouse.copies import publish_copy
from hotspot_pipeline.warehouse.session import Session

_HEXES = (
    "hexes.cell_scores",
    "hexes.hotspots",
    "hexes.hotspot_cells",
    "hexes.concentration",
    "hexes.concentration_curve",
)
_CSV = (
    "hexes.hotspots", "hexes.hotspot_cells", "hexes.cell_scores", "hexes.concentration", "hexes.concentration_curve",
    "hexes.prediction_accuracy", "hexes.crime_monthly", "published.deliveries", "published.data_quality",
    "published.weekly_issues", "hot_times.windows", "hot_times.window_sets", "hot_times.window_parts", "hot_times.night_links",
    "hot_times.profiles", "hot_times.profile_bins", "evaluation.monthly_metrics", "evaluation.refusals",
)  # fmt: skip
_FOOTER = ("published.data_quality",)
_HOT_TIMES = (
    "hot_times.profiles",
    "hot_times.profile_bins",
    "hot_times.windows",
    "hot_times.window_sets",
)
_COPIED = (
    "published.deliveries", "published.data_quality", "published.weekly_issues", ISSUES, "published.issue_feeds", "published.issued_figures", BULLETIN,
    evaluation.AREAS,
)  # fmt: skip


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    """One step writes all files, so that they are of one night; the copy of the warehouse comes last."""
    files_key = shop.key("published.files")
    copied = [
        c.name
        for c in shop.catalog.values()
        if c.publish and c.stage != "published" and c.partition == "none"
    ]

    @shop.step("published.files", [
            _file_spec(shop, "layers", "GeoPackage and GeoParquet (EPSG:27700) and GeoJSON (EPSG:4326) of cells and hotspots.",
                       (*_HEXES, *_FOOTER), {"geopandas"}),
            _file_spec(shop, "pictures", "The hotspot map and the concentration curve as PNG.", (*_HEXES, *_FOOTER), {"matplotlib"}),
            _file_spec(shop, "hot_times", "When each hotspot is hot: a sheet for each and one of all, as PNG.",
                       (*_HOT_TIMES, "hexes.hotspots", *_FOOTER), {"matplotlib"}),
            _file_spec(shop, "patrols", "What was planned and patrolled: all hotspots, a sheet for each and a map of time on duty, as PNG; none without patrol feeds.",
                       (*patrols.READS, *_FOOTER), {"matplotlib"}),
            shop.spec(evaluation.AREAS, deps=evaluation.AREAS_READ, kinds=("python",)),
            _file_spec(shop, "evaluation", "Control charts of all hotspots and a sheet for each, estimates and curves of each trial, as PNG and CSV, and the newest week in words; none where no police week is closed and no trial on file.",
                       (*evaluation.READS, *_FOOTER), {"matplotlib", "csv", "html"}),
            _file_spec(shop, "tables", "CSV tables for people; ids as text, formulas disarmed.", (*_CSV, "hexes.cells"), {"csv"}),
            _file_spec(shop, "bulletin", "The recode bulletin of the newest issue as a page and as CSV.", (ISSUES, BULLETIN), {"html", "csv"}),
            _file_spec(shop, "reader_copy", "The read-only DuckDB copy of the aggregate tables, swapped in by rename.",
                       (*copied, "hexes.refreshed_windows", *_COPIED), {"duckdb"}),
            shop.spec("published.files", deps=("published.data_quality",), kinds=("python",)),
        ])  # fmt: skip
    def files(context: dg.AssetExecutionContext) -> Results:
        with (
            shop.warehouse(context).session() as session,
            by_processes(shop.settings.threads) as at_once,
        ):
            footer = footer_of(session, shop.force)
            written: list[PublishedFile] = []
            yield from shop.run_write(
                evaluation.AREAS, partial(evaluation.write_areas, shop, session)
            )
            for name, write, show in (
                ("layers", _layers, None),
                ("pictures", _pictures, large),
                ("hot_times", _hot_times, _preview_hot_times),
                ("patrols", patrols.write, partial(patrols.shown, session)),
                ("evaluation", evaluation.write, partial(evaluation.shown, session)),
                ("tables", _tables, None),
                ("bulletin", _bulletin, None),
            ):
                done = write(shop, session, footer, at_once)
                written += done
                yield dg.MaterializeResult(
                    asset_key=shop.key(f"published.{name}"),
                    metadata={
                        **_listed(done),
                        **_quality(footer),
                        **(show(done, at_once) if show else {}),
                    },
                    data_version=dg.DataVersion("-".join(f.sha256[:8] for f in done) or "none"),
                )
            copy = publish_copy(session, shop.force.published / "warehouse.duckdb", footer)
            yield dg.MaterializeResult(
                asset_key=shop.key("published.reader_copy"),
                metadata={
                    "file": dg.MetadataValue.path(copy.path),
                    "bytes": copy.n_bytes,
                    "tables": len(copy.n_rows),
                    "sha256": copy.sha256,
                    **_quality(footer),
                },
            )
            contract = shop.catalog["published.files"]
            yield from shop.run_write(
                contract.name, partial(session.replace_table, contract, listed(written))
            )

    assert files_key in files.keys
    return [build_issues(shop), files]


def _file_spec(
    shop: Workshop, name: str, description: str, deps: Sequence[str], kinds: set[str]
) -> dg.AssetSpec:
    return dg.AssetSpec(
        shop.key(f"published.{name}"),
        deps=shop.keys(deps),
        description=f"{description} In {shop.force.published.name}/ of the force's folder.",
        group_name="published",
        kinds=kinds,
        owners=["team:analysts"],
        tags={"force": shop.force.force_id, "stage": "published"},
        freshness_policy=FRESH["none"],
    )


def _quality(footer: Mapping[str, str]) -> dict[str, Any]:
    """The figures people watch, numeric so that the UI plots them."""
    return {
        name: int(footer[name].replace(",", ""))
        for name in ("records delivered", "records rejected", "events", "events counted")
        if name in footer
    } | {"data to": footer["data to"]}


def _layers(
    shop: Workshop, session: Session, footer: Mapping[str, str], _: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.layers import write_layers

    return write_layers(
        shop.force.published / "layers",
        cells=session.frame("select * from hexes.cell_scores order by cell"),
        hotspots=session.frame("select * from hexes.hotspots order by hotspot_rank"),
        grid=shop.grid,
        footer=footer,
    )


def _pictures(
    shop: Workshop, session: Session, footer: Mapping[str, str], _: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.pictures import concentration_plot, hotspot_map

    boundary = shop.boundary
    out = shop.force.published / "pictures"
    return [
        hotspot_map(
            out / "hotspot_map.png",
            cells=session.frame("select * from hexes.cell_scores order by cell"),
            hotspots=session.frame("select * from hexes.hotspots order by hotspot_rank"),
            grid=shop.grid,
            boundary=boundary.polygon_bng if boundary else None,
            title=shop.force.name,
            footer=footer,
        ),
        concentration_plot(
            out / "concentration.png",
            curve=session.frame("select * from hexes.concentration_curve order by n_cells"),
            summary=session.frame("select * from hexes.concentration order by denominator"),
            title=shop.force.name,
            footer=footer,
        ),
    ]


def _hot_times(
    shop: Workshop, session: Session, footer: Mapping[str, str], at_once: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.hour_files import write_hour_sheets

    return write_hour_sheets(
        shop.force.published / "hot_times",
        session,
        title=shop.force.name,
        footer=footer,
        day_starts_hour=shop.force.day_starts_hour,
        at_once=at_once,
    )


def _bulletin(
    shop: Workshop, session: Session, footer: Mapping[str, str], _: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.bulletin.page_files import write_newest

    return write_newest(shop.force.published / "bulletin", session, shop.force.name, footer)


def _tables(
    shop: Workshop, session: Session, footer: Mapping[str, str], _: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.tables import write_tables

    frames: dict[str, pl.DataFrame] = {}
    for name in _CSV:
        contract = shop.catalog[name]
        order = ", ".join(f'"{k}"' for k in contract.grain)
        frames[contract.table] = session.frame(f"select * from {name} order by {order}")
    return write_tables(shop.force.published / "tables", frames, footer)


def _listed(files: Sequence[PublishedFile]) -> dict[str, Any]:
    listed = "\n".join(f"- `{f.name}` {f.n_bytes:,} bytes" for f in files)
    if not files:
        return {}
    return {
        "folder": dg.MetadataValue.path(files[0].path.parent),
        "files": dg.MetadataValue.md(listed),
        "bytes": sum(f.n_bytes for f in files),
    }


def _preview_hot_times(files: Sequence[PublishedFile], at_once: AtOnce) -> dict[str, Any]:
    """All hotspots at a glance, and each one small."""
    if not files:
        return {"hot times": "none: no counted event of the selection window has a usable hour"}
    return {
        "all hotspots": large(files[:1], at_once)["force"],
        **({"each hotspot": small(files[1:], at_once)} if files[1:] else {}),
    }
