-- The list arrives whole: the newest delivery replaces the one before it.
with newest as (

    select extract_id
    from raw.extracts
    where
        table_name = 'patrol_places'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')
    qualify row_number() over (order by extract_ts_utc desc, received_at_utc desc, extract_id desc) = 1

)

select
    p.hotspot_id,
    p.name,
    p.polygon_wkt,
    p.valid_from,
    p.valid_to
from validated.patrol_places p
inner join newest n on n.extract_id = p.extract_id
