"""Where officers were: cleaned fixes, dwell in hotspots, rings and controls, visits, dose.

Here: `cleaning` (which fixes count, and why each other does not), `zones` and `zone_raster` (where), `dwell` (from when to when
each device was in each zone), `visits` and `dose` (who, how, how long), `cell_minutes` (the whole force by cell). Not here: reading
and pseudonymising fixes (`validated`), tables (`dbt_like_sql/patrols`), whether patrols did any good (`evaluation`).

Moments are whole milliseconds since 1970 (UTC), lengths of time whole milliseconds, so that sums never depend on their order.
"""
