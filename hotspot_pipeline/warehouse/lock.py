"""The OS lock beside the warehouse: one writer, held by a run for its whole life.

An advisory `flock`: the kernel frees it when the process ends, however it ends, so a killed run never leaves the
warehouse locked. The file's text names the holder for whoever waits. A process may take the lock again while it
holds it (a command that starts several runs).
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class _Held:
    descriptor: int
    depth: int


_held: dict[Path, _Held] = {}
_guard = threading.Lock()
_GONE = ("Z", "X")  # zombie, dead: in the list of processes, but no longer running


class LockHeld(RuntimeError):
    """Another run holds the warehouse; the message says which process and since when."""


def boot_id() -> str:
    """Changes at every start of the machine, so that an old pid is not taken for a living one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return "unknown"


def place() -> str:
    """Host and pid namespace: inside it, and since the same boot, a pid can be looked up."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return platform.node()


def process_mark(pid: int | None = None) -> str:
    """`pid:start` of a living process (ours by default), empty when there is none; `start` tells a reused pid."""
    number = os.getpid() if pid is None else pid
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _mark_without_proc(number)
    facts = stat.rpartition(")")[2].split()
    return "" if facts[0] in _GONE else f"{number}:{facts[19]}"


def _mark_without_proc(pid: int) -> str:
    """Not Linux: a pid that is used again is taken for the old process, so a dead run waits rather than a living one dies."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return f"{pid}:unknown"


def holder(lock_file: Path) -> dict[str, str]:
    """What the present or last holder wrote; empty when nobody ever held it."""
    try:
        return {str(k): str(v) for k, v in json.loads(lock_file.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def is_free(lock_file: Path) -> bool:
    """True when no living process, ours included, holds the lock. Asks with a shared lock, writes nothing."""
    try:
        descriptor = os.open(lock_file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


@contextmanager
def hold(
    lock_file: Path,
    purpose: str,
    *,
    timeout_s: float = 600.0,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Holds the lock; waits at most `timeout_s` seconds, telling `waiting` once who is being waited for.

    Raises LockHeld after that.
    """
    lock_file = lock_file.resolve()
    with _guard:
        ours = _held.get(lock_file)
        if ours:
            ours.depth += 1
    if ours is None:
        descriptor = _take(lock_file, purpose, timeout_s, waiting)
        with _guard:
            _held[lock_file] = ours = _Held(descriptor, 1)
    try:
        yield
    finally:
        with _guard:  # whoever leaves last frees it
            ours.depth -= 1
            if ours.depth == 0:
                del _held[lock_file]
                os.close(ours.descriptor)


def _take(
    lock_file: Path, purpose: str, timeout_s: float, waiting: Callable[[str], None] | None
) -> int:
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, lock_file, timeout_s, waiting)
        about = {
            "pid": str(os.getpid()),
            "boot_id": boot_id(),
            "purpose": purpose,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(about).encode(), 0)
    except BaseException:
        os.close(descriptor)  # closing frees the flock
        raise
    return descriptor


def _acquire(
    descriptor: int, lock_file: Path, timeout_s: float, waiting: Callable[[str], None] | None
) -> None:
    deadline = time.monotonic() + timeout_s
    pause, told = 0.05, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            about = holder(lock_file)
            who = (
                f"{about['purpose']}, process {about['pid']}, since {about['since']}"
                if {"purpose", "pid", "since"} <= about.keys()
                else "another process"
            )
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"{lock_file}: held by {who}; waited {timeout_s:.0f} s. Let it finish or end that process, "
                    "then start again; the lock frees itself when its process ends."
                ) from None
            if waiting and not told:
                waiting(f"waiting for the warehouse: held by {who}")
                told = True
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, 1.0)
