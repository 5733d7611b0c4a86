"""What the slow tests measured: written down as they run, and rendered as the committed table `docs/verify.md`.

Here: `record`, and `python -m hotspot_pipeline_tests.integration.figures <folder> [<page>]`: with the page of an earlier run,
what was not measured this time stays as it is there. Not here: what is measured (the slow tests) and whether it is
fast enough (their assertions; benchmarks/ compare with other ways).
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

# read when the tests are collected: no test sees the environment of whoever runs it
_FOLDER = os.environ.get("HOTSPOTS_VERIFY_DIR")
_LIBRARIES = ("dagster", "duckdb", "polars", "great-expectations", "sqlglot", "pyspark")
_HEAD = """# What `make verify` measured

Kills, two writers, a restarted machine, three years of a county's nights and a second SQL engine: what takes too long
for every change. This page is written by `make verify`; the tests named here say what each figure means.
"""
_OF_SEVERAL = (
    "Sections come from the newest run of each test; not all of them were run on one day.\n"
)
_MACHINE = "Measured on"


def record(test: str, **figures: Any) -> None:
    """One line of figures of `test`; nothing happens where HOTSPOTS_VERIFY_DIR is not set."""
    if not _FOLDER:
        return
    folder = Path(_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"test": test, "figures": figures}, default=str)
    # a file a process: parallel workers do not write into each other's lines
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def render(folder: Path, earlier: str = "") -> str:
    """The page, from every line in `folder`, with sections of an earlier page that have no new ones.

    No dates and no names of machines, so that it can be compared.
    """
    lines = [
        json.loads(text)
        for path in sorted(folder.glob("*.jsonl"))
        for text in path.read_text(encoding="utf-8").splitlines()
    ]
    if not lines:
        raise SystemExit(
            f"{folder}: no figures; run the slow tests with HOTSPOTS_VERIFY_DIR={folder} first"
        )
    by_test: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_test.setdefault(line["test"], []).append(line["figures"])
    fresh = {test: _section(test, rows) for test, rows in by_test.items()}
    kept = {k: v for k, v in _sections(earlier).items() if k not in fresh and k != _MACHINE}
    sections = [text for _, text in sorted({**kept, **fresh}.items())]
    return "\n".join([_HEAD, *([_OF_SEVERAL] if kept else []), *sections, _machine()])


def _sections(page: str) -> dict[str, str]:
    """A page's sections by their titles."""
    parts = ("\n" + page).split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.strip()}\n" for part in parts}


def _section(test: str, rows: list[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    body = [[_cell(row.get(name)) for name in columns] for row in rows]
    return f"## {test}\n\n" + _table(columns, body)


def _machine() -> str:
    rows = [
        ["cores", str(os.cpu_count())],
        ["memory", f"{_memory_gib():.0f} GiB"],
        ["system", platform.system()],
        ["Python", platform.python_version()],
        *[[name, found] for name in _LIBRARIES if (found := _version(name))],
    ]
    return f"## {_MACHINE}\n\n" + _table(["what", "value"], rows)


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = [column.replace("_", " ") for column in columns]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(
            "usage: python -m hotspot_pipeline_tests.integration.figures <folder> [<earlier page>]"
        )
    page = Path(sys.argv[2]).read_text(encoding="utf-8") if sys.argv[2:] else ""
    print(render(Path(sys.argv[1]), page), end="")
