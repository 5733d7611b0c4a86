"""The `hexes` stage: counts and harm per cell, concentration, and the hotspots chosen from them.

The modules beside `assets.py` are kernels: arrays and frames in, arrays and frames out. Cells,
their areas, polygons and neighbours come from `hotspot_pipeline.geo.grid`; when events happen
inside a hotspot belongs to `hot_times`; whether patrols changed anything belongs to `evaluation`.
"""
