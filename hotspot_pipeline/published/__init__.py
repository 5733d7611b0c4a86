"""The `published` stage: what leaves the warehouse for people: GIS layers, pictures, tables.

The modules beside `assets.py` are kernels: frames in, files out. `layers` writes GeoPackage,
GeoParquet and GeoJSON, `pictures` draws the map and the concentration curve, `tables` writes CSV,
and `files` puts each of them in place whole. `bulletin/` remembers every figure as it was issued, and says which differ
from the last issue and why. Every figure was computed before it came here (`hexes`
and later stages); the read-only copy of the database is made in `warehouse`.
"""
