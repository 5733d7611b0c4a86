"""Delivered wall-clock times as the force's local time and as UTC.

Belongs here: which zone a feed's times are in, and the pair of columns each of them becomes. Does
not belong here: the conversion itself (`timebase`), reading timestamps (`timestamps`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.timebase import PoliceTime


class Moments:
    """Turns one feed's timestamps into the force's time. Feeds in the force's own zone pass as they
    are.
    """

    def __init__(self, contract: FeedContract, police_time: PoliceTime) -> None:
        self.force = police_time
        named = contract.time_zone
        self.feed = police_time if named == "force" else replace(police_time, time_zone=named)

    def utc(self, delivered: pl.Expr) -> pl.Expr:
        """Aware UTC moments of delivered wall-clock times."""
        return self.feed.to_utc(delivered)

    def local(self, delivered: pl.Expr) -> pl.Expr:
        """The force's wall clock."""
        if self.feed.time_zone == self.force.time_zone:
            return delivered
        return self.force.to_local(self.utc(delivered))

    def flag(self, *delivered: pl.Expr) -> pl.Expr:
        """`timebase.TZ_FLAGS` as text: the first that is not `ok`."""
        flags = [self.feed.tz_flag(each).cast(pl.String) for each in delivered]
        return pl.coalesce(*(pl.when(flag != "ok").then(flag) for flag in flags), pl.lit("ok"))

    def pair(self, stem: str, delivered: pl.Expr | None = None) -> list[pl.Expr]:
        """`<stem>_local` and `<stem>_utc`, both without a zone, from the column `<stem>_local`."""
        column = pl.col(f"{stem}_local") if delivered is None else delivered
        return [
            self.local(column).alias(f"{stem}_local"),
            naive(self.utc(column)).alias(f"{stem}_utc"),
        ]

    def wall_clock(self, moment_utc: datetime) -> datetime:
        """One UTC moment (without a zone it is taken as UTC) on the feed's wall clock."""
        aware = moment_utc if moment_utc.tzinfo else moment_utc.replace(tzinfo=UTC)
        return aware.astimezone(ZoneInfo(self.feed.time_zone)).replace(tzinfo=None)


def naive(utc: pl.Expr) -> pl.Expr:
    """UTC without its zone, as tables hold it."""
    return utc.dt.replace_time_zone(None)
