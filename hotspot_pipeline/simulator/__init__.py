"""Fosseshire, a fictional force with known truth: what a newcomer runs first and what every estimator is held against.

Belongs here: a county, what happens in it, what a police force, its patrols, its surveys and its hospital would deliver of
it, dirt and all, and apart from that the truth (DOMAIN §8). Does not belong here: anything the pipeline itself needs (it
never imports this package; only the command line does), feed contracts (`feeds`), the grid and the coordinate transform
(`geo`), offence codes (`data/reference`).

`simulate` writes everything, `simulate_counts` gives counts and truth without a file. The rooms, from the ground up:
`profiles` and `streams` (the knobs and the random numbers), `force` (ground, streets, premises, risk), `crime` (events and
their records), `trial` (places, plan, visits, true effects, the twin without patrols), `delivery` (nightly extracts and what is
wrong with them), `patrol` (duties, pings, logs), `surveys` (residents, QR forms, the hospital), `counts`, `truth`, and `run`
(all of it in order).
"""

from __future__ import annotations

from hotspot_pipeline.simulator.counts import Counts, simulate_counts, write_counts
from hotspot_pipeline.simulator.profiles import MODES, PROFILES, Profile
from hotspot_pipeline.simulator.run import Report, simulate
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.trial.programme import Options

__all__ = [
    "MODES",
    "PROFILES",
    "Counts",
    "Options",
    "Profile",
    "Report",
    "Streams",
    "simulate",
    "simulate_counts",
    "write_counts",
]
