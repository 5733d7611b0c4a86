with planned as (

    select
        p.plan_id,
        max(case when p.window_end_utc > p.window_start_utc and p.arm <> 'control' then 1 else 0 end) as may_be_asked,
        min(case when p.window_end_utc > p.window_start_utc and p.arm <> 'control' then 1 else 0 end) as is_asked
    from history.patrol_plan_versions p
    inner join patrols.day_prints d on d.police_day = p.police_day
    group by p.plan_id

)

select
    coalesce(p.plan_id, a.plan_id) as plan_id,
    p.may_be_asked,
    p.is_asked
from planned p
full join patrols.plan_answers a on a.plan_id = p.plan_id
-- a version that was in force may have asked for nothing where another asked
where (coalesce(p.may_be_asked, 0) = 0 and a.plan_id is not null) or (p.is_asked = 1 and a.plan_id is null)
