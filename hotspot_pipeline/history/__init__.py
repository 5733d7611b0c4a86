"""The history stage: what was known when. Its tables are SQL models in `dbt_like_sql/history/`."""
