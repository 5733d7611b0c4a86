"""The command line: `hotspots …`. Thin commands over the same definitions that the UI loads.

Here: arguments, progress, words for people and `--json` for scripts. Not here: any computation.
"""

from __future__ import annotations

from hotspot_pipeline.cli.main import main

__all__ = ["main"]
