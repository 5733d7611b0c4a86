select *
from history.count_ledger
where
    live_after <> live_before + n_new + n_reinstated - n_cancelled - n_transferred - n_merged - n_non_crime
    - n_missing - n_withdrawn
