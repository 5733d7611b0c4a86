-- Deltas: the row delivered last is what stands for its key, and every version of a plan is a key of its own.
with accepted as (

    select
        extract_id,
        order_ts_utc
    from raw.extracts
    where
        table_name = 'patrol_plan'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')

),

latest as (

    select
        v.plan_id,
        v.plan_version,
        v.hotspot_id,
        v.police_day,
        v.window_start_utc,
        v.window_end_utc,
        v.min_minutes,
        v.officers_planned,
        v.mode,
        v.priority,
        v.assigned_team,
        v.randomised,
        v.arm,
        v.issued_ts_utc
    from validated.patrol_plan v
    inner join accepted a on a.extract_id = v.extract_id
    qualify row_number() over (
        partition by v.plan_id, v.plan_version
        order by a.order_ts_utc desc, v.extract_id desc, v.source_file desc, v.line_no desc
    ) = 1

)

select
    plan_id,
    plan_version,
    hotspot_id,
    police_day,
    window_start_utc,
    window_end_utc,
    min_minutes,
    officers_planned,
    mode,
    priority,
    assigned_team,
    randomised,
    arm,
    issued_ts_utc,
    lead(issued_ts_utc) over (partition by plan_id order by plan_version) as superseded_utc,
    row_number() over (partition by plan_id order by plan_version desc) = 1 as is_latest,
    coalesce(issued_ts_utc > window_start_utc, false) as is_issued_late
from latest
