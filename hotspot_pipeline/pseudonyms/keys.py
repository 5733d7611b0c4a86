"""The force's pseudonym key: a file outside the warehouse that only the pipeline's user can read.

Made at first use. Losing it breaks the link between old and new pseudonyms; it is never logged or copied.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from hotspot_pipeline.pseudonyms.hashing import MIN_KEY_BYTES, PseudonymKeyError


def pseudonym_key(path: Path) -> bytes:
    """The key in `path`, made when there is none; raises PseudonymKeyError for one that is too short."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise PseudonymKeyError(
            f"{path}: the key has {len(key)} bytes; at least {MIN_KEY_BYTES} are needed"
        )
    return key
