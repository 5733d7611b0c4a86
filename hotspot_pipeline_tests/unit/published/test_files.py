"""Files put in place whole: what a reader sees while one is written, and when writing fails."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hotspot_pipeline.published.files import PublishedFile, write_aside


def _put(text: str, n_rows: int | None = None):
    def write(path: Path) -> int | None:
        path.write_text(text)
        return n_rows

    return write


def test_says_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "table.csv"
    assert write_aside(path, "csv", _put("a\n1\n", 1)) == PublishedFile(
        "table.csv", path, "csv", 4, hashlib.sha256(b"a\n1\n").hexdigest(), 1
    )
    assert path.read_text() == "a\n1\n"


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_aside(path, "csv", _put("old"))

    def write(aside: Path) -> None:
        aside.write_text("half")
        assert path.read_text() == "old"
        assert [p.name for p in tmp_path.glob("[!.]*")] == ["table.csv"]
        aside.write_text("new and whole")

    write_aside(path, "csv", write)
    assert path.read_text() == "new and whole"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_reader_keeps_the_file_it_has_open(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_aside(path, "csv", _put("old"))
    with path.open() as reading:
        write_aside(path, "csv", _put("new"))
        assert reading.read() == "old"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_aside(path, "csv", _put("old"))

    def fail(aside: Path) -> None:
        aside.write_text("half")
        aside.with_suffix(".journal").write_text("of a driver")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_aside(path, "csv", fail)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    seen: list[Path] = []

    def remember(aside: Path) -> None:
        seen.append(aside)
        assert not aside.exists()
        aside.write_text("x")

    path = tmp_path / "map.gpkg"
    write_aside(path, "geopackage", remember)
    seen[0].parent.mkdir()
    seen[0].write_text("half of a file")
    (seen[0].parent / "map.gpkg-journal").write_text("half of a journal")
    write_aside(path, "geopackage", remember)
    assert [p.name for p in tmp_path.iterdir()] == ["map.gpkg"]


def test_the_file_aside_has_the_name_that_drivers_look_at(tmp_path: Path) -> None:
    names: list[str] = []

    def write(aside: Path) -> None:
        names.append(aside.name)
        aside.write_text("")

    write_aside(tmp_path / "map.gpkg", "geopackage", write)
    assert names == ["map.gpkg"]
