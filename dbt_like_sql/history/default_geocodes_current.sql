-- These lists arrive whole: the newest delivery replaces the one before it.
with newest as (

    select extract_id
    from raw.extracts
    where
        table_name = 'default_geocodes'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')
    qualify row_number() over (order by extract_ts_utc desc, received_at_utc desc, extract_id desc) = 1

)

select
    v.geocode_id,
    v.easting,
    v.northing,
    v.radius_m,
    v.reason,
    v.valid_from,
    v.valid_to
from validated.default_geocodes v
inner join newest n on n.extract_id = v.extract_id
