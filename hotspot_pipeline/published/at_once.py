"""Many pages at once: every processor draws, and the bytes are those that one alone would have written.

Matplotlib holds Python's lock while it draws, so threads gain nothing: pages go to processes. They are started anew, not forked, since
this one has an open warehouse and threads.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
# a process takes as long to start as half a dozen pages to draw
WORTH_IT = 13
# each takes 250 MB
MOST_PROCESSES = 4


class AtOnce(Protocol):
    """Calls each page and gives what they give, in their order; the first error is raised."""

    def __call__(self, pages: Sequence[Callable[[], T]]) -> list[T]: ...


def one_by_one(pages: Sequence[Callable[[], T]]) -> list[T]:
    return [page() for page in pages]


@contextmanager
def by_processes(n_processes: int | None = None) -> Iterator[AtOnce]:
    """As many as there are processors, four at most, started when they are needed. Pages must be picklable, such as partials of
    functions of a module; what several of them are given is handed over once."""
    n = min(n_processes or os.cpu_count() or 1, MOST_PROCESSES)
    if n == 1:
        yield one_by_one
        return
    anew = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(n, mp_context=anew, initializer=_end_with_parent) as pool,
    ):
        yield partial(_handed_over, pool, Path(folder))


def _handed_over(
    pool: ProcessPoolExecutor, folder: Path, pages: Sequence[Callable[[], T]]
) -> list[T]:
    if len(pages) < WORTH_IT:
        return one_by_one(pages)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as stream:
        pickle.dump(list(pages), stream, protocol=pickle.HIGHEST_PROTOCOL)
    return list(pool.map(_one, repeat(name), range(len(pages))))


def _one(name: str, at: int) -> Any:
    return _pages(name)[at]()


@lru_cache(maxsize=1)
def _pages(name: str) -> Sequence[Callable[[], Any]]:
    with Path(name).open("rb") as stream:
        found: Sequence[Callable[[], Any]] = pickle.load(stream)
    return found


def _end_with_parent() -> None:
    """A run that is killed must not leave processes behind that wait for pages for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent,), daemon=True).start()


def _wait_and_end(parent: Any) -> None:
    parent.join()
    os._exit(1)
