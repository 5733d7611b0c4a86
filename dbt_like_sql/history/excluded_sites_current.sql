-- These lists arrive whole: the newest delivery replaces the one before it.
with newest as (

    select extract_id
    from raw.extracts
    where
        table_name = 'excluded_sites'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')
    qualify row_number() over (order by extract_ts_utc desc, received_at_utc desc, extract_id desc) = 1

)

select
    v.site_id,
    v.kind,
    v.easting,
    v.northing,
    v.radius_m,
    v.polygon_wkt,
    v.valid_from,
    v.valid_to
from validated.excluded_sites v
inner join newest n on n.extract_id = v.extract_id
