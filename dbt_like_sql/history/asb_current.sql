with incidents as (

    select
        a.*,
        e.feed,
        e.extract_ts_utc,
        e.received_at_utc
    from validated.asb_incidents a
    inner join raw.extracts e on e.extract_id = a.extract_id
    where e.extract_ts_utc <= $known_at

),

standing as (

    select *
    from incidents
    qualify row_number() over (
        partition by source_system, incident_pid
        order by extract_ts_utc desc, received_at_utc desc, extract_id desc, source_file desc, line_no desc
    ) = 1

)

select
    extract_id,
    source_file,
    line_no,
    feed,
    extract_ts_utc,
    source_system,
    incident_pid,
    opened_ts_local,
    police_day,
    week_start,
    month,
    hour_of_week,
    is_day,
    easting,
    northing,
    geocode_quality,
    cell_r8,
    cell_r9,
    cell_r10,
    is_inside_force,
    linked_crime_pid,
    duplicate_of_pid,
    row_hash
from standing
