select
    visit_id,
    patrol_ms,
    officer_ms,
    lower_ms,
    upper_ms
from patrols.visits
where
    (is_crewed and patrol_ms > officer_ms)
    or patrol_ms > upper_ms
    or lower_ms > upper_ms
    or end_utc < start_utc
