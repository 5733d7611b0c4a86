"""History written for a few records at a time is the history written at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hotspot_pipeline.history import observations
from hotspot_pipeline_tests.sql.conftest import Desk
from hotspot_pipeline_tests.sql.history.made_extracts import CODES, Nights, crime, groups, place

TABLES = ("history.crime_versions", "history.extracts", "history.recodes", "history.affected_weeks")


def told(desk: Desk, *, whole: bool) -> dict[str, list[dict[str, Any]]]:
    """Six nights in one catch-up, then a withdrawal; everything that is written then."""
    dice = random.Random(7)
    groups(desk)
    nights = Nights(desk, whole=whole, each=False)
    names = [
        nights.night(
            n,
            *(crime(f"c{dice.randrange(40)}", ho_offence_code=dice.choice(CODES)["ho_offence_code"], **place(dice.randrange(4)))
              for _ in range(12)),
            gone=[f"c{dice.randrange(40)}"],
        )
        for n in range(6)
    ]  # fmt: skip
    nights.digest()
    nights.withdraw(names[3])
    nights.digest()
    rows = {table: desk.rows(table) for table in TABLES}
    desk.clear()
    return rows


@pytest.mark.parametrize("whole", [False, True])
def test_few_records_at_a_time(desk: Desk, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = told(desk, whole=whole)
    assert len(at_once["history.crime_versions"]) > 40
    monkeypatch.setattr(observations, "ROWS_AT_A_TIME", 9)
    assert told(desk, whole=whole) == at_once
