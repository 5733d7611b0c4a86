select
    police_day,
    device_type,
    median_interval_ms,
    earlier_interval_ms
from patrols.ping_coverage
where
    n_seen >= 10
    and (median_interval_ms > 1.5 * earlier_interval_ms or median_interval_ms < 0.5 * earlier_interval_ms)
