"""Extracts of fixes at the gate: judged on their summary, and taken into the police days that they bring something for.

Here: which extracts wait, in what portions, what is written for an accepted and a held one, and days without a withdrawn one. Not
here: the judgement on a fix (`rows.py`), the files (`day_files.py`), the ledger (`ledger.py`), how it shows in Dagster
(`validated/assets.py`).

Several extracts are taken in one portion, so that a day which many of them touch is written once: all books of a portion and its
days stand together or not at all. Only the days that an accepted extract touches are written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.validated.gate import GateOutcome, run_gate
from hotspot_pipeline.validated.gate_frames import check_expectations
from hotspot_pipeline.validated.judging import EARLIER, IN_ORDER, WAITING, results_frame
from hotspot_pipeline.validated.pings.day_files import DayFile, write_day
from hotspot_pipeline.validated.pings.ledger import DAY_EXTRACTS, REFUSALS, Ledger
from hotspot_pipeline.validated.pings.rows import CHECKS, Arrival, FixRules, judge_fixes
from hotspot_pipeline.validated.pings.staging import Staging
from hotspot_pipeline.validated.pings.summary import Summary
from hotspot_pipeline.validated.rejects import REJECT_SCHEMA, WARNING_SCHEMA
from hotspot_pipeline.validated.report import ExtractReport
from hotspot_pipeline.validated.volume import volume_outcome
from hotspot_pipeline.warehouse.session import Session

TABLE = "pings"
ROWS_AT_ONCE = 4_000_000
_ROWS_PER_BATCH = 131_072
_STANDING = """
    select distinct e.extract_id, e.feed, e.extract_ts_utc, e.received_at_utc, f.sha256 as file_sha256
    from raw.extracts e join raw.extract_files f on f.extract_id = e.extract_id and f.status = 'loaded'
    where e.table_name = 'pings' and e.status = 'loaded'
      and e.extract_id not in (select extract_id from raw.decisions where decision = 'withdrawn')
"""
_GONE = f"extract_id not in (select s.extract_id from ({_STANDING}) s)"


@dataclass(frozen=True)
class _Judged:
    row: Mapping[str, Any]
    summary: Summary
    outcomes: Sequence[GateOutcome]
    status: str


class PingGate:
    """`feeds`: those whose fixes are stored. `archive` holds the sealed files by feed and hash. `keep_from`: see `FixRules`."""

    def __init__(
        self,
        session: Session,
        feeds: Mapping[str, FeedContract],
        ledger: Ledger,
        archive: Path,
        rules: Callable[[FeedContract], FixRules],
    ) -> None:
        for contract in feeds.values():
            check_expectations(contract)
        self._session, self._feeds, self._ledger = session, feeds, ledger
        self._archive = archive
        self._rules = {feed: rules(contract) for feed, contract in feeds.items()}

    def judge_waiting(self, say: Callable[[str], None]) -> list[ExtractReport]:
        """Judges every waiting extract, oldest first, in portions of one transaction each."""
        if not self._feeds:
            return []
        self._ledger.clear_away()
        self._rebuild_without_gone(say)
        files = {r["extract_id"]: r["file_sha256"] for r in self._session.frame(_STANDING).iter_rows(named=True)}  # fmt: skip
        waiting = self._session.frame(
            f"{WAITING} and e.table_name = '{TABLE}' {IN_ORDER}"
        ).iter_rows(named=True)
        known = [row | {"file_sha256": files[row["extract_id"]]} for row in waiting if row["feed"] in self._feeds]  # fmt: skip
        for row in [row for row in known if not self._sealed(row).exists()]:
            known.remove(row)
            say(
                f"gate: {row['extract_id']}: its archived file is past its time; it cannot be judged again"
            )
        reports = []
        for portion in _portions(known):
            with self._staging() as staging:
                judged = [self._judge(row, staging) for row in portion]
                days = staging.days
                self._write_days(staging, judged)
            self._ledger.clear_away()
            for one in judged:
                reports.append(_report(one))
                say(
                    f"gate: {one.row['extract_id']}: {one.row['n_rows']} fixes in, {one.summary.n_stored} without fault, "
                    f"{one.summary.n_refused} refused: {one.status}"
                )
            if days:
                say(f"gate: police days written again: {', '.join(map(str, days))}")
        return reports

    def _staging(self) -> Staging:
        return Staging(self._ledger.folder / ".staging")

    def _judge(self, row: Mapping[str, Any], staging: Staging) -> _Judged:
        contract = self._feeds[row["feed"]]
        summary = self._stage(row, staging)
        outcomes = run_gate(summary.gate_frames(), contract)
        values = {"feed": row["feed"], "kind": row["kind"], "ts": row["extract_ts_utc"]}
        earlier = [int(n) for (n,) in self._session.frame(EARLIER, values).iter_rows()][::-1]
        outcomes.append(volume_outcome(row["kind"], int(row["n_rows"]), earlier))
        is_held = any(o.holds_extract for o in outcomes) and not row["is_released"]
        if is_held:
            staging.drop(row["extract_id"])
        return _Judged(row, summary, outcomes, "held" if is_held else "accepted")

    def _stage(
        self, row: Mapping[str, Any], staging: Staging, only: Sequence[date] | None = None
    ) -> Summary:
        """Judges an extract's fixes and sets aside what is not refused, of the days asked for."""
        rules = self._rules[row["feed"]]
        arrival = Arrival(row["extract_id"], row["extract_ts_utc"], row["received_at_utc"])
        summary = Summary()
        with pq.ParquetFile(self._sealed(row)) as file:
            for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
                raw = pl.DataFrame(pa.Table.from_batches([batch]))
                judged = judge_fixes(raw, rules, arrival)
                summary.add(judged)
                stored = judged.stored
                if only is not None:
                    stored = stored.filter(pl.col("police_day").is_in(list(only)))
                staging.add(stored, row["extract_id"])
        return summary

    def _sealed(self, row: Mapping[str, Any]) -> Path:
        sha256 = str(row["file_sha256"])
        return self._archive / str(row["feed"]) / sha256[:2] / f"{sha256}.parquet"

    def _write_days(self, staging: Staging, judged: Sequence[_Judged]) -> None:
        days = staging.days
        stored = self._ledger.stored(days)
        files = [
            self._day_file(day, ([stored[day].path] if day in stored else []) + staging.files(day))
            for day in days
        ]
        delivered = pl.concat([self._ledger.extracts_of(days), staging.delivered()])
        with self._session.transaction():
            self._ledger.write(files, delivered)
            for one in judged:
                self._book(one)

    def _day_file(self, day: date, sources: list[Path]) -> DayFile:
        clock = next(iter(self._rules.values())).police_time
        end = clock.day_window(day).end_utc.replace(tzinfo=None)
        return write_day(day, end, sources, self._ledger.folder)

    def _book(self, one: _Judged) -> None:
        session, row, summary = self._session, one.row, one.summary
        about = {"extract_id": pl.lit(row["extract_id"]), "feed": pl.lit(row["feed"])}
        is_held = one.status == "held"
        counts = {
            "table_name": TABLE,
            "status": one.status,
            "n_in": summary.n_stored + summary.n_refused,
            "n_accepted": 0 if is_held else summary.n_stored,
            "n_held": summary.n_stored if is_held else 0,
            "n_rejected": summary.n_refused,
            "n_accepted_before": 0,
            "n_unreadable": int(row["n_unreadable"]),
            "n_without_location": 0,
            "validated_at_utc": datetime.now(UTC).replace(tzinfo=None),
        }
        books = {
            "validated.gate_results": results_frame(one.outcomes).with_columns(**about),
            "validated.extract_counts": pl.DataFrame([counts]).with_columns(**about),
            REFUSALS: summary.refusals.with_columns(
                about["extract_id"].alias("extract_id"),
                pl.col("rule").replace_strict(CHECKS, default="C1").alias("check_code"),
            ),
        }
        for book, frame in books.items():  # what stood there while it was held
            session.execute(f"delete from {book} where extract_id = $id", {"id": row["extract_id"]})
            session.insert(session.catalog[book], frame)

    # ---------- withdrawals

    def _rebuild_without_gone(self, say: Callable[[str], None]) -> None:
        """Writes the days of withdrawn extracts again from the sealed files of the others: what a withdrawn one had first, another may
        have too."""
        session = self._session
        session.execute(f"delete from {REFUSALS} where {_GONE}")
        gone = session.frame(
            f"select police_day, extract_id from {DAY_EXTRACTS} where {_GONE} order by all"
        )
        if gone.is_empty():
            return
        touched = gone["police_day"].unique(maintain_order=True).to_list()
        lost = gone["extract_id"].unique(maintain_order=True).to_list()
        standing = session.frame(_STANDING)
        stored = self._ledger.stored(touched)
        of_days = self._ledger.extracts_of(touched).filter(~pl.col("extract_id").is_in(lost))
        with self._staging() as staging:
            for row in standing.iter_rows(named=True):
                mine = of_days.filter(pl.col("extract_id") == row["extract_id"])["police_day"]
                again = [day for day in mine if day in stored]
                if again and self._sealed(row).exists():
                    self._stage(row, staging, again)
                    continue
                for day in again:  # its sealed file is past its time: what the day has of it stays
                    kept = pl.scan_parquet(stored[day].path)
                    kept = kept.filter(pl.col("extract_id") == row["extract_id"])
                    rows = kept.collect().with_columns(police_day=pl.lit(day))
                    staging.add(rows, row["extract_id"])
            files = [self._day_file(day, staging.files(day)) for day in touched if day in stored]
            with session.transaction():
                session.execute(f"delete from {DAY_EXTRACTS} where {_GONE}")
                self._ledger.write(files, of_days.filter(pl.col("police_day").is_in(list(stored))))
        self._ledger.clear_away()
        say(
            f"gate: {', '.join(lost)} withdrawn: days written again: {', '.join(map(str, touched))}"
        )


def _portions(waiting: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    portion: list[Mapping[str, Any]] = []
    n_rows = 0
    for row in waiting:
        if portion and n_rows + int(row["n_rows"]) > ROWS_AT_ONCE:
            yield portion
            portion, n_rows = [], 0
        portion.append(row)
        n_rows += int(row["n_rows"])
    if portion:
        yield portion


def _report(one: _Judged) -> ExtractReport:
    """Refusals are shown as warnings are: counted by rule, for a line a fix would be a list of thousands."""
    refusals = one.summary.refusals
    warnings = refusals.select(
        "rule",
        pl.col("rule").replace_strict(CHECKS, default="C1").alias("check"),
        "n_rows",
        pl.lit("refused").alias("message"),
        pl.format("{}: {}", "source_file", "line_no").alias("example_lines"),
    )
    return ExtractReport(
        extract_id=one.row["extract_id"],
        feed=one.row["feed"],
        table=TABLE,
        status=one.status,
        n_unreadable=int(one.row["n_unreadable"]),
        counts={
            "n_rows": one.summary.n_stored + one.summary.n_refused,
            "n_accepted": one.summary.n_stored,
            "n_rejected": one.summary.n_refused,
            "n_without_id": 0,
            "n_without_location": 0,
            "n_outside_force": 0,
            "n_without_hour": 0,
            "n_accepted_before": 0,
        },
        outcomes=list(one.outcomes),
        rejects=pl.DataFrame(schema={"extract_id": pl.String, **REJECT_SCHEMA}),
        warnings=warnings.cast(dict(WARNING_SCHEMA)),  # type: ignore[arg-type]
    )
