"""For every code and day the one wording that holds, against a look at every day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotspot_pipeline_tests.sql.conftest import Desk

DAY = timedelta(days=1)
FIRST = date(2020, 1, 1)
N_DAYS = 40
GROUPS = ("VAP", "ROBBERY", "WEAPONS", "OTHER")

# by first day of validity: how long it is valid (None: still), and the group it gives
wordings = st.dictionaries(
    st.integers(0, N_DAYS),
    st.tuples(st.none() | st.integers(0, N_DAYS), st.sampled_from(GROUPS)),
    min_size=1,
    max_size=5,
)


def spans(desk: Desk, codes: dict[str, dict[int, tuple[int | None, str]]]) -> list[dict[str, Any]]:
    desk.given(
        "history.lookup_versions",
        *(
            {"table_name": "offence_codes", "code": code, "valid_from": FIRST + start * DAY, "cat_group": group, "ho_class_code": str(start),
             "valid_to": None if length is None else FIRST + (start + length) * DAY}
            for code, found in codes.items() for start, (length, group) in found.items()
        ),
    )  # fmt: skip
    desk.run("history.offence_span_versions")
    return desk.run("history.offence_spans")


def by_hand(found: dict[int, tuple[int | None, str]], day: int) -> str:
    valid = [s for s, (length, _) in found.items() if s <= day and (length is None or day <= s + length)]  # fmt: skip
    return str(max(valid or found))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["008/06", "034/01"]), wordings, min_size=1))
def test_the_wording_of_every_day(
    desk: Desk, codes: dict[str, dict[int, tuple[int | None, str]]]
) -> None:
    desk.clear()
    rows = spans(desk, codes)
    assert {r["ho_offence_code"] for r in rows} == set(codes)
    for code, found in codes.items():
        mine = [r for r in rows if r["ho_offence_code"] == code]
        assert (mine[0]["day_from"], mine[-1]["day_before"]) == (date(1900, 1, 1), date(9999, 1, 1))
        assert all(a["day_before"] == b["day_from"] for a, b in pairwise(mine))
        for n in (-40_000, *range(-3, 2 * N_DAYS + 5), 2_900_000):
            day = FIRST + n * DAY
            [row] = [r for r in mine if r["day_from"] <= day < r["day_before"]]
            start = by_hand(found, n)
            assert (row["ho_class_code"], row["cat_group"]) == (start, found[int(start)][1]), day


def test_the_first_and_the_last_day_of_validity_are_in_it(desk: Desk) -> None:
    rows = spans(desk, {"008/06": {0: (9, "VAP"), 10: (None, "ROBBERY")}})
    shown = [(r["day_from"], r["day_before"], r["cat_group"]) for r in rows]
    tenth = FIRST + 10 * DAY
    assert shown == [
        # before the first wording the newest holds
        (date(1900, 1, 1), FIRST, "ROBBERY"),
        (FIRST, tenth, "VAP"),
        (tenth, date(9999, 1, 1), "ROBBERY"),
    ]
