"""Named random streams: every step of the simulator has its own, so that a change in one leaves the others as they were.

Belongs here: how a seed and a name become a generator. Does not belong here: any drawing.
"""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """The random streams of one simulated force. The same seed and name, the same numbers on every machine."""

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed {seed}: give a whole number from 0")
        self.seed = seed

    def __call__(self, *name: str | int) -> np.random.Generator:
        """A fresh generator at the beginning of the stream called `name`, for example ("pings", 731)."""
        # not hash(): that differs from process to process
        digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
        words = np.frombuffer(digest, dtype="<u4")
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([self.seed, *map(int, words)]))
        )
