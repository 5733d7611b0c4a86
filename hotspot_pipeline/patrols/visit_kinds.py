"""What kind of visit it was: on foot or not, how long, funded or not, to a call or on patrol.

Here: labels by the rules of `VisitRules`. Not here: which stays make a visit (`visits`).

Mode: `foot` where the median of the fixes' speeds is at most 2.5 m/s and three in four are at most 4, `cycle` where nine in ten are at most
6, else `vehicle`; `static_vehicle` where a vehicle's device (or one without an officer) stands for half of its fixes or more; `unknown`
without any speed. Quantiles are nearest ranks. DOMAIN §4.5 asks for nine in ten at most 4: a crew that drives up and away within the area has
a fast minute at either end, and at a fix a minute that is more than a tenth of a quarter of an hour: of 67 foot patrols of a simulated
force six were called driven.
Class by `patrol_ms`: `pass_through` under 3 minutes or driven (under a fifth of the fixes at walking speed), `short` under 10,
`koper` to 16 (Koper 1995, Justice Quarterly 12(4), 649-672: 10 to 16 minutes), `standard` to 30, `extended`.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.patrols.rules import VisitRules

MODES = ("foot", "cycle", "vehicle", "static_vehicle", "unknown")
CLASSES = ("pass_through", "short", "koper", "standard", "extended")


def with_kinds(visits: pl.DataFrame, rules: VisitRules) -> pl.DataFrame:
    """The visits with mode, visit_class, is_funded, is_reactive and is_dose in place of what they follow from."""
    n = pl.col("n_speeds")
    mode = (
        pl.when(n == 0).then(pl.lit("unknown"))
        .when(pl.col("is_vehicle") & (2 * pl.col("n_still") >= n)).then(pl.lit("static_vehicle"))
        .when((2 * pl.col("n_foot") >= n) & (4 * pl.col("n_brisk") >= 3 * n)).then(pl.lit("foot"))
        .when(10 * pl.col("n_cycle") >= 9 * n).then(pl.lit("cycle"))
        .otherwise(pl.lit("vehicle"))
    )  # fmt: skip
    patrol = pl.col("patrol_ms")
    is_driven = (pl.col("mode") == "vehicle") & (pl.col("n_foot") < rules.least_foot_share * n)
    visit_class = (
        pl.when((patrol < rules.pass_through_ms) | is_driven).then(pl.lit("pass_through"))
        .when(patrol < rules.koper_from_ms).then(pl.lit("short"))
        .when(patrol <= rules.koper_to_ms).then(pl.lit("koper"))
        .when(patrol <= rules.standard_to_ms).then(pl.lit("standard"))
        .otherwise(pl.lit("extended"))
    )  # fmt: skip
    kinds = visits.with_columns(mode=mode).with_columns(
        visit_class=visit_class,
        is_funded=(pl.col("deployment") == rules.funded_deployment).fill_null(False),
        is_reactive=_is_reactive(visits, rules),
    )
    is_dose = pl.col("is_crewed") & ~pl.col("is_reactive") & (pl.col("mode") != "static_vehicle")
    return kinds.with_columns(is_dose=is_dose).drop(
        "is_vehicle", "n_speeds", "n_still", "n_foot", "n_brisk", "n_cycle", "first_scene_ms", "last_scene_ms"
    )  # fmt: skip


def _is_reactive(visits: pl.DataFrame, rules: VisitRules) -> pl.Series:
    """Whether the party was at a scene in the zone within ten minutes of the visit."""
    scenes = visits.filter(pl.col("first_scene_ms").is_not_null()).select(
        "party", "zone", first="first_scene_ms", last="last_scene_ms"
    )
    near = visits.select("visit", "party", "zone", "start_ms", "end_ms").join(scenes, on=["party", "zone"]).filter(
        pl.col("first") <= pl.col("end_ms") + rules.reactive_ms,
        pl.col("last") >= pl.col("start_ms") - rules.reactive_ms,
    )  # fmt: skip
    return visits.get_column("visit").is_in(near.get_column("visit").implode())
