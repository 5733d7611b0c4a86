"""A night's audits look at the groups it wrote to, and at every other group once in its turn."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.warehouse import auditing
from hotspot_pipeline.warehouse.auditing import AUDITED, TURNS, stage_audited
from hotspot_pipeline.warehouse.session import AuditsFailed
from hotspot_pipeline.warehouse.standing import Standing
from hotspot_pipeline_tests.unit.warehouse.conftest import COUNTS

CASES = """
description: Cases. One row per extract and line.
owner: team:analysts
grain: [extract, line]
audited_by: [extract]
columns:
  extract: {type: VARCHAR, required: true}
  line: {type: BIGINT, required: true}
  status: {type: VARCHAR, allowed: [live]}
audits:
  - {name: lines_follow, severity: error, by_group: true, description: "Lines count up."}
  - {name: there_are_some, severity: error, description: "There are rows."}
"""
NAMED = {
    "lines_follow": "select extract from hexes.cases group by extract having max(line) <> count(*)",
    "there_are_some": "select count(*) as n from hexes.cases having count(*) <> 20",
}
SCHEMA = {"extract": pl.String, "line": pl.Int64, "status": pl.String}
NONE = "select 'x' as extract where false"


def given(session: Any, contract: Any, n_extracts: int, *more: tuple[str, int, str]) -> None:
    rows = [(f"e{e}", n, "live") for e in range(n_extracts) for n in (1, 2)]
    session.ensure(contract)
    session.insert(contract, pl.DataFrame([*rows, *more], schema=SCHEMA, orient="row"))


def failed(session: Any, contract: Any, touched: str) -> set[str]:
    return {a.audit.name for a in session.audit_part(contract, touched) if not a.passed}


def test_what_was_written_is_audited_with_its_whole_group(make_contract: Any, open_warehouse: Any, monkeypatch: Any) -> None:  # fmt: skip
    monkeypatch.setattr(auditing, "TURNS", 10**9)  # no other group has its turn
    contract = make_contract(CASES, name="hexes.cases", audits=NAMED)
    with open_warehouse(contract).session() as session:
        given(session, contract, 8, ("bad", 1, "live"), ("bad", 1, "LIVE"), ("gap", 7, "live"), ("gap", 2, "live"))  # fmt: skip
        assert failed(session, contract, NONE) == set()
        assert failed(session, contract, "select 'e1' as extract") == set()
        assert failed(session, contract, "select 'bad' as extract") == {"grain_is_unique", "status_is_known", "lines_follow"}  # fmt: skip
        assert failed(session, contract, "select 'gap' as extract") == {"lines_follow"}
        # one that looks at more than a group is asked of the whole table
        session.execute("delete from hexes.cases where extract = 'e0'")
        assert failed(session, contract, NONE) == {"there_are_some"}


def test_every_group_has_its_turn_and_only_one(make_contract: Any, open_warehouse: Any) -> None:
    contract = make_contract(CASES, name="hexes.cases", audits=NAMED)
    with open_warehouse(contract).session() as session:
        given(session, contract, 200)
        seen: list[str] = []
        for day in range(TURNS):
            stage_audited(session._con, contract, NONE, date(2026, 1, 5) + timedelta(days=day))
            seen += session.frame(f"select distinct extract from {AUDITED}")["extract"].to_list()
        assert sorted(seen) == sorted(f"e{n}" for n in range(200))


def test_windows_that_are_asked_for_are_audited_and_the_others_left(make_contract: Any, open_warehouse: Any, monkeypatch: Any) -> None:  # fmt: skip
    monkeypatch.setattr(auditing, "TURNS", 10**9)
    weekly = COUNTS.replace("time_column:", "audited_by: [week_start]\n    time_column:")
    contract = make_contract(weekly)
    first, second = date(2026, 1, 5), date(2026, 1, 12)

    def rows(*cells: tuple[date, int]) -> pl.DataFrame:
        return pl.DataFrame([{"week_start": w, "cell": c, "n_events": 1, "n_serious": 0} for w, c in cells])  # fmt: skip

    with open_warehouse(contract).session() as session:
        session.ensure(contract)
        session.insert(contract, rows((first, 1), (first, 1)))
        # the double row of the first week is not looked at for the second
        done = session.replace_changed_windows(contract, rows((second, 1)), asked=[second])
        assert done.windows == (second,)
        with pytest.raises(AuditsFailed, match="grain_is_unique"):
            session.replace_changed_windows(contract, rows((first, 2), (first, 2)), asked=[first])
        with pytest.raises(AuditsFailed, match="grain_is_unique"):
            session.replace_changed_windows(contract, rows((first, 2), (first, 2), (second, 1)))


def test_of_a_table_that_is_only_added_to_the_groups_that_came_are_audited(make_contract: Any, open_warehouse: Any, monkeypatch: Any) -> None:  # fmt: skip
    monkeypatch.setattr(auditing, "TURNS", 10**9)
    contract = make_contract(CASES, name="hexes.cases", audits=NAMED)

    def broken_after(session: Any, *rows: tuple[str, int, str]) -> set[str]:
        standing = Standing(session, [contract.name], appended=[contract.name])
        session.insert(contract, pl.DataFrame(rows, schema=SCHEMA, orient="row"))
        (write,) = standing.writes()
        return {a.audit.name for a in write.audits if not a.passed} - {"there_are_some"}

    with open_warehouse(contract).session() as session:
        given(session, contract, 8, ("bad", 1, "live"), ("bad", 1, "live"))
        assert broken_after(session, ("new", 1, "live"), ("new", 2, "live")) == set()
        # with a row that comes, what stands of its group is looked at too
        assert broken_after(session, ("e3", 2, "live")) == {"grain_is_unique", "lines_follow"}
        # places of rows that were taken away may be given again: then everything is looked at
        session.execute("delete from hexes.cases where extract = 'e3'")
        assert broken_after(session, ("newer", 1, "live")) == {"grain_is_unique", "lines_follow"}
