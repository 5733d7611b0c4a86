"""CSV tables, read back with the standard library."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hotspot_pipeline.published.tables import write_tables
from hotspot_pipeline.tabular import escape_formula
from hotspot_pipeline_tests.unit.published.made_force import FOOTER, SmallForce, filled


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def write_one(folder: Path, frame: pl.DataFrame) -> Path:
    return write_tables(folder, {"table": frame}, FOOTER)[0].path


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def test_every_value_comes_back(small_force: SmallForce, tmp_path: Path) -> None:
    frames = {"cell_scores": small_force.cells, "hotspots": small_force.hotspots}
    write_tables(tmp_path, frames, FOOTER)
    for name, frame in frames.items():
        found = read(tmp_path / f"{name}.csv")
        table = frame.drop("cell", strict=False)
        assert len(found) == table.height > 0
        for line, row in zip(found, table.iter_rows(named=True), strict=True):
            assert list(line) == list(row)
            for column, value in row.items():
                if isinstance(value, float):
                    assert float(line[column]) == value
                else:
                    assert line[column] == as_text(value)


def test_the_bytes_are_rfc_4180(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "name": ["Müller & Sons, Ltd", 'the "Parade"', "two\nlines", "", None],
            "n": [1, None, 3, 4, 5],
            "harm_days": pl.Series(["1.50", None, "0.00", "2.25", "7.10"]).cast(pl.Decimal(14, 2)),
            "share": [0.5, None, 1.0, 0.125, 1 / 3],
            "is_in_force": [True, False, None, True, False],
            "day": [date(2025, 1, 2), None, None, None, date(2024, 2, 29)],
        }
    )
    assert write_one(tmp_path, frame).read_bytes().decode("utf-8") == (
        "name,n,harm_days,share,is_in_force,day\r\n"
        '"Müller & Sons, Ltd",1,1.50,0.5,true,2025-01-02\r\n'
        '"the ""Parade""",,,,false,\r\n'
        '"two\nlines",3,0.00,1.0,,\r\n'
        '"",4,2.25,0.125,true,\r\n'
        ",5,7.10,0.3333333333333333,false,2024-02-29\r\n"
    )


def test_moments_are_iso_and_say_when_they_are_utc(tmp_path: Path) -> None:
    local = datetime(2025, 7, 1, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    wall_clock = local.replace(tzinfo=None)
    frame = pl.DataFrame(
        {
            "opened_local": [wall_clock],
            "at_utc": pl.Series([local.astimezone(UTC)], dtype=pl.Datetime("us", "UTC")),
            "zoned": pl.Series([local], dtype=pl.Datetime("us", "Europe/London")),
        }
    )
    (row,) = read(write_one(tmp_path, frame))
    assert datetime.fromisoformat(row["opened_local"]) == wall_clock
    for column in ("at_utc", "zoned"):
        assert row[column].startswith("2025-07-01T00:30:00")
        assert datetime.fromisoformat(row[column]) == local


def test_a_cell_is_text_where_the_table_has_only_the_number(tmp_path: Path) -> None:
    cell = 0x89195DA49B7FFFF
    rows = [{"resolution": 9, "cell": cell, "month": date(2025, 1, 1), "cat_group": "ASB"}]
    frame = filled("crime_monthly", rows)
    path = write_one(tmp_path, frame)
    (row,) = read(path)
    assert list(row)[:3] == ["resolution", "cell_id", "month"]
    assert row["cell_id"] == "89195da49b7ffff"
    assert str(cell) not in path.read_text()


def test_formulas_do_not_run(tmp_path: Path) -> None:
    texts = ["=cmd|' /C calc'!A0", "+44 1926", "@SUM(A1)", "-1+2", "\t=1", "-1.5", "plain"]
    frame = pl.DataFrame({"signed_because": texts, "n": [-1] * len(texts)})
    found = read(write_one(tmp_path, frame))
    assert [row["signed_because"] for row in found] == ["'" + t for t in texts[:5]] + texts[5:]
    assert {row["n"] for row in found} == {"-1"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
    )
)
@example([("\x1f=1", None), ("\x1c\x1d +1", None)])
def test_any_text_and_number_comes_back(
    tmp_path: Path, rows: list[tuple[str | None, float | None]]
) -> None:
    frame = pl.DataFrame(rows, schema={"reason": pl.String, "x": pl.Float64}, orient="row")
    found = read(write_one(tmp_path, frame))
    assert [row["reason"] for row in found] == [escape_formula(t) or "" for t, _ in rows]
    assert [float(row["x"]) if row["x"] else None for row in found] == [x for _, x in rows]


def test_the_note_beside_the_table(small_force: SmallForce, tmp_path: Path) -> None:
    table, note = write_tables(tmp_path, {"hotspots": small_force.hotspots}, FOOTER)
    assert (table.name, table.kind, table.n_rows) == ("hotspots.csv", "csv", 3)
    assert (note.name, note.kind, note.n_rows) == ("hotspots.json", "json", None)
    about = json.loads(note.path.read_text("utf-8"))
    assert about["footer"] == FOOTER
    assert about["file"] == "hotspots.csv"
    assert about["n_rows"] == 3
    assert about["columns"] == small_force.hotspots.columns
    assert about["sha256"] == hashlib.sha256(table.path.read_bytes()).hexdigest() == table.sha256


def test_an_empty_table_is_its_header(small_force: SmallForce, tmp_path: Path) -> None:
    table, note = write_tables(tmp_path, {"hotspots": small_force.hotspots.clear()}, {})
    assert table.path.read_bytes().decode() == ",".join(small_force.hotspots.columns) + "\r\n"
    assert json.loads(note.path.read_text())["n_rows"] == table.n_rows == 0


def test_not_a_number_is_empty_and_infinity_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"hotspot_id": ["H-1", "H-2"], "share": [float("nan"), 1.0]})
    assert [row["share"] for row in read(write_one(tmp_path / "a", frame))] == ["", "1.0"]
    endless = frame.with_columns(share=pl.Series([1.0, float("-inf")]))
    with pytest.raises(ValueError, match="worse: share is -inf in the row of H-2 "):
        write_tables(tmp_path / "b", {"better": frame, "worse": endless}, FOOTER)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "", "Big", "1st", "a.b", "a b"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        write_tables(tmp_path / "out", {name: pl.DataFrame({"a": [1]})}, FOOTER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("values", [[[1, 2]], [{"a": 1}], [b"x"]])
def test_a_column_without_text_form_is_named(tmp_path: Path, values: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"table: column odd is .*no text form"):
        write_one(tmp_path, pl.DataFrame({"odd": values}))


def test_the_same_rows_give_the_same_bytes(small_force: SmallForce, tmp_path: Path) -> None:
    frames = {"cell_scores": small_force.cells, "hotspots": small_force.hotspots}
    first = write_tables(tmp_path / "a", frames, FOOTER)
    again = write_tables(tmp_path / "b", frames, FOOTER)
    assert [f.sha256 for f in first] == [f.sha256 for f in again]


def test_decimals_are_exact(tmp_path: Path) -> None:
    exact = [Decimal("999999999999.99"), Decimal("-0.01"), Decimal("0.10")]
    frame = pl.DataFrame({"harm_days": pl.Series(exact, dtype=pl.Decimal(14, 2))})
    assert [Decimal(row["harm_days"]) for row in read(write_one(tmp_path, frame))] == exact
