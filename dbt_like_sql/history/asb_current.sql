-- the answer at $known_at: of each record the state that was known last; of a withdrawn one nothing is known
select
    extract_id,
    source_file,
    line_no,
    observed_utc as extract_ts_utc,
    source_system,
    incident_pid,
    opened_ts_local,
    opened_ts_utc,
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
    row_hash,
    record_status,
    feed
from history.asb_versions
where
    known_from_utc <= $known_at
    and (known_to_utc is null or known_to_utc > $known_at)
    and record_status <> 'withdrawn'
