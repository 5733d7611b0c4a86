"""Feed contracts: what a force delivers, column by column, and how its own names map onto ours.

Here: the contract model (`contract.py`), its YAML files (`contracts/`) and how a force's mapping is laid
over them. Not here: reading files (`raw/reading`), typing and row rules (`validated/`), or the contracts
of the tables we build (`dbt_like_sql/**/*.yml`).
"""
