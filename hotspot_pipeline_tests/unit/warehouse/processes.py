"""Other processes that take the lock or the file, as a second run or another program would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def another_process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs Python code that prints `ready` when it has what it wants, and ends it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


HOLD_LOCK = """
import sys, time
from pathlib import Path
from hotspot_pipeline.warehouse import lock
with lock.hold(Path(sys.argv[1]), sys.argv[2], timeout_s=5):
    print("ready", flush=True)
    time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 60)
"""
OPEN_FILE = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1])
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
connection.close()
"""


def opens(path: object) -> bool:
    """Whether a second process can open the database file for writing."""
    code = "import sys, duckdb; duckdb.connect(sys.argv[1]).close()"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
    return done.returncode == 0
