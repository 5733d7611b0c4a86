"""The only door to DuckDB: one file, one lock and one writer per force.

Here: the run lock, the connection, transactional writes with audits before commit, table contracts and the
published read-only copy. Not here: what the tables mean (`dbt_like_sql/`), how a SQL model becomes an asset
(`sql_models/`), or when anything runs (`orchestration/`).
"""
