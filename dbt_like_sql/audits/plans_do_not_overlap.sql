select
    plan_id,
    hotspot_id,
    police_day
from patrols.plan_checks
where is_overbooked
