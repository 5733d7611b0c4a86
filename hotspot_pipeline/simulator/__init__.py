"""A small generated force, Fosseshire, so that a newcomer can run the pipeline without police data.

Belongs here: a fictional county, its crime and ASB feeds with their usual dirt, and the truth about
both, written apart from what is delivered. Does not belong here: anything the pipeline itself needs
(it never imports this package; only the command line does), feed contracts (`feeds`), the grid and
the coordinate transform (`geo`), offence codes (`data/reference`).

`write_demo_feed` writes everything. The modules go from the ground up: `county` (shape, cells,
risk), `premises` (venues, excluded sites, default geocodes), `clock` (hours, windows, delays),
`locations` (where an event is put on record), `crime_kinds` and `crimes`, `asb`, `recodes` (what
changes on which night), `extracts` (the rows of one night's files), `dirt` (what is wrong on
purpose), `deliveries` (which file on which night), `landing` (bytes on disk) and `demo` (all of it
in order).
"""

from __future__ import annotations

from hotspot_pipeline.simulator.demo import DemoReport, write_demo_feed

__all__ = ["DemoReport", "write_demo_feed"]
