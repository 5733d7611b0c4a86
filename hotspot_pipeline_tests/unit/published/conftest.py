"""Forces made for these tests, and a wall against the network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hotspot_pipeline.published import page
from hotspot_pipeline_tests.unit.published.made_force import SmallForce, make_force


@pytest.fixture(scope="session")
def small_force() -> SmallForce:
    """Ten rings of cells; three hotspots: two cells, one cell, and one in two parts."""
    return make_force(10, [[0, 1], [60], [150, 300]])


@pytest.fixture(scope="session")
def wide_force() -> SmallForce:
    """A force so large that its map needs zooms: 14 hotspots over 30 rings."""
    rng = np.random.default_rng(3)
    n_cells = 3 * 30 * 31 + 1
    places = rng.choice(n_cells, size=14, replace=False).tolist()
    return make_force(30, [[place] for place in places], seed=11)


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that would have been saved as PNG, drawn, in their order."""
    figures: list[Figure] = []

    def catch(figure: Figure, path: Path) -> None:
        FigureCanvasAgg(figure).draw()  # legends have no places before
        path.write_bytes(b"drawn")
        figures.append(figure)

    monkeypatch.setattr(page, "save_png", catch)
    return figures


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any attempt to open a connection or look up a name fails the test."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"the network was asked for: {args}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setenv("PROJ_NETWORK", "OFF")
    yield
