"""SQL files become Dagster assets: parsed with sqlglot, so that lineage and code version come from the query itself.

Here: loading and checking a model, its table and column lineage, and the asset factory. Not here: the models
(`dbt_like_sql/`), the transaction that writes them (`warehouse/`), schedules (`orchestration/`).
"""
