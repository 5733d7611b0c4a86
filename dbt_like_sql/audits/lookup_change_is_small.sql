-- a person looks at it once: what was taken in before the newest delivery is no news
select
    table_name,
    known_from_utc,
    lookup_version,
    n_touched,
    n_known
from history.lookup_changes
where is_large and digested_at_utc >= (select max(digested_at_utc) from history.extracts)
