-- the answers of a record follow each other without gap or overlap, and the last one is still open
with answers as (

    select
        feed,
        source_system,
        record_id,
        known_from_utc,
        known_to_utc,
        lead(known_from_utc) over (partition by feed, source_system, record_id order by known_from_utc) as next_from_utc
    from history.asb_versions
    where known_to_utc is null or known_to_utc > known_from_utc

)

select *
from answers
where
    known_to_utc <> next_from_utc
    or (known_to_utc is null and next_from_utc is not null)
    or (known_to_utc is not null and next_from_utc is null)
