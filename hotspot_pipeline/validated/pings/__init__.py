"""Position fixes: judged, and kept as one Parquet file a police day.

Here: the rules on a fix (`rows.py`), what the gate sees of millions of them (`summary.py`), the day files (`staging.py`,
`day_files.py`), the ledger of the days (`ledger.py`), how extracts become days (`taking.py`), what is removed when
(`retention.py`). Not here: pseudonyms, which the rows have when they come (`raw/sealing.py`), and cleaning, dwell and visits
(the `patrols` stage).
"""
