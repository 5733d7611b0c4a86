-- a row of a lookup may be gone for a time, but never has two states at once
with states as (

    select
        table_name,
        code,
        valid_from,
        known_from_utc,
        known_to_utc,
        lead(known_from_utc) over (partition by table_name, code, valid_from order by known_from_utc) as next_from_utc
    from history.lookup_versions

)

select *
from states
where
    known_to_utc <= known_from_utc
    or known_to_utc > next_from_utc
    or (known_to_utc is null and next_from_utc is not null)
