"""Small deliveries that the tests of this folder read and never change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hotspot_pipeline_tests.unit.simulator.delivery.delivered_records import SHOCKS, Sent, send

Deliver = Callable[..., Sent]


@pytest.fixture(scope="session")
def deliver_small(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Deliver:
    """Delivers once for the same arguments: nightly, shocks, seed."""
    done: dict[object, Sent] = {}

    def once(nightly: str = "delta", shocks: Mapping[str, int] = SHOCKS, seed: int = 1) -> Sent:
        key = (nightly, tuple(sorted(shocks.items())), seed)
        if key not in done:
            out = tmp_path_factory.mktemp("small")
            lookup = project / "data/reference/ho_offence_lookup.csv"
            done[key] = send(out, lookup, nightly, shocks, seed)
        return done[key]

    return once


@pytest.fixture(scope="session")
def small(deliver_small: Deliver) -> Sent:
    """Nightly deltas with every shock."""
    return deliver_small()
