-- the answer at $known_at: of each record the state that was known last; of a withdrawn one nothing is known
select
    extract_id,
    source_file,
    line_no,
    observed_utc as extract_ts_utc,
    source_system,
    crime_pid,
    ho_offence_code,
    policeuk_category,
    committed_from_local,
    committed_to_local,
    committed_from_utc,
    committed_to_utc,
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
    row_hash,
    feed
from history.crime_versions
where
    known_from_utc <= $known_at
    and (known_to_utc is null or known_to_utc > $known_at)
    and record_status <> 'withdrawn'
