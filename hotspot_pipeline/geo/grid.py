"""The grid: what a cell is, and what every kind of grid must be able to do.

Belongs here: `GridSpec` (which grid, at which size), the `Grid` protocol and `make_grid`. Does not
belong here: the H3 arithmetic (`h3_grid`), coordinate transforms (`transform`), counts by cell (the
`hexes` stage). A second kind, such as a hexagon tessellation of the British National Grid, is one
more class that satisfies `Grid` and one more line in `make_grid`; no caller changes.

Conventions shared by every grid:

- cells are int64 numpy arrays (an H3 index fits in 63 bits); in tables they are BIGINT, in GeoJSON,
  CSV and JavaScript they are text (`to_text`), because a JSON number loses digits past 2^53;
- `NO_CELL` (0, never a valid cell) stands for a point without a usable location, so that arrays
  keep their integer type. Turn it into null before it reaches a table;
- points are indexed at each resolution from their own coordinates. A coarser cell is never taken as
  the parent of a finer one: H3 parents do not contain their children exactly, and parent() differs
  from direct indexing for 7 % of points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

NO_CELL = 0

Cells = NDArray[np.int64]
Floats = NDArray[np.float64]
Containment = Literal["centre", "overlap"]


@dataclass(frozen=True, slots=True)
class GridSpec:
    """Which grid. Equal specs give equal cells, so the spec belongs in the lineage of every count.

    `kind`: the family of cells. `resolution`: its size parameter (H3 resolution 0 to 15; 9 is about
    330 m across and 94,800 m² in the English Midlands). `version`: the version of the cell
    definition, not of the library's release; H3 cells have meant the same since version 4.
    """

    kind: Literal["h3"] = "h3"
    resolution: int = 9
    version: str = "4"

    def __post_init__(self) -> None:
        if self.kind != "h3":
            raise ValueError(f"grid kind {self.kind!r} is not built in; use 'h3'")
        if isinstance(self.resolution, bool) or not isinstance(self.resolution, int):
            raise TypeError(f"grid resolution must be a whole number, not {self.resolution!r}")
        if not 0 <= self.resolution <= 15:
            raise ValueError(f"H3 resolution must be 0 to 15, not {self.resolution}")

    @property
    def grid_id(self) -> str:
        """One short text for lineage columns and file names, such as `h3-r9-v4`."""
        return f"{self.kind}-r{self.resolution}-v{self.version}"


class Grid(Protocol):
    """What every grid does, on whole arrays. Longitude and latitude are WGS84 degrees (EPSG:4326).

    Methods that take cells refuse (ValueError) anything that is not a cell of this grid, `NO_CELL`
    included, unless their own text says otherwise.
    """

    @property
    def spec(self) -> GridSpec: ...

    def index(self, lon: ArrayLike, lat: ArrayLike) -> Cells:
        """The cell of each point; `NO_CELL` where a coordinate is NaN, infinite or off the globe."""
        ...

    def areas_m2(self, cells: ArrayLike) -> Floats:
        """Each cell's own area in square metres (never the published mean of the resolution)."""
        ...

    def centroids(self, cells: ArrayLike) -> tuple[Floats, Floats]:
        """Longitude and latitude of each cell's centre."""
        ...

    def polygons(self, cells: ArrayLike) -> NDArray[np.object_]:
        """Each cell as a shapely polygon in EPSG:4326, in the order given."""
        ...

    def neighbours(self, cells: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ring-1 adjacency among the given cells, as positions (i, j) in the array given.

        Both directions are present, no cell is its own neighbour, and the pairs are sorted by i then
        j: with `np.bincount(i)` they are the rows of a CSR matrix. Cells must be distinct.
        """
        ...

    def cover(self, polygon: BaseGeometry, containment: Containment = "centre") -> Cells:
        """The cells of a (multi)polygon in EPSG:4326, sorted.

        `centre`: those whose centre lies in it, so that neighbouring areas share no cell.
        `overlap`: those that touch it at all.
        """
        ...

    def to_text(self, cells: ArrayLike) -> NDArray[np.object_]:
        """Cell ids as text for files that people and browsers read; None for `NO_CELL`."""
        ...

    def from_text(self, texts: ArrayLike) -> Cells:
        """The inverse of `to_text`: `NO_CELL` for None or an empty text."""
        ...


def make_grid(spec: GridSpec | None = None) -> Grid:
    """The grid a spec describes (default: H3 at resolution 9)."""
    # Imported here because h3_grid needs this module's names.
    from hotspot_pipeline.geo.h3_grid import H3Grid

    return H3Grid(spec if spec is not None else GridSpec())
