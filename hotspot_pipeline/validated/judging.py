"""Extracts at the gate, one after another: read from raw, judge, store in one transaction.

Here: which extracts wait, what is written for an accepted, a held and a released one. Not here: the judgement on
rows (`extract.py`) and on the whole (`gate.py`, `volume.py`), and how it shows in Dagster (`assets.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FILE_TABLES, FeedContract
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.extract import GateContext, ValidatedExtract, validate_extract
from hotspot_pipeline.validated.full_extracts import rows_of_full
from hotspot_pipeline.validated.gate import GateOutcome, run_gate, unchanged_outcomes
from hotspot_pipeline.validated.report import ExtractReport
from hotspot_pipeline.validated.volume import volume_outcome
from hotspot_pipeline.warehouse.session import Session

BOOKS = (
    "validated.rejects",
    "validated.gate_results",
    "validated.gate_warnings",
    "validated.extract_counts",
)
_LAST_DECISION = """
    select extract_id, decision from raw.decisions
    qualify row_number() over (partition by extract_id order by decided_at_utc desc) = 1
"""
# not judged yet, or held and since released by a person; never what was withdrawn
WAITING = f"""
    select e.extract_id, e.feed, e.kind, e.table_name, e.extract_ts_utc, e.received_at_utc, e.order_ts_utc,
           e.n_rows, e.n_unreadable, coalesce(d.decision = 'released', false) as is_released
    from raw.extracts e
    left join validated.extract_counts c using (extract_id)
    left join ({_LAST_DECISION}) d using (extract_id)
    where e.status = 'loaded' and coalesce(d.decision, '') <> 'withdrawn'
      and (c.status is null or (c.status = 'held' and d.decision = 'released'))
"""
IN_ORDER = "order by e.order_ts_utc, e.extract_id"
EARLIER = """
    select e.n_rows
    from validated.extract_counts c join raw.extracts e using (extract_id)
    where c.feed = $feed and c.status = 'accepted' and e.kind = $kind and e.extract_ts_utc < $ts
      and ($kind = 'full' or dayofweek(e.extract_ts_utc) = dayofweek($ts))
    order by e.order_ts_utc desc limit 8
"""


class Gate:
    """What the gate needs beside the extracts. `lookups`, `boundary` and the key as in `GateContext`."""

    def __init__(
        self,
        session: Session,
        feeds: Mapping[str, FeedContract],
        *,
        police_time: PoliceTime,
        pseudonym_key: bytes,
        boundary: Boundary | None,
        lookups: Mapping[str, pl.DataFrame],
    ) -> None:
        self._session = session
        self._feeds = feeds
        self._police_time = police_time
        self._key = pseudonym_key
        self._boundary = boundary
        self._lookups = lookups

    def judge_waiting(self, say: Callable[[str], None]) -> list[ExtractReport]:
        """Judges every waiting extract, oldest first; one transaction each."""
        waiting = self._session.frame(
            f"{WAITING} and e.table_name not in (select unnest($files)) {IN_ORDER}",
            {"files": list(FILE_TABLES)},
        )
        reports = []
        for number, row in enumerate(waiting.iter_rows(named=True), 1):
            contract = self._feeds.get(row["feed"])
            if contract is None:
                say(
                    f"{row['extract_id']}: feed {row['feed']} is no longer in force.yml; left as it is"
                )
                continue
            report = self._judge(row, contract)
            reports.append(report)
            say(
                f"gate: extract {number} of {waiting.height}: {row['extract_id']}: {report.counts['n_rows']} rows in, "
                f"{report.counts['n_accepted']} without fault, {report.counts['n_rejected']} rejected: {report.status}"
            )
        return reports

    def _judge(self, row: Mapping[str, Any], contract: FeedContract) -> ExtractReport:
        n_before, waiting = self._waiting(row, contract)
        judged = validate_extract(
            waiting.pop(),
            contract,
            GateContext(
                extract_id=row["extract_id"],
                extract_ts_utc=row["extract_ts_utc"].replace(tzinfo=UTC),
                received_at_utc=row["received_at_utc"].replace(tzinfo=UTC),
                police_time=self._police_time,
                pseudonym_key=self._key,
                boundary=self._boundary,
                lookups=self._lookups,
            ),
        )
        if judged.gate_frames.n_all or not row["n_rows"]:
            outcomes = run_gate(judged.gate_frames, contract)
        else:
            outcomes = unchanged_outcomes(contract)
        if contract.time_precision != "none":  # a list of places may well shrink
            outcomes.append(volume_outcome(row["kind"], int(row["n_rows"]), self._earlier(row)))
        is_held = any(o.holds_extract for o in outcomes) and not row["is_released"]
        status = "held" if is_held else "accepted"
        self._store(contract, row, judged, outcomes, status, n_before)
        return ExtractReport(
            extract_id=row["extract_id"],
            feed=contract.feed,
            table=contract.table,
            status=status,
            n_unreadable=int(row["n_unreadable"]),
            counts={**judged.counts, "n_accepted_before": n_before},
            outcomes=outcomes,
            rejects=judged.rejects,
            warnings=judged.warnings,
        )

    def _waiting(
        self, row: Mapping[str, Any], contract: FeedContract
    ) -> tuple[int, list[pl.DataFrame]]:
        """(rows of the extract that are accepted already, the rows to judge: in a list, so that the taker may free them)."""
        if contract.stands_in_runs(row["kind"]):
            n_before, rows = rows_of_full(
                self._session, contract, row["extract_id"], row["order_ts_utc"]
            )
            return n_before, [rows]
        columns = ", ".join(f'"{c}"' for c in ("source_file", "line_no", *contract.column_names))
        rows = self._session.frame(
            f"select {columns} from raw.{contract.table} where extract_id = $id order by source_file, line_no",
            {"id": row["extract_id"]},
        )
        return 0, [rows]

    def _not_booked(self, rejects: pl.DataFrame) -> pl.DataFrame:
        """The rejects that the book does not have yet."""
        if rejects.is_empty():
            return rejects
        booked = self._session.frame(
            "select extract_id, source_file, line_no, rule from validated.rejects where extract_id in (select unnest($ids))",
            {"ids": rejects.get_column("extract_id").unique().to_list()},
        )
        return rejects.join(booked, on=booked.columns, how="anti", maintain_order="left")

    def _earlier(self, row: Mapping[str, Any]) -> list[int]:
        values = {"feed": row["feed"], "kind": row["kind"], "ts": row["extract_ts_utc"]}
        return [int(n) for (n,) in self._session.frame(EARLIER, values).iter_rows()][::-1]

    def _store(
        self,
        contract: FeedContract,
        row: Mapping[str, Any],
        judged: ValidatedExtract,
        outcomes: Sequence[GateOutcome],
        status: str,
        n_before: int,
    ) -> None:
        """A held extract leaves its account, rejects and results; its rows stay out of the table.

        A row that is turned away again by the same rule is a reject once, with the counts of every extract that has it.
        """
        session, table = self._session, f"validated.{contract.table}"
        accepted = judged.accepted if status == "accepted" else judged.accepted.clear()
        counts = {
            "table_name": contract.table,
            "status": status,
            "n_in": judged.counts["n_rows"],
            "n_accepted": accepted.height,
            "n_held": judged.counts["n_accepted"] - accepted.height,
            "n_rejected": judged.counts["n_rejected"],
            "n_accepted_before": n_before,
            "n_unreadable": int(row["n_unreadable"]),
            "n_without_location": judged.counts["n_without_location"],
            "validated_at_utc": datetime.now(UTC).replace(tzinfo=None),
        }
        names = {
            "source": "source_file",
            "line": "line_no",
            "column": "column_name",
            "check": "check_code",
        }
        about = {"extract_id": pl.lit(row["extract_id"]), "feed": pl.lit(contract.feed)}
        rejects = judged.rejects.rename(names).with_columns(about["feed"].alias("feed"))
        books = {
            "validated.gate_warnings": judged.warnings.rename({"check": "check_code"}),
            "validated.gate_results": results_frame(outcomes),
            "validated.extract_counts": pl.DataFrame([counts]),
        }
        with session.transaction():
            for book in BOOKS:  # what stood there while it was held
                session.execute(
                    f"delete from {book} where extract_id = $id", {"id": row["extract_id"]}
                )
            session.insert(session.catalog[table], accepted)
            session.insert(session.catalog["validated.rejects"], self._not_booked(rejects))
            for book, frame in books.items():
                session.insert(session.catalog[book], frame.with_columns(**about))


def results_frame(outcomes: Sequence[GateOutcome]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                o.name,
                o.check,
                o.severity,
                o.passed,
                None if o.observed is None else str(o.observed),
                o.threshold,
                o.n_rows,
            )
            for o in outcomes
        ],
        schema={
            "expectation": pl.String,
            "check_code": pl.String,
            "severity": pl.String,
            "is_passed": pl.Boolean,
            "observed": pl.String,
            "threshold": pl.String,
            "n_rows": pl.Int64,
        },
        orient="row",
    )
