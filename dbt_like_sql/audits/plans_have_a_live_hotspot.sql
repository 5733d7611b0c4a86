select
    plan_id,
    hotspot_id,
    police_day
from patrols.plan_checks
where not has_live_hotspot
