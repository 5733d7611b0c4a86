"""hotspot_pipeline: from a police force's delivered files to hotspots, hot times and patrol figures.

This package holds no code of its own at the top: each stage is a package that carries the stage's
word (`raw`, `validated`, …), the base rooms are `settings`, `timebase`, `geo`, `feeds` and
`warehouse`, and `definitions` assembles them for Dagster.
"""

import os

__version__ = "0.1.0"

# The allocators under polars and Arrow keep freed pages for the next use, so that the memory of each step would come
# on top of the one before (300,000 crimes: 1.6 GB instead of 1.3). They read this when they are loaded; a value set
# outside wins.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
