"""Files and folders that a power cut leaves as they were written.

Here: one call. Not here: how a file is written aside and renamed (who writes it knows).
"""

from __future__ import annotations

import os
from pathlib import Path


def flush(path: Path) -> None:
    """The content of a file, or the names in a folder, onto the disk. Without it a rename may survive a power cut that what is renamed
    does not, and what is deleted next depends on a cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
