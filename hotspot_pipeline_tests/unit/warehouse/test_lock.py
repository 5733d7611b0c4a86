"""The lock beside the warehouse: one holder, named to whoever waits, freed by the kernel however the holder ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hotspot_pipeline.warehouse import lock
from hotspot_pipeline_tests.unit.warehouse.processes import HOLD_LOCK, another_process


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "force" / "warehouse.lock"


def test_a_held_lock_names_the_holder_and_the_wait_is_bounded(file: Path) -> None:
    told: list[str] = []
    with another_process(HOLD_LOCK, str(file), "run 7f3a") as other:
        with (
            pytest.raises(lock.LockHeld) as caught,
            lock.hold(file, "mine", timeout_s=0.4, waiting=told.append),
        ):
            pass
        assert lock.holder(file)["purpose"] == "run 7f3a"
    message = str(caught.value)
    assert message.startswith(f"{file}: held by run 7f3a, process {other.pid}, since 20")
    assert "waited 0 s" in message
    assert "the lock frees itself when its process ends" in message
    assert len(told) == 1
    assert told[0].startswith(f"waiting for the warehouse: held by run 7f3a, process {other.pid}")


def test_it_is_taken_as_soon_as_it_is_free(file: Path) -> None:
    with (
        another_process(HOLD_LOCK, str(file), "short", "0.5"),
        lock.hold(file, "mine", timeout_s=30),
    ):
        assert lock.holder(file)["pid"] == str(os.getpid())


def test_a_killed_holder_leaves_nothing_locked(file: Path) -> None:
    with another_process(HOLD_LOCK, str(file), "run") as other:
        assert not lock.is_free(file)
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert lock.is_free(file)
        with lock.hold(file, "next", timeout_s=1):
            assert lock.holder(file)["purpose"] == "next"


def test_a_process_may_take_it_again(file: Path) -> None:
    with lock.hold(file, "outer"):
        with lock.hold(file, "inner", timeout_s=0):
            assert lock.holder(file)["purpose"] == "outer", "the first purpose stands"
        assert not lock.is_free(file)
    assert lock.is_free(file)


def test_whoever_leaves_last_frees_it(file: Path) -> None:
    inside, leave = threading.Event(), threading.Event()

    def second() -> None:
        with lock.hold(file, "second"):
            inside.set()
            leave.wait(30)

    with lock.hold(file, "first"):
        thread = threading.Thread(target=second)
        thread.start()
        assert inside.wait(30)
    assert not lock.is_free(file)
    leave.set()
    thread.join()
    assert lock.is_free(file)


def test_it_is_freed_when_the_work_fails(file: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold(file, "failing"):
        raise ZeroDivisionError
    assert lock.is_free(file)


def test_asking_changes_nothing(file: Path) -> None:
    assert lock.is_free(file)
    assert not file.exists()
    assert not file.parent.exists()
    with lock.hold(file, "run"):
        pass
    before = file.read_bytes()
    assert lock.is_free(file)
    assert file.read_bytes() == before


def test_our_own_lock_is_not_free_by_whatever_path_we_ask(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lock.hold(file, "run"):
        monkeypatch.chdir(file.parent)
        assert not lock.is_free(Path(file.name))
        assert not lock.is_free(file.parent / ".." / file.parent.name / file.name)


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '"x"'])
def test_an_unreadable_note_names_nobody(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    assert lock.holder(file) == {}


def test_a_mark_is_of_one_process_and_not_of_its_number() -> None:
    ours = lock.process_mark()
    assert ours.startswith(f"{os.getpid()}:")
    assert lock.process_mark(os.getpid()) == ours
    # the same number given to a later process has another start
    earlier = f"{os.getpid()}:{int(ours.partition(':')[2]) - 1}"
    assert lock.process_mark(os.getpid()) != earlier


def test_a_process_that_ended_has_no_mark() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark = lock.process_mark(process.pid)
    assert mark.startswith(f"{process.pid}:")
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    # nobody has waited for it: it is still in the list, as a zombie
    while lock.process_mark(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Path(f"/proc/{process.pid}").exists()
    assert lock.process_mark(process.pid) == ""
    process.wait()
    assert lock.process_mark(process.pid) == ""


def test_without_proc_a_number_that_is_in_use_counts_as_living() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    assert lock._mark_without_proc(os.getpid()) == f"{os.getpid()}:unknown"
    assert lock._mark_without_proc(process.pid) == ""
