"""When: the force's police day, week and hour of week, and what is special about a day.

- `police_time`: local wall clock and UTC, police days and weeks, hours of the week, partitions;
- `spans`: windows of time as plain values;
- `local_hours`: the hours of a stretch of time, one by one, with their names;
- `calendar_days`: bank holidays, eves, terms and local events, as attributes of a police day;
- `night_time`: the definitions of night-time economy hours.

Not here: the orchestrator's partitions (`orchestration`), how an event's window is spread over
hours (the `hot_times` stage).
"""

from hotspot_pipeline.timebase.police_time import (
    HOURS_IN_WEEK,
    TZ_FLAGS,
    PoliceTime,
    monday_of,
)
from hotspot_pipeline.timebase.spans import PartitionParameters, Window

__all__ = [
    "HOURS_IN_WEEK",
    "TZ_FLAGS",
    "PartitionParameters",
    "PoliceTime",
    "Window",
    "monday_of",
]
