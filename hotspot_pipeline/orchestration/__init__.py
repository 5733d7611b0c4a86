"""How tables show in Dagster and when they are built: asset specs and results, partitions, jobs, schedules, sensors.

Not here: what a table is (`dbt_like_sql/`), how it is computed (the stages), how it is written (`warehouse/`).
"""
