"""The generated pages: complete, in step with the code, and a picture in which nothing overlaps."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.definitions import build_defs
from hotspot_pipeline.settings import PROJECT_ROOT
from hotspot_pipeline.sql_models.dictionary import (
    Step,
    TableNode,
    made_up_settings,
    main,
    render,
    stale,
    step_edges,
    step_id,
    steps_of,
)
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = made_up_settings()


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_defs(SETTINGS)


@pytest.fixture(scope="module")
def steps(definitions: dg.Definitions) -> list[Step]:
    return steps_of(definitions)


@pytest.fixture(scope="module")
def pages(definitions: dg.Definitions) -> dict[str, str]:
    return render(definitions, SETTINGS)


def test_the_committed_pages_are_those_of_the_code(pages: dict[str, str]) -> None:
    assert stale(PROJECT_ROOT / "docs", pages) == [], "run make docs and commit what it writes"


def test_check_writes_nothing_and_names_what_is_out_of_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pages: dict[str, str]
) -> None:
    assert main(["--check", "--docs", str(tmp_path)]) == 1
    assert sorted(pages) == sorted(re.findall(r"/([\w.]+): out of date", capsys.readouterr().err))
    assert list(tmp_path.iterdir()) == []
    assert main(["--docs", str(tmp_path)]) == 0
    assert stale(tmp_path, pages) == []
    page = tmp_path / "lineage.md"
    page.write_text(page.read_text(encoding="utf-8") + "by hand\n", encoding="utf-8")
    assert stale(tmp_path, pages) == ["lineage.md"]


def test_nothing_is_made_on_disk(pages: dict[str, str]) -> None:
    assert not SETTINGS.data.exists()


def test_every_table_column_and_check_is_in_the_dictionary(pages: dict[str, str]) -> None:
    sections = dict(
        re.findall(r"^### (\S+)\n(.*?)(?=^###? |\Z)", pages["data_dictionary.md"], re.M | re.S)
    )
    for contract in read_catalog(SETTINGS.sql).values():
        rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", sections[contract.name], re.M)
        columns = [
            (n, rest.split(" | "))
            for n, rest in rows
            if rest.split(" | ")[0] not in ("blocks", "reports")
        ]
        assert [n for n, _ in columns] == [c.name for c in contract.columns]
        for (_, cells), column in zip(columns, contract.columns, strict=True):
            assert cells[0].replace("\\|", "|") == column.type
            assert ("required" in cells) == column.required
            assert column.unit in cells and column.description.rstrip(".") in " ".join(cells)
        blocks = {n for n, rest in rows if rest.startswith("blocks")}
        assert blocks >= {a.name for a in contract.all_audits if a.severity == "error"}
        assert contract.description in sections[contract.name]


def test_reads_of_sql_models_are_the_tables_their_queries_name(steps: list[Step]) -> None:
    reads = {table.name: set(table.reads) for step in steps for table in step.tables}
    models = load_models(read_catalog(SETTINGS.sql))
    assert {s.names[0] for s in steps if s.kind == "sql"} == set(models)
    for name, model in models.items():
        assert reads[name] == set(model.tables)


def test_every_table_has_one_writer(steps: list[Step]) -> None:
    names = [name for step in steps for name in step.names]
    assert len(names) == len(set(names))
    assert set(read_catalog(SETTINGS.sql)) <= set(names)


def test_links_lead_somewhere(pages: dict[str, str]) -> None:
    anchors = {
        re.sub(r"[^\w-]", "", title.lower())
        for title in re.findall(r"^##+ (.+)$", pages["data_dictionary.md"], re.M)
    }
    docs = PROJECT_ROOT / "docs"
    for page in ("data_dictionary.md", "lineage.md"):
        for target in re.findall(r"\]\(([^)]+)\)", pages[page]):
            file, _, anchor = target.partition("#")
            if anchor:
                assert anchor in anchors, target
            elif file not in pages:
                assert (docs / file).resolve().is_file(), target


@given(st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8))
def test_arrows_keep_every_path_and_no_arrow_more(wanted: list[set[int]]) -> None:
    before = {n: {b for b in wanted[n] if b < n} for n in range(8)}
    steps = [
        Step(
            f"s{n}",
            "hexes",
            "sql",
            "",
            (TableNode(f"hexes.s{n}", "", tuple(f"hexes.s{b}" for b in before[n]), ()),),
        )
        for n in range(8)
    ]
    kept = {(int(s[7:]), int(t[7:])) for s, t in step_edges(steps)}
    assert _reach(kept) == _reach({(b, n) for n in before for b in before[n]})
    assert all(_reach(kept - {edge}) != _reach(kept) for edge in kept)


def _reach(edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    found = set(edges)
    for middle in range(8):
        found |= {(a, d) for a, b in found for c, d in found if b == c == middle}
    return found


def test_the_picture_shows_every_table_and_arrow(pages: dict[str, str], steps: list[Step]) -> None:
    root = ET.fromstring(pages["lineage.svg"])
    texts = [t.text or "" for t in root.iter(f"{SVG}text")]
    wanted = [name.split(".")[1] for step in steps for name in step.names]
    assert [t for t in wanted if texts.count(t) < wanted.count(t)] == []
    arrows = [p for p in root.iter(f"{SVG}path") if p.get("marker-end")]
    assert len(arrows) == len(step_edges(steps))


def test_no_two_boxes_of_the_picture_overlap(pages: dict[str, str], steps: list[Step]) -> None:
    root = ET.fromstring(pages["lineage.svg"])
    width, height = (float(v) for v in root.attrib["viewBox"].split()[2:])
    boxes = [_box(r) for r in root.iter(f"{SVG}rect") if r.get("rx") == "5"]
    assert len(boxes) == len(steps)
    for left, top, right, bottom in boxes:
        assert 0 < left < right < width and 0 < top < bottom < height
    for a, b in combinations(boxes, 2):
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def test_words_of_the_picture_fit_into_their_boxes(pages: dict[str, str]) -> None:
    root = ET.fromstring(pages["lineage.svg"])
    boxes = [_box(r) for r in root.iter(f"{SVG}rect") if r.get("rx") == "5"]
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        around = [b for b in boxes if b[0] <= x <= b[2] and b[1] <= y <= b[3]]
        for _, top, right, bottom in around:
            # half the type size is the mean width of small letters in the common sans serifs
            assert x + 0.5 * 13 * len(text.text or "") <= right and top + 8 <= y <= bottom - 3


def test_arrows_never_cross_a_box(pages: dict[str, str]) -> None:
    root = ET.fromstring(pages["lineage.svg"])
    boxes = [_box(r) for r in root.iter(f"{SVG}rect") if r.get("rx") == "5"]
    for arrow in (p for p in root.iter(f"{SVG}path") if p.get("marker-end")):
        for x, y in _points(arrow.attrib["d"]):
            for left, top, right, bottom in boxes:
                assert not (left + 1 < x < right - 1 and top + 1 < y < bottom - 1), arrow.attrib[
                    "d"
                ]


def _box(rect: ET.Element) -> tuple[float, float, float, float]:
    x, y, w, h = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


def _points(path: str) -> list[tuple[float, float]]:
    """The path at small steps: moves, cubic curves, horizontal and vertical lines."""
    at, points = (0.0, 0.0), []
    for command, numbers in re.findall(r"([MCHV])([^MCHV]*)", path):
        values = [float(n) for n in numbers.split()]
        if command == "M":
            at = (values[0], values[1])
            points.append(at)
            continue
        if command == "H":
            control = [at, at, (values[0], at[1]), (values[0], at[1])]
        elif command == "V":
            control = [at, at, (at[0], values[0]), (at[0], values[0])]
        else:
            control = [at, *zip(values[::2], values[1::2], strict=True)]
        for step in range(1, 41):
            t = step / 40
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points.append(
                (
                    sum(w * c[0] for w, c in zip(weights, control, strict=True)),
                    sum(w * c[1] for w, c in zip(weights, control, strict=True)),
                )
            )
        at = control[-1]
    return points


def test_ids_of_steps_are_unique(steps: list[Step]) -> None:
    ids = [step_id(step) for step in steps]
    assert len(ids) == len(set(ids))
