with items as (

    select
        p.plan_id,
        p.plan_version,
        p.hotspot_id,
        p.police_day,
        p.assigned_team,
        p.window_start_utc,
        p.window_end_utc,
        p.min_minutes,
        p.is_issued_late
    from history.patrol_plan_versions p
    where p.is_latest and p.arm <> 'control' and p.window_start_utc is not null

),

live as (

    select distinct
        i.plan_id
    from items i
    inner join history.patrol_places_current h
        on
            h.hotspot_id = i.hotspot_id
            and h.valid_from <= i.police_day
            and (h.valid_to is null or h.valid_to >= i.police_day)

),

crews as (

    select
        d.team,
        d.police_day,
        d.crew_pid,
        min(d.start_utc) as start_utc,
        max(d.end_utc) as end_utc
    from history.duties_current d
    where d.deployment = 'hotspot_funded' and d.crew_pid is not null
    group by d.team, d.police_day, d.crew_pid

),

known_days as (

    select distinct
        team,
        police_day
    from crews

),

-- the crews of the team that are on duty for the whole window
in_shift as (

    select
        i.plan_id,
        count(*) as n_crews
    from items i
    inner join crews c
        on
            c.team = i.assigned_team
            and c.police_day = i.police_day
            and c.start_utc <= i.window_start_utc
            and c.end_utc >= i.window_end_utc
    group by i.plan_id

),

overlapping as (

    select
        i.plan_id,
        count(*) as n_at_once,
        sum(coalesce(o.min_minutes, 0)) as minutes_at_once
    from items i
    inner join items o
        on
            o.assigned_team = i.assigned_team
            and o.window_start_utc <= i.window_start_utc
            and o.window_end_utc > i.window_start_utc
    group by i.plan_id

)

select
    i.plan_id,
    i.plan_version,
    i.hotspot_id,
    i.police_day,
    l.plan_id is not null as has_live_hotspot,
    case when k.team is not null then s.plan_id is not null end as is_in_shift,
    coalesce(s.n_crews, 0) as n_crews,
    coalesce(o.n_at_once, 1) as n_at_once,
    coalesce(cast(o.minutes_at_once as bigint), i.min_minutes, 0) as minutes_at_once,
    case
        when s.n_crews > 0
            then s.n_crews * (i.window_end_utc - i.window_start_utc) < o.minutes_at_once * interval '1 minute'
    end as is_overbooked,
    i.is_issued_late
from items i
left join live l on l.plan_id = i.plan_id
left join in_shift s on s.plan_id = i.plan_id
left join overlapping o on o.plan_id = i.plan_id
left join known_days k on k.team = i.assigned_team and k.police_day = i.police_day
