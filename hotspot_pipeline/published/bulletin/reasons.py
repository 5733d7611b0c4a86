"""Why a record counts otherwise than at the last issue, and in which figures that shows.

Frames in, frames out. A record was new, was recoded, or did not change while a rule, a lookup, a place or a hotspot did. Not here: reading
(`tracing.py`), sentences (`words.py`).
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from hotspot_pipeline.published.bulletin.figures import ALL, FORCE, WINDOW, LastIssue
from hotspot_pipeline.published.bulletin.tracing import RECORD

CAME, MOVED = "came new", "moved"
# of several recodes of a record the one that accounts for the difference is named; these end or begin its counting by themselves
_WHOLE = ("status", "missing", "returned", "withdrawn")
_ORDER = ("class", "geo", "time", "flags", *_WHOLE)
_BY_EXCLUSION = {
    "not_live": "status", "linked_to_crime": "status", "duplicate_call": "status", "out_of_scope_category": "class",
    "domestic": "flags", "online": "flags",
}  # fmt: skip
# what a recode says of its record in the bulletin; what is not here says it as history does
_SHORT = {
    "class": "reclassified", "time": "re-dated", "flags": "with other flags", "missing": "no longer in the source",
    "returned": "in the source again", "withdrawn": "known from withdrawn deliveries only",
}  # fmt: skip
_SHORT_WORDS = {
    "location found": "located", "location lost": "without a location now",
    "the kind of place or the precision of the location changed": "with another kind or precision of place",
    "the reason of its status changed": "with another reason of its status",
}  # fmt: skip


def reasoned(records: pl.DataFrame, recodes: pl.DataFrame) -> pl.DataFrame:
    """The records with `origin` (new, recoded, other) and `change`, the reason in a word or two.

    `records`: as `tracing.changed_records` gives them; `recodes`: as `tracing.recodes_since`. Every record gets one reason: of several
    recodes the one that fits what changed in the counting, then the newest.
    """
    left, came = pl.col("cat_group_now").is_null(), pl.col("cat_group_then").is_null()
    reason = pl.col("exclusion_reason").replace_strict(
        _BY_EXCLUSION, default="geo", return_dtype=pl.String
    )
    fits = (
        pl.when(left)
        .then(reason)
        .when(came)
        .then(pl.lit("status"))
        .when(_differs("cat_group"))
        .then(pl.lit("class"))
        .when(_differs("event_date"))
        .then(pl.lit("time"))
        .otherwise(pl.lit("geo"))
    )
    order = pl.col("aspect").replace_strict(
        {a: n for n, a in enumerate(_ORDER, 2)}, return_dtype=pl.Int64
    )
    rank = (
        pl.when((left | came) & pl.col("aspect").is_in(_WHOLE))
        .then(0)
        .when(pl.col("aspect") == fits)
        .then(1)
        .otherwise(order)
    )
    named = (
        recodes.join(records, on=RECORD)
        .with_columns(rank=rank)
        .sort("rank", "known_from_utc", "aspect", descending=[False, True, False])
        .unique(RECORD, keep="first", maintain_order=True)
        .select(*RECORD, recode=_short())
    )
    origin = (
        pl.when(came & pl.col("is_new"))
        .then(pl.lit("new"))
        .when(pl.col("recode").is_not_null())
        .then(pl.lit("recoded"))
        .otherwise(pl.lit("other"))
    )
    return (
        records.join(named, on=RECORD, how="left")
        .with_columns(origin=origin)
        .with_columns(
            change=pl.when(pl.col("origin") == "new")
            .then(pl.lit(CAME))
            .when(pl.col("origin") == "recoded")
            .then("recode")
            .when(left)
            .then(_not_counted())
            .when(came)
            .then(pl.lit("counted now"))
            .when(_differs("cat_group"))
            .then(pl.lit("in another group by the lookup"))
            .when(_differs("event_date"))
            .then(pl.lit("dated otherwise"))
            .otherwise(pl.lit("in other hotspot cells"))
        )
        .drop("recode")
        .sort(RECORD)
    )


def shown_in(
    records: pl.DataFrame, windows: pl.DataFrame, hotspots: Collection[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """In which figures of the force and of `hotspots` the records show, counted; and the records that show in any.

    The first has figure, place, cat_group, period_from, origin, change, sign (1 into it, -1 out of it) and n. `records`: as `reasoned`
    gives them; `windows`: the selection windows (period_from, period_to, last day included). A record that counts in the same figure
    before and after does not show in it.
    """
    numbered = records.with_row_index("record")
    keys = ["figure", "place", "cat_group", "period_from"]
    sides = [
        part.with_columns(sign=pl.lit(sign, pl.Int64))
        for side, sign in (("then", -1), ("now", 1))
        for part in _of_side(numbered, side, windows)
    ]
    shown = (
        pl.concat(sides)
        .group_by("record", "origin", "change", *keys)
        .agg(pl.col("sign").sum())
        .filter(pl.col("sign") != 0, pl.col("place").is_in([FORCE, *hotspots]))
    )
    counted = shown.group_by(*keys, "origin", "change", "sign").agg(n=pl.len().cast(pl.Int64))
    return (
        counted.sort(*keys, "origin", "change", "sign"),
        numbered.join(shown, on="record", how="semi", maintain_order="left").drop("record"),
    )


def _of_side(records: pl.DataFrame, side: str, windows: pl.DataFrame) -> list[pl.DataFrame]:
    """A row for each record and figure that it counts in on this side."""
    counted = records.filter(pl.col(f"cat_group_{side}").is_not_null())
    week, day = pl.col(f"week_start_{side}"), pl.col(f"event_date_{side}")
    hotspot, group = pl.col(f"hotspot_id_{side}"), pl.col(f"cat_group_{side}")
    period = pl.when(week.is_null()).then(pl.lit("month")).otherwise(pl.lit("week"))

    def figure(rows: pl.DataFrame, name: pl.Expr, place: pl.Expr, of: pl.Expr, start: pl.Expr) -> pl.DataFrame:  # fmt: skip
        return rows.select("record", "origin", "change", figure=name, place=place, cat_group=of, period_from=start)  # fmt: skip

    in_hotspots = counted.filter(hotspot.is_not_null())
    windowed = in_hotspots.join(windows, how="cross").filter(
        day.is_between(pl.col("period_from"), pl.col("period_to"))
    )
    return [
        figure(counted, pl.concat_str(pl.lit("force_"), period), pl.lit(FORCE), group, week.fill_null(day)),
        figure(in_hotspots, pl.concat_str(pl.lit("hotspot_"), period), hotspot, pl.lit(ALL), week.fill_null(day)),
        figure(windowed, pl.lit(WINDOW), hotspot, pl.lit(ALL), pl.col("period_from")),
    ]  # fmt: skip


def _differs(name: str) -> pl.Expr:
    return pl.col(f"{name}_then").ne_missing(pl.col(f"{name}_now"))


def _short() -> pl.Expr:
    """A recode in a word or two: `moved 512 m, to another cell` is `moved`; of a status its own words."""
    words = pl.col("words")
    return (
        pl.when((pl.col("aspect") == "geo") & words.str.starts_with("moved"))
        .then(pl.lit(MOVED))
        .when(pl.col("aspect").is_in(["status", "geo"]))
        .then(words.replace(_SHORT_WORDS))
        .otherwise(pl.col("aspect").replace_strict(_SHORT, default=None, return_dtype=pl.String))
    )


def _not_counted() -> pl.Expr:
    return (
        pl.when(pl.col("exclusion_reason").is_null())
        .then(pl.lit("no longer on record"))
        .otherwise(
            pl.concat_str(
                pl.lit("no longer counted ("),
                pl.col("exclusion_reason").str.replace_all("_", " "),
                pl.lit(")"),
            )
        )
    )


def windows_of(figures: pl.DataFrame) -> pl.DataFrame:
    """The selection windows among the figures."""
    return figures.filter(pl.col("figure") == WINDOW).select("period_from", "period_to").unique()


def late(records: pl.DataFrame, last: LastIssue) -> pl.DataFrame:
    """The new records of weeks that had ended, and of months that had been delivered, at the last issue."""
    week = pl.col("week_start_now")
    ended = (
        pl.when(week.is_null())
        .then(pl.col("event_date_now") <= pl.lit(last.month_to, pl.Date))
        .otherwise(week + pl.duration(days=6) <= last.data_to)
    )
    return records.filter(pl.col("origin") == "new", ended)
