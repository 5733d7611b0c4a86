"""The one daily and the one weekly partition set of a force, in the force's own time zone."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg

from hotspot_pipeline.settings import Force
from hotspot_pipeline.timebase import PoliceTime


def police_time(force: Force) -> PoliceTime:
    return PoliceTime(time_zone=force.time_zone, day_starts_hour=force.day_starts_hour)


def daily_partitions(force: Force) -> dg.DailyPartitionsDefinition:
    """Police days, keyed by the date they start on."""
    return dg.DailyPartitionsDefinition(
        start_date=force.partitions_start.isoformat(),
        timezone=force.time_zone,
        hour_offset=force.day_starts_hour,
    )


def weekly_partitions(force: Force) -> dg.WeeklyPartitionsDefinition:
    """Police weeks, keyed by their Monday."""
    return dg.WeeklyPartitionsDefinition(
        start_date=force.partitions_start.isoformat(),
        timezone=force.time_zone,
        day_offset=1,  # Monday
        hour_offset=force.day_starts_hour,
    )


def key_date(partition_key: str) -> date:
    """The date in a partition key; an hour behind it does not matter."""
    return date.fromisoformat(partition_key[:10])


def key_of(partitions: dg.PartitionsDefinition[str], day: date, now_utc: datetime) -> str | None:
    """The key of the partition that starts on `day`; None for a day before the first one or not yet closed."""
    keys = partitions.get_partition_keys(current_time=now_utc)
    return next((k for k in reversed(keys) if key_date(k) == day), None)
