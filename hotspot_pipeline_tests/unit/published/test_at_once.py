"""Pages drawn by several processes: the same files, in order; nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hotspot_pipeline.published.at_once import WORTH_IT, by_processes, one_by_one
from hotspot_pipeline.published.files import PublishedFile, write_aside
from hotspot_pipeline.published.page import new_page, plain_style, save_png

FOOTER = {"data to": "1 January 2026"}
MANY = WORTH_IT + 2


def page(path: Path, footer: dict[str, str]) -> PublishedFile:
    with plain_style():
        sheet = new_page(f"Page {path.stem}", "A lead.", footer)
        return write_aside(path, "png", lambda to: save_png(sheet.figure, to))


def whose(_: int) -> int:
    return os.getpid()


def failing(n: int) -> int:
    if n == 7:
        raise ValueError("page 7 has no rows")
    return n


def test_several_processes_write_what_one_writes(tmp_path: Path) -> None:
    pages = [partial(page, tmp_path / f"{n}.png", FOOTER) for n in range(MANY)]
    alone = one_by_one(pages)
    with by_processes(2) as at_once:
        together = at_once(pages)
        assert os.getpid() not in at_once([partial(whose, n) for n in range(MANY)])
        with pytest.raises(ValueError, match="page 7 has no rows"):
            at_once([partial(failing, n) for n in range(MANY)])
    assert together == alone, "names, bytes and order"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f.name for f in alone)


def test_a_few_pages_are_drawn_here(tmp_path: Path) -> None:
    with by_processes(2) as at_once:
        assert set(at_once([partial(whose, n) for n in range(WORTH_IT - 1)])) == {os.getpid()}
    with by_processes(1) as at_once:
        assert at_once is one_by_one


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\n"
        "from functools import partial\n"
        "from hotspot_pipeline.published.at_once import by_processes\n"
        "def said(folder):\n"
        "    import os\n"
        "    open(f'{folder}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    with by_processes(2) as at_once:\n"
        "        at_once([partial(said, sys.argv[1])] * 20)\n"
    )
    seen = tmp_path / "seen"
    seen.mkdir()
    run = subprocess.Popen([sys.executable, str(script), str(seen)])
    try:
        _wait_until(lambda: len(list(seen.iterdir())) == 2)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    pids = [int(p.name) for p in seen.iterdir()]
    assert len(pids) == 2
    _wait_until(lambda: not any(_is_alive(pid) for pid in pids))


def _wait_until(is_so: Callable[[], bool], at_most_s: float = 30.0) -> None:
    end = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
