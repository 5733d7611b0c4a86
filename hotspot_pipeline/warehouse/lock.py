"""The OS lock beside the warehouse: one writer, held by a run for its whole life.

An advisory `flock`: the kernel frees it when the process ends, however it ends, so a killed run never leaves the
warehouse locked. The file's text names the holder for whoever waits. A process may take the lock again while it
holds it (a command that starts several runs).
"""

from __future__ import annotations

import fcntl
import json
import os
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


class LockHeld(RuntimeError):
    """Another run holds the warehouse; the message says which process and since when."""


def boot_id() -> str:
    """Changes at every start of the machine, so that an old pid is not taken for a living one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        return "unknown"


def process_mark(pid: int | None = None) -> str:
    """`pid:start` of a living process (ours by default), empty when there is none; `start` tells a reused pid."""
    number = os.getpid() if pid is None else pid
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{number}:{stat.rpartition(')')[2].split()[19]}"
    except OSError:
        return ""


def holder(lock_file: Path) -> dict[str, str]:
    """What the present or last holder wrote; empty when nobody ever held it."""
    try:
        return dict(json.loads(lock_file.read_text(encoding="utf-8") or "{}"))
    except (OSError, ValueError):
        return {}


def is_free(lock_file: Path) -> bool:
    """True when no living process holds the lock."""
    if lock_file in _held:
        return False
    try:
        with hold(lock_file, "probe", timeout_s=0, record=False):
            return True
    except LockHeld:
        return False


@contextmanager
def hold(
    lock_file: Path,
    purpose: str,
    *,
    timeout_s: float = 600.0,
    waiting: Callable[[str], None] | None = None,
    record: bool = True,
) -> Iterator[None]:
    """Holds the lock; waits at most `timeout_s` seconds, telling `waiting` once who is being waited for.

    Raises LockHeld after that. `record=False` leaves the holder's text alone (for a probe).
    """
    lock_file = lock_file.resolve()
    if lock_file in _held:
        _held[lock_file].depth += 1
        try:
            yield
        finally:
            _held[lock_file].depth -= 1
        return
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, lock_file, timeout_s, waiting)
        if record:
            about = {
                "pid": str(os.getpid()),
                "boot_id": boot_id(),
                "purpose": purpose,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(about).encode(), 0)
        _held[lock_file] = _Held(descriptor, 1)
        try:
            yield
        finally:
            del _held[lock_file]
    finally:
        os.close(descriptor)  # closing frees the flock


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
