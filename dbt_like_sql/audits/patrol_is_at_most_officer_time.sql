select
    police_day,
    zone_id,
    patrol_ms,
    officer_ms
from patrols.dose_daily
where
    patrol_ms > officer_ms
    or funded_patrol_ms > patrol_ms
    or patrol_ms > presence_ms
    -- a day is at most 25 hours long
    or presence_ms > 25 * 3600000
