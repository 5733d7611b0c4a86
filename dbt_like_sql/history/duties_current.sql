-- Deltas: the row delivered last is what stands for its key.
with accepted as (

    select
        extract_id,
        order_ts_utc
    from raw.extracts
    where
        table_name = 'duties'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')

),

latest as (

    select
        v.duty_id,
        v.device_pid,
        v.device_pid_next_year,
        v.device_type,
        v.officer_pid,
        v.team,
        v.role,
        v.police_day,
        v.start_utc,
        v.end_utc,
        v.deployment,
        v.crew_pid,
        v.callsign_pid,
        v.mode_planned
    from validated.duties v
    inner join accepted a on a.extract_id = v.extract_id
    qualify row_number() over (
        partition by v.duty_id
        order by a.order_ts_utc desc, v.extract_id desc, v.source_file desc, v.line_no desc
    ) = 1

)

select
    duty_id,
    device_pid,
    device_pid_next_year,
    device_type,
    officer_pid,
    team,
    role,
    police_day,
    start_utc,
    end_utc,
    deployment,
    crew_pid,
    callsign_pid,
    mode_planned
from latest
