"""The pictures of patrols: what is drawn, what is said, what is left out, and bytes that repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hotspot_pipeline.published import page
from hotspot_pipeline.published.patrols.files import file_name, write_patrol_sheets
from hotspot_pipeline.published.patrols.overview import MOST_ROWS
from hotspot_pipeline.published.patrols.pictures import (
    hotspot_patrols,
    overview,
    overview_rows,
    trial_sentence,
)
from hotspot_pipeline.published.patrols.rows import PatrolRows
from hotspot_pipeline.published.patrols.sheet import HotspotPatrols, minutes_of_week
from hotspot_pipeline_tests.unit.published.asked_sheets import assert_texts_are_readable, words_of
from hotspot_pipeline_tests.unit.published.patrols.made_patrols import LAST, WEEKS, patrol_rows

GIVEN: dict[str, Any] = {"title": "Fosseshire Police", "footer": {"data to": "2026-06-28"}}


@pytest.fixture
def drawn(caught: list[Figure], tmp_path: Path) -> Callable[..., tuple[Path, Figure]]:
    def draw(rows: PatrolRows, hotspot_id: str | None = None, **more: Any) -> tuple[Path, Figure]:
        path = tmp_path / "patrols.png"
        if hotspot_id:
            hotspot_patrols(path, hotspot_id, rows, **GIVEN)
        else:
            overview(path, rows, **{"week": None, **GIVEN, **more})
        return path, caught[-1]

    return draw


def test_all_hotspots_on_a_page(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    _, figure = drawn(patrol_rows(5, n_planned=3))
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "8 June to 28 June 2026: 5 hotspots." in words
    assert "By lot: 10 of 16 days to be patrolled had an effective patrol (62 %" in words
    assert words.count("57 % of 7") == 4 and words.count("no visit planned") == 2
    assert words.count("80 of 135") == 4 and words.count("1.2") >= 5
    bars = [axes for axes in figure.axes if axes.patches]
    # bounds that unknown leaves, then the band of the rate of fixes, from low to high
    ends = [(p.get_x(), p.get_x() + p.get_width()) for p in bars[1].patches][:2]
    np.testing.assert_allclose(ends, [(4 / 9, 6 / 9), (3 / 7, 5 / 7)])


def test_the_newest_week_says_nothing_of_the_trial(drawn: Callable[..., tuple[Path, Figure]]) -> None:  # fmt: skip
    _, figure = drawn(patrol_rows(2), week=WEEKS[2])
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "patrols, newest week" in words and "22 June to 28 June 2026" in words
    assert "By lot" not in words


def test_a_county_fills_the_page_and_the_rest_is_counted(drawn: Callable[..., tuple[Path, Figure]]) -> None:  # fmt: skip
    _, figure = drawn(patrol_rows(MOST_ROWS + 4))
    assert_texts_are_readable(figure)
    assert "Not drawn for want of room: 5 hotspots." in words_of(figure)


def test_all_unknown_is_shown_as_that(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    rows = patrol_rows(2)
    none = {n: pl.lit(None, pl.Float64) for n in ("compliance", "compliance_low", "compliance_high", "band_low", "band_high")}  # fmt: skip
    counts = {n: pl.lit(0) for n in ("n_yes", "n_no", "n_indeterminate", "n_issued_late")}
    open_ = rows.compliance.with_columns(**none, **counts, n_unknown=pl.lit(10), at_least=pl.lit(0.0), at_most=pl.lit(1.0))  # fmt: skip
    rows = replace(rows, compliance=open_)
    _, figure = drawn(rows)
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert words.count("all 10 unknown") == 3 and "visits nothing is known;" in words
    assert "0 % of 0" not in words


def test_planned_hotspots_come_first() -> None:
    rows = patrol_rows(4, n_planned=2)
    rows = replace(rows, compliance=rows.compliance.filter(pl.col("hotspot_id").is_null() | (pl.col("hotspot_id") == "P002")))  # fmt: skip
    assert [r.name[:4] for r in overview_rows(rows, None)] == ["All", "P002", "P001", "P003", "P004"]  # fmt: skip


def test_the_sheet_of_a_hotspot(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    _, figure = drawn(patrol_rows(2), "P001")
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "patrols of P001 (Square P001)" in words
    assert "22 June to 28 June 2026: Of 10 planned visits" in words
    assert "Fixes show 100 minutes of patrol in 7 computed days" in words
    assert "Since 8 June 2026: 57 % made of 7 of which it is known." in words
    assert "Why not made: 3 visits" in words
    answers, minutes = figure.axes[2:4]
    # nine visits on nine days: two made and one of them issued late, three not, three unknown
    assert len(answers.patches) - 1 == 9
    assert max(p.get_y() + p.get_height() for p in answers.patches[1:]) == 1
    heights = sorted({round(p.get_height(), 6) for p in minutes.patches if p.get_width() < 0.9})
    assert heights == [5, 15]  # calls and other patrol; funded patrol
    # Thursday 11 June is not computed: hatched, not empty
    (hatched,) = [p for p in answers.patches if p.get_hatch() == "...."]
    assert (hatched.get_x(), hatched.get_width()) == (3, 1)


def test_hours_of_a_week_start_with_its_police_day() -> None:
    rows = patrol_rows(1)
    found = HotspotPatrols(rows.days, rows.answers, rows.hours, rows.windows, (WEEKS[0], LAST))
    minutes = minutes_of_week(found)
    # Monday 18:00 is the thirteenth hour; Monday 04:00 belongs to Sunday's police day
    assert (minutes[12], minutes[166]) == (45, 12) and np.nansum(minutes) == 57
    mondays = rows.days.filter(pl.col("police_day").dt.weekday() != 1)
    minutes = minutes_of_week(replace(found, days=mondays, hours=rows.hours.clear()))
    assert np.isnan(minutes[:24]).all() and not minutes[24:].any()


def test_a_place_without_plan_and_patrol(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    rows = patrol_rows(2, n_planned=1)
    rows = replace(
        rows,
        hours=rows.hours.clear(),
        windows=rows.windows.clear(),
        coverage=rows.coverage.with_columns(
            patrol_ms=pl.lit(0), days_since_last=pl.lit(None, pl.Float64)
        ),
    )
    _, figure = drawn(rows, "P002")
    assert_texts_are_readable(figure)
    words = words_of(figure)
    assert "No visit was planned. Fixes show no patrol in 7 computed days." in words
    _, figure = drawn(rows)
    assert_texts_are_readable(figure)
    assert words_of(figure).count("none yet") == 2 and "no patrol" in words_of(figure)


def test_nothing_is_planned_anywhere(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    _, figure = drawn(patrol_rows(2, n_planned=0))
    assert_texts_are_readable(figure)
    assert words_of(figure).count("no visit planned") == 3


def test_an_arm_without_days_is_not_spoken_of() -> None:
    row = {"n_treat_days": 0, "n_control_days": 3, "n_contaminated": 1, "contaminated": 1 / 3, "contaminated_low": 0.06, "contaminated_high": 0.79}  # fmt: skip
    assert trial_sentence(row) == (
        "By lot: 1 of 3 days to be left alone had officers for over five minutes (33 %, 95 % interval 6 to 79 %)."
    )
    assert trial_sentence({"n_treat_days": 0, "n_control_days": 0}) == ""


def test_an_unknown_hotspot_is_named(drawn: Callable[..., tuple[Path, Figure]]) -> None:
    with pytest.raises(ValueError, match="hotspot P009 has no patrols; known: P001, P002"):
        drawn(patrol_rows(2), "P009")


def test_pages_repeat_and_files_of_an_earlier_night_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pixels(figure: Figure, path: Path) -> None:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        path.write_bytes(hashlib.sha256(bytes(canvas.buffer_rgba())).digest())

    monkeypatch.setattr(page, "save_png", pixels)
    given = {**GIVEN, "boundary": None, "day_starts_hour": 6}
    out = tmp_path / "patrols"
    first = write_patrol_sheets(out, patrol_rows(1), **given)
    assert [f.name for f in first] == [
        "patrols_newest_week.png", "patrols_all_days.png", "dwell_map.png", "patrols_of_P001.png",
    ]  # fmt: skip
    (out / "patrols_of_P002.png").write_bytes(b"of a hotspot that is none any more")
    again = write_patrol_sheets(out, patrol_rows(1), **given)
    assert [f.sha256 for f in again] == [f.sha256 for f in first]
    assert {p.name for p in out.iterdir()} == {f.name for f in again}
    assert write_patrol_sheets(out, None, **given) == [] and not list(out.iterdir())


def test_names_of_areas_are_safe_names_of_files() -> None:
    assert [file_name(n) for n in ("H-1a", "A/B", "../x", "Zoë 1")] == ["H-1a", "A%2FB", "..%2Fx", "Zoë%201"]  # fmt: skip
