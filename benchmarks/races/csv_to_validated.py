"""A crime extract of 300,000 rows from CSV to validated rows, against DuckDB's bare reading of the file.

Ours: what the two nightly steps do with a landed file, by the functions they call (`raw` and
`validated`), without Dagster: find, hash and archive it, read it with every line accounted for,
write `raw.crimes`; read that back, type, locate, judge and conform the rows, write
`validated.crimes` and its books. The peer: DuckDB's `read_csv(all_varchar=true)` into one table of a
file, which types nothing, checks nothing and keeps no second copy.

Why it is fair: same file, warm in the page cache; both write to a DuckDB file on the same disk with
the same threads and memory limit, and closing it (the checkpoint) is timed on both sides. Each
repeat starts with new files in a new process, cold. Three things are ours and stated apart, outside
the total: the cold import of great-expectations, its pass over the extract, and the audits of the
two tables. Peak memory is that of the whole process, with all of them.

The peer's table and `raw.crimes` must hold the same values, and rows in must be accepted + rejected.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.inputs.crime_extract import FEED, FILE, write_force
from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch

_GX_IMPORT = "great-expectations: cold import and context"
_GX_PASS = "great-expectations: pass over the extract"
_AUDITED = ("raw.crimes", "validated.crimes")
_AUDITS = "audits of raw.crimes and validated.crimes"
_RAW_BOOKS = (
    "raw.extracts",
    "raw.extract_files",
    "raw.unreadable_lines",
    "raw.decisions",
    "raw.full_runs",
)


def prepare(folder: Path, is_quick: bool) -> Facts:
    from hotspot_pipeline.settings import PROJECT_ROOT

    n = 2_000 if is_quick else 300_000
    n_bytes = write_force(folder / "force", n, PROJECT_ROOT / "data" / "reference")
    return {"rows": n, "columns": len(_columns()), "megabytes": round(n_bytes / 1e6, 1)}


def ours(folder: Path, watch: Stopwatch) -> Facts:
    from hotspot_pipeline.feeds.of_force import contracts_of
    from hotspot_pipeline.pseudonyms.keys import pseudonym_key
    from hotspot_pipeline.raw import archive, landing, taking
    from hotspot_pipeline.raw.intake import read_extract
    from hotspot_pipeline.validated import judging
    from hotspot_pipeline.validated.lookups import read_lookups
    from hotspot_pipeline.warehouse.database import Warehouse

    shop = _workshop(folder)
    force = shop.force
    for made in (force.warehouse_file, force.warehouse_file.with_suffix(".duckdb.wal")):
        made.unlink(missing_ok=True)
    shutil.rmtree(force.archive, ignore_errors=True)
    warehouse = Warehouse(force.warehouse_file, shop.catalog, **_limits())
    tables = [*_RAW_BOOKS, "raw.crimes", "validated.crimes", *judging.BOOKS]
    with warehouse.session() as session:
        for table in tables:
            session.ensure(shop.catalog[table])
    contracts = contracts_of(force)
    found = read_lookups(shop.settings.reference, force.reference)
    lookups = {
        "offences": found["offence_codes"].delivered,
        "policeuk_categories": found["policeuk_categories"].delivered,
    }
    key, boundary = pseudonym_key(force.key_file), shop.boundary
    _warm_page_cache(force.landing(FEED) / FILE)
    _time_the_gate(watch, judging)
    with watch.race():
        with watch.lap("find, hash and archive the file"):
            where = force.landing(FEED)
            files, _ = landing.landed_files(where, contracts[FEED])
            hashed = landing.hashed(files, {})
            (waiting,) = landing.extracts_of(hashed, where, contracts[FEED], shop.police_time)
            archive.keep(force.archive, FEED, waiting.files[0])
        with watch.lap("read the file"):
            intake = read_extract(waiting, received_at_utc=datetime.now(UTC), run_id="bench")
        with watch.lap("write raw.crimes"), warehouse.session() as session:
            taking.store(shop, session, contracts[FEED], intake)
        del intake
        with ExitStack() as opened:
            session = opened.enter_context(warehouse.session())
            gate = judging.Gate(
                session,
                contracts,
                police_time=shop.police_time,
                pseudonym_key=key,
                boundary=boundary,
                lookups=lookups,
            )
            reports = gate.judge_waiting(lambda text: None)
            with watch.set_apart(_AUDITS):
                audits = [a for t in _AUDITED for a in session.audit(shop.catalog[t])]
            with watch.lap("close the file (checkpoint)"):
                opened.close()
    failed = [a.audit.name for a in audits if not a.passed]
    if reports[0].status != "accepted" or failed:
        raise Disagreement(f"the extract is {reports[0].status}, audits failed: {failed}")
    return dict(reports[0].counts)


def _time_the_gate(watch: Stopwatch, judging: Any) -> None:
    """Puts the clock around the calls of the gate and, as parts, around the steps of a judgement."""
    from hotspot_pipeline.validated import extract, gate

    watch.around(judging.Gate, "_waiting", "read the rows back from raw.crimes")
    watch.around(judging, "validate_extract", "validate the rows")
    watch.around(judging.Gate, "_store", "write validated.crimes and its books")
    for name in (
        "stripped_columns", "type_stripped", "locate", "apply_rules", "make_rejects",
        "make_gate_frames", "pseudonymise", "row_hash", "conform",
    ):  # fmt: skip
        watch.around(extract, name, name, is_part=True)
    run_gate = judging.run_gate

    def measured(*args: Any) -> Any:
        with watch.set_apart(_GX_IMPORT):
            gate._batch_definition()
        with watch.set_apart(_GX_PASS):
            return run_gate(*args)

    judging.run_gate = measured


def duckdb_read_csv(folder: Path, watch: Stopwatch) -> Facts:
    import duckdb

    file = folder / "force" / "landing" / FEED / FILE
    target = folder / "peer.duckdb"
    target.unlink(missing_ok=True)
    limits = _limits()
    _warm_page_cache(file)
    with watch.race():
        connection = duckdb.connect(
            str(target), config={**limits, "preserve_insertion_order": False}
        )
        with watch.lap("read_csv into a table"):
            connection.execute(
                f"create table crimes as from read_csv('{file}', all_varchar = true)"
            )
        with watch.lap("close the file (checkpoint)"):
            connection.close()
    return {}


def verify(folder: Path) -> Facts:
    import duckdb

    from hotspot_pipeline.settings import read_force

    ours_file = read_force(folder / "force").warehouse_file
    names = ", ".join(f'"{name}"' for name in _columns())
    with duckdb.connect() as connection:
        connection.execute(f"attach '{ours_file}' as ours (read_only)")
        connection.execute(f"attach '{folder / 'peer.duckdb'}' as peer (read_only)")

        def number(sql: str) -> int:
            return int(connection.execute(sql).fetchall()[0][0])

        only = {
            f"values only in {a}": number(
                f"select count(*) from (select {names} from {a} except all select {names} from {b})"
            )
            for a, b in (("ours.raw.crimes", "peer.crimes"), ("peer.crimes", "ours.raw.crimes"))
        }
        counted = {
            "rows read": number("select count(*) from peer.crimes"),
            "accepted": number("select count(*) from ours.validated.crimes"),
            "rejected": number("select count(*) from ours.validated.rejects"),
        }
    if any(only.values()):
        raise Disagreement(f"raw.crimes and the peer's table differ: {only}")
    if counted["rows read"] != counted["accepted"] + counted["rejected"]:
        raise Disagreement(f"rows are not accounted for: {counted}")
    return {**counted, "rows whose delivered values differ": 0}


def _workshop(folder: Path) -> Any:
    from hotspot_pipeline.orchestration.tables import Workshop
    from hotspot_pipeline.settings import Settings, read_force
    from hotspot_pipeline.warehouse.contract import read_catalog

    force = read_force(folder / "force")
    settings = Settings(data=folder, forces=(force,))
    return Workshop.of(settings, force, read_catalog(settings.sql))


def _limits() -> dict[str, Any]:
    """The settings' own defaults, for both sides."""
    from hotspot_pipeline.settings import Settings

    settings = Settings(data=Path(), forces=())
    return {"memory_limit": settings.memory_limit, "threads": settings.threads}


def _columns() -> tuple[str, ...]:
    from hotspot_pipeline.feeds.contract import shipped_contracts

    return shipped_contracts()[FEED].column_names


def _warm_page_cache(file: Path) -> None:
    with file.open("rb") as stream:
        while stream.read(1 << 22):
            pass


def _with_great_expectations(result: Result) -> float:
    whole = result["ours"].median() + sum(
        s for name, s in result["ours"].laps("apart").items() if name.startswith("great")
    )
    return whole / result["duckdb_read_csv"].median()


RACE = Race(
    name="csv_to_validated",
    title="300,000-row crime extract, CSV to validated rows",
    why_fair="Same file, warm in the page cache; both write a DuckDB file with the same threads and "
    "memory limit, checkpoint included; the delivered values stored are equal, value by value.",
    sides=(
        Side("ours", "archived, read, raw.crimes, validated.crimes", ours),
        Side("duckdb_read_csv", "read_csv(all_varchar=true) into a table", duckdb_read_csv),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target(
            "of read_csv(all_varchar) into a table", 5.0, times_as_long("ours", "duckdb_read_csv")
        ),
        Target(
            "peak of our process, great-expectations included",
            1_500.0,
            lambda result: result["ours"].highest_peak_mb,
            unit="MB",
        ),
    ),
    beside=(("of read_csv with great-expectations counted in, cold", _with_great_expectations),),
)
