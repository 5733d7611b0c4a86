-- Keyed feeds: the newest state of each crime. Feeds that are published again: the newest release of each month.
with crimes as (

    select
        c.*,
        e.feed,
        e.kind,
        e.extract_ts_utc,
        e.received_at_utc
    from validated.crimes c
    inner join raw.extracts e on e.extract_id = c.extract_id
    where e.extract_ts_utc <= $known_at

),

newest_state as (

    select *
    from crimes
    where kind <> 'snapshot'
    qualify row_number() over (
        partition by source_system, crime_pid
        order by extract_ts_utc desc, received_at_utc desc, extract_id desc, source_file desc, line_no desc
    ) = 1

),

months_of_release as (

    select
        feed,
        month,
        extract_id,
        extract_ts_utc,
        received_at_utc
    from crimes
    where kind = 'snapshot'
    group by feed, month, extract_id, extract_ts_utc, received_at_utc

),

newest_release as (

    select
        feed,
        month,
        extract_id
    from months_of_release
    qualify row_number() over (
        partition by feed, month
        order by extract_ts_utc desc, received_at_utc desc, extract_id desc
    ) = 1

),

released as (

    select c.*
    from crimes c
    inner join newest_release n
        on n.feed = c.feed and n.month = c.month and n.extract_id = c.extract_id

),

standing as (

    select * from newest_state
    union all
    select * from released

)

select
    extract_id,
    source_file,
    line_no,
    feed,
    extract_ts_utc,
    source_system,
    crime_pid,
    ho_offence_code,
    policeuk_category,
    committed_from_local,
    committed_to_local,
    committed_time_known,
    police_day,
    week_start,
    month,
    hour_of_week,
    is_day,
    recorded_ts_local,
    easting,
    northing,
    geocode_quality,
    cell_r8,
    cell_r9,
    cell_r10,
    is_inside_force,
    location_type,
    location_desc,
    flag_knife,
    flag_firearm,
    flag_da,
    flag_online,
    record_status,
    row_hash
from standing
