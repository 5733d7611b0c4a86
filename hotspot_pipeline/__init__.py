"""hotspot_pipeline: from a police force's delivered files to hotspots, hot times and patrol figures.

This package holds no code of its own at the top: each stage is a package that carries the stage's
word (`raw`, `validated`, …), the base rooms are `settings`, `timebase`, `geo`, `feeds` and
`warehouse`, and `definitions` assembles them for Dagster.
"""

__version__ = "0.1.0"
