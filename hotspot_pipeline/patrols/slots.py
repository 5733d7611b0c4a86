"""Each planned visit beside what the fixes show of it: done, not done and why not, or unknown.

Here: which visit answers which item, and the answer. Not here: which version of the plan counts (`plan_items`), shares of answers
(`compliance`), the visits (`visits`).

An item is *done* if a patrol visit of at least its minutes less the slack, in its mode, lies in its window widened by the tolerance.
A longer visit is done too. Answering a call is presence but not this patrol. Where devices were booked on for the team and none
of them sent a fix in the widened window, it is *unknown*: no evidence is not evidence of no patrol. The visit's bounds say whether
the answer could be another one at this rate of fixes: then it is *indeterminate*, beside the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.patrols.intervals import total, within
from hotspot_pipeline.patrols.rules import MINUTE

YES, NO, UNKNOWN = "yes", "no", "unknown"
# of a no: the nearest miss first
REASONS = ("too_short", "other_mode", "reactive_only", "passed_through", "outside_window", "no_visit", "nobody_booked")  # fmt: skip
_DRIVEN = ("vehicle", "static_vehicle")


@dataclass(frozen=True, slots=True)
class SlotRules:
    """`tolerance_ms` before and after the window; `slack_ms` under the planned minutes that is still done (DOMAIN §4.5)."""

    tolerance_ms: int = 15 * MINUTE
    slack_ms: int = 2 * MINUTE


def judge(
    items: pl.DataFrame,
    visits: pl.DataFrame,
    patrol: pl.DataFrame,
    booked: pl.DataFrame,
    covered: pl.DataFrame,
    rules: SlotRules = SlotRules(),
) -> pl.DataFrame:
    """The asked items with `answer`, `reason`, `is_indeterminate`, `visit_id`, `visit_ms`, `delivered_ms`, `n_officers`, in the order of plan_id.

    `items`: of `plan_items.in_force`. `visits`: visit_id, hotspot_id, start_ms, end_ms, patrol_ms (headline), least_ms and most_ms (bounds), mode,
    is_reactive, is_pass_through, n_officers. `patrol`: visit_id, start_ms, end_ms, the spans whose union `patrol_ms` is. `booked`: team, device, start_ms, end_ms of devices on duty. `covered`: device, start_ms, end_ms in
    which fixes say where a device was. Without a team on the item every booked device counts.

    `visit_id` is the visit that decided, `visit_ms` its patrol time in the widened window. `delivered_ms` is the union of all patrol in it
    that belongs to the item: each visit belongs to one item, the one it shares most time with.
    """
    asked = items.filter("is_asked").with_columns(
        from_ms=pl.col("start_ms") - rules.tolerance_ms,
        to_ms=pl.col("end_ms") + rules.tolerance_ms,
        needed_ms=pl.col("min_minutes").cast(pl.Int64) * MINUTE - rules.slack_ms,
    )
    met = _assigned(_meetings(asked, visits))
    windows = met.select("visit_id", "plan_id", "is_patrol", start_ms="from_ms", end_ms="to_ms")
    inside = within(patrol, windows, "visit_id")
    met = _measured(met, total(inside, ["visit_id"], "visit_ms"))
    delivered = total(inside.filter("is_patrol"), ["plan_id"], "delivered_ms")
    answers = _answers(asked, met, _elsewhere(asked, visits, met))
    return (
        answers.join(delivered, on="plan_id", how="left")
        .join(_sight(asked, booked, covered), on="plan_id", how="left")
        .with_columns(pl.col("delivered_ms").fill_null(0))
        .with_columns(
            answer=pl.when(pl.col("answer") == YES)
            .then(pl.lit(YES))
            .when(pl.col("n_booked") > 0, pl.col("n_seen") == 0)
            .then(pl.lit(UNKNOWN))
            .otherwise(pl.lit(NO))
        )
        .with_columns(
            reason=pl.when(pl.col("answer") != NO)
            .then(None)
            .when((pl.col("n_booked") == 0) & (pl.col("reason") == "no_visit"))
            .then(pl.lit("nobody_booked"))
            .otherwise("reason"),
            is_indeterminate=pl.col("is_indeterminate") & (pl.col("answer") != UNKNOWN),
        )
        .drop("from_ms", "to_ms", "needed_ms")
        .sort("plan_id")
    )


def _meetings(asked: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Pairs of an item and a visit to its hotspot that lies in its widened window for some time."""
    pairs = asked.select(
        "plan_id", "hotspot_id", "from_ms", "to_ms", "needed_ms", "is_issued_late",
        plan_start_ms="start_ms", plan_end_ms="end_ms", plan_mode="mode",
    ).join(visits, on="hotspot_id")  # fmt: skip
    return pairs.with_columns(
        in_from_ms=pl.max_horizontal("start_ms", "from_ms"),
        in_to_ms=pl.min_horizontal("end_ms", "to_ms"),
    ).filter(pl.col("in_to_ms") > pl.col("in_from_ms"))


def _assigned(met: pl.DataFrame) -> pl.DataFrame:
    """Each visit with the one item that it shares most time with, and what of it counts there."""
    inside = pl.col("in_to_ms") - pl.col("in_from_ms")
    proper = pl.min_horizontal("end_ms", "plan_end_ms") - pl.max_horizontal(
        "start_ms", "plan_start_ms"
    )
    best = (
        met.with_columns(
            inside_ms=inside, proper_ms=proper, off_ms=(pl.col("start_ms") - pl.col("plan_start_ms")).abs()
        )
        .sort("visit_id", "proper_ms", "inside_ms", "off_ms", "is_issued_late", "plan_id", descending=[False, True, True, False, False, False])
        .group_by("visit_id", maintain_order=True)
        .first()
    )  # fmt: skip
    is_driven = pl.col("mode").is_in(_DRIVEN)
    right_mode = (
        pl.when(pl.col("plan_mode").is_null())
        .then(pl.lit(True))
        .when(pl.col("plan_mode") == "vehicle")
        .then(is_driven)
        .otherwise(pl.col("mode") == pl.col("plan_mode"))
    )
    return best.with_columns(
        is_patrol=~pl.col("is_reactive") & ~pl.col("is_pass_through"),
        is_right_mode=right_mode.fill_null(False),
    )


def _measured(met: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    """With `visit_ms`, the patrol time of the visit in the window, and bounds of that in place of those of the whole visit."""
    more = pl.max_horizontal(pl.col("most_ms") - pl.col("patrol_ms"), 0)
    return (
        met.join(inside, on="visit_id", how="left")
        .with_columns(pl.col("visit_ms").fill_null(0))
        .with_columns(
            least_ms=pl.min_horizontal("least_ms", "visit_ms"),
            # what may be more than the headline may be in the window too
            most_ms=pl.col("visit_ms") + more,
        )
    )


def _elsewhere(asked: pl.DataFrame, visits: pl.DataFrame, met: pl.DataFrame) -> pl.DataFrame:
    """plan_id of items whose hotspot had a patrol visit on the day, but in no item's window."""
    free = visits.filter(~pl.col("is_reactive") & ~pl.col("is_pass_through")).join(met, on="visit_id", how="anti")  # fmt: skip
    day = 12 * 60 * MINUTE
    return (
        asked.select("plan_id", "hotspot_id", "from_ms", "to_ms")
        .join(free.select("hotspot_id", "start_ms"), on="hotspot_id")
        .filter(pl.col("start_ms").is_between(pl.col("from_ms") - day, pl.col("to_ms") + day))
        .select("plan_id", is_elsewhere=pl.lit(True))
        .unique()
    )


def _answers(asked: pl.DataFrame, met: pl.DataFrame, elsewhere: pl.DataFrame) -> pl.DataFrame:
    """The items with the visit that decides, the answer by it, and whether it could be another."""
    judged = met.with_columns(
        may_count=pl.col("is_patrol") & pl.col("is_right_mode"),
        is_done=pl.col("is_patrol")
        & pl.col("is_right_mode")
        & (pl.col("visit_ms") >= pl.col("needed_ms")),
    ).with_columns(
        may_be_done=pl.col("may_count") & (pl.col("most_ms") >= pl.col("needed_ms")),
        is_sure=pl.col("is_done") & (pl.col("least_ms") >= pl.col("needed_ms")),
        reason=pl.when("may_count")
        .then(pl.lit("too_short"))
        .when("is_patrol")
        .then(pl.lit("other_mode"))
        .when(pl.col("is_reactive"))
        .then(pl.lit("reactive_only"))
        .otherwise(pl.lit("passed_through")),
    )
    decided = (
        judged.sort("plan_id", "is_done", "may_count", "is_patrol", "visit_ms", "visit_id", descending=[False, True, True, True, True, False])
        .group_by("plan_id", maintain_order=True)
        .agg(
            pl.col("visit_id", "visit_ms", "n_officers", "reason", "is_done").first(),
            any_sure=pl.col("is_sure").any(),
            may_be_done=pl.col("may_be_done").any(),
        )
    )  # fmt: skip
    return (
        asked.join(decided, on="plan_id", how="left")
        .join(elsewhere, on="plan_id", how="left")
        .with_columns(
            answer=pl.when(pl.col("is_done").fill_null(False))
            .then(pl.lit(YES))
            .otherwise(pl.lit(NO)),
            reason=pl.coalesce(
                "reason",
                pl.when("is_elsewhere")
                .then(pl.lit("outside_window"))
                .otherwise(pl.lit("no_visit")),
            ),
            is_indeterminate=pl.when(pl.col("is_done").fill_null(False))
            .then(~pl.col("any_sure"))
            .otherwise(pl.col("may_be_done").fill_null(False)),
            visit_ms=pl.col("visit_ms").fill_null(0),
        )
        .drop("is_done", "any_sure", "may_be_done", "is_elsewhere")
    )


def _sight(asked: pl.DataFrame, booked: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """plan_id, n_booked, n_seen: devices on duty for the item in its widened window, and those of them with a fix in it."""
    spans = asked.select("plan_id", "team", "from_ms", "to_ms")
    on_duty = booked.rename({"team": "of_team"})
    pairs = spans.join(on_duty, how="cross").filter(
        (pl.col("team").is_null() | (pl.col("team") == pl.col("of_team")))
        & (pl.col("start_ms") < pl.col("to_ms"))
        & (pl.col("end_ms") > pl.col("from_ms"))
    )
    devices = pairs.select("plan_id", "device", "from_ms", "to_ms").unique()
    seen = (
        devices.join(covered, on="device")
        .filter((pl.col("start_ms") < pl.col("to_ms")) & (pl.col("end_ms") > pl.col("from_ms")))
        .group_by("plan_id")
        .agg(n_seen=pl.col("device").n_unique())
    )
    return (
        spans.select("plan_id")
        .join(devices.group_by("plan_id").agg(n_booked=pl.len()), on="plan_id", how="left")
        .join(seen, on="plan_id", how="left")
        .with_columns(pl.col("n_booked", "n_seen").fill_null(0))
    )
