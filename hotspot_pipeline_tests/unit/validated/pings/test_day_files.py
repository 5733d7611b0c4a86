"""A stored day follows from the set of its fixes: in whatever order, portions and copies they came."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from hotspot_pipeline.validated.pings import day_files
from hotspot_pipeline.validated.pings.day_files import CONTENT, DayFile, arranged, write_day
from hotspot_pipeline.validated.pings.rows import STORED
from hotspot_pipeline.validated.pings.staging import Staging

DAY = date(2026, 6, 8)
END = datetime(2026, 6, 9, 5)
T0 = datetime(2026, 6, 8, 12)


def fix(device: int, second: int, received: int | None, east: int, extract: int, line: int) -> dict[str, object]:  # fmt: skip
    return {
        **dict.fromkeys(STORED),
        "device_pid": f"{device:x}" * 16,
        "fix_ts_utc": T0 + timedelta(seconds=second),
        "received_ts_utc": None if received is None else T0 + timedelta(seconds=received),
        "easting": float(east),
        "northing": 1.0,
        "cell_r9": 7,
        "fix_type": "last_known" if east == 2 else "gps",
        "extract_id": f"e{extract}",
        "line_no": line,
    }


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=STORED)


fixes = st.builds(
    fix, st.integers(0, 15), st.integers(0, 5), st.none() | st.integers(0, 3), st.integers(1, 2), st.integers(1, 4),
    st.integers(2, 4),
)  # fmt: skip


def stored_in(folder: Path, portions: list[list[dict[str, object]]], **more: int) -> DayFile:
    """Each portion is written over what stood, as night follows night."""
    written: DayFile | None = None
    for portion in portions:
        staging = Staging(folder / ".staging")
        rows = frame(portion).with_columns(police_day=pl.lit(DAY))
        for (extract,), mine in rows.partition_by("extract_id", as_dict=True).items():
            staging.add(mine, str(extract))
        sources = [written.path] if written else []
        written = write_day(DAY, END, [*sources, *staging.files(DAY)], folder, **more)
    assert written
    return written


@limits(max_examples=20, deadline=None)
@given(
    rows=st.lists(fixes, min_size=1, max_size=30),
    shuffle=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_any_order_portions_and_copies_give_the_same_bytes(
    rows: list[dict[str, object]],
    shuffle: random.Random,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("days")
    once = stored_in(folder / "a", [rows])
    again = rows + data.draw(st.lists(st.sampled_from(rows), max_size=10))
    shuffle.shuffle(again)
    cut = data.draw(st.integers(0, len(again)))
    portions = [part for part in (again[:cut], again[cut:]) if part]
    other = stored_in(folder / "b", portions, rows_at_once=data.draw(st.sampled_from([4, 10**6])))
    assert other.path.read_bytes() == once.path.read_bytes()
    assert other.path.name == once.path.name
    # each fix once, and no fix lost
    kept = pl.read_parquet(once.path)
    distinct = {tuple(row[name] for name in CONTENT) for row in rows}
    assert {tuple(r[n] for n in CONTENT) for r in kept.to_dicts()} == distinct
    assert once.n_fixes == kept.height == len(distinct)
    assert once.by_extract["n_stored"].sum() == kept.height


def test_of_equal_fixes_the_first_to_arrive_stays() -> None:
    rows = [
        fix(1, 0, 9, 1, 1, 2),
        fix(1, 0, 3, 1, 4, 9),
        fix(1, 0, None, 1, 1, 3),
        fix(1, 0, 3, 1, 2, 5),
    ]
    kept = arranged(frame(rows))
    assert kept.select("extract_id", "line_no").rows() == [("e2", 5)]


def test_another_place_at_the_same_moment_is_another_fix() -> None:
    assert arranged(frame([fix(1, 0, 1, 1, 1, 2), fix(1, 0, 1, 2, 1, 3)])).height == 2


def test_what_is_counted_of_a_day(tmp_path: Path) -> None:
    late = int((END - T0).total_seconds())
    rows = [fix(1, s, s, 1, 1, s) for s in (0, 60, 120, 420)] + [
        fix(2, 10, late, 2, 2, 2),
        fix(2, 20, late - 1, 1, 2, 3),
    ]
    found = stored_in(tmp_path, [rows])
    assert (found.n_fixes, found.n_late) == (6, 1)
    assert (found.first_fix_utc, found.last_fix_utc) == (T0, T0 + timedelta(seconds=420))
    assert found.by_extract.rows() == [("e1", 4), ("e2", 2)]
    one, two = found.by_device.to_dicts()
    assert (one["n_fixes"], one["median_interval_ms"], one["n_poor"]) == (4, 60_000, 0)
    assert (two["n_fixes"], two["median_interval_ms"], two["n_poor"]) == (2, 10_000, 1)


def test_an_empty_day_and_a_day_of_one_fix(tmp_path: Path) -> None:
    one = stored_in(tmp_path, [[fix(1, 0, 0, 1, 1, 2)]])
    assert one.by_device["median_interval_ms"].to_list() == [None]
    empty = write_day(DAY, END, [], tmp_path)
    assert (empty.n_fixes, empty.first_fix_utc) == (0, None)
    assert pl.read_parquet(empty.path).height == 0


def test_row_groups_do_not_depend_on_how_the_day_was_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_files, "ROWS_PER_GROUP", 7)
    rows = [fix(n % 16, n, n, 1, 1, n) for n in range(100)]
    whole = stored_in(tmp_path / "a", [rows])
    parts = stored_in(tmp_path / "b", [rows[:50], rows[50:]], rows_at_once=4)
    assert whole.path.read_bytes() == parts.path.read_bytes()


def test_a_held_extract_leaves_nothing_behind(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    for extract in (1, 2):
        rows = frame([fix(1, 0, 0, 1, extract, 2)]).with_columns(police_day=pl.lit(DAY))
        staging.add(rows, f"e{extract}")
    staging.drop("e1")
    assert staging.delivered().rows() == [(DAY, "e2", 1)]
    staging.drop("e2")
    assert staging.days == []
