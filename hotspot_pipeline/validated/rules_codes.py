"""Row rules about codes and status: known offences and categories, coherent cancellations and
merges.

Belongs here: checks C9, C15 and A3 of the domain specification. Does not belong here: closed lists
of codes (the contract's `allowed`, checked by `typing`), what a code means for counts (SQL models),
whether a merged crime's survivor exists in an earlier extract (the `history` stage).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.validated.broken import broken_rows, joined
from hotspot_pipeline.validated.rule import Rule, RuleInput


def known_codes(lookup: pl.DataFrame, column: str) -> pl.Series:
    return lookup[column].cast(pl.String).drop_nulls().unique()


def _known_offence_code(given: RuleInput) -> pl.DataFrame:
    known = known_codes(given.lookup("offences", "ho_offence_code"), "ho_offence_code")
    return broken_rows(
        given.frame,
        ~pl.col("ho_offence_code").is_in(known.implode()),
        column="ho_offence_code",
        rule="known_offence_code",
        message="ho_offence_code is not in the offence lookup (it is text: leading zeros count)",
    )


def _offence_code_in_date(given: RuleInput) -> pl.DataFrame:
    lookup = given.lookup("offences", "ho_offence_code", "valid_from", "valid_to")
    periods = lookup.select(
        pl.col("ho_offence_code").cast(pl.String), _as_date("valid_from"), _as_date("valid_to")
    )
    recorded = (
        given.frame.select("ho_offence_code", pl.col("recorded_ts_local").dt.date().alias("day"))
        .unique()
        .join(periods, on="ho_offence_code")
        .with_columns(
            is_valid=(pl.col("day") >= pl.col("valid_from")).fill_null(True)
            & (pl.col("day") <= pl.col("valid_to")).fill_null(True)
        )
        .group_by("ho_offence_code", "day")
        .agg(pl.col("is_valid").any())
        .filter(~pl.col("is_valid") & pl.col("day").is_not_null())
    )
    if recorded.is_empty():
        return joined([])
    frame = given.frame.with_columns(pl.col("recorded_ts_local").dt.date().alias("day")).join(
        recorded, on=["ho_offence_code", "day"], how="semi", maintain_order="left"
    )
    return broken_rows(
        frame,
        pl.lit(True),
        column="ho_offence_code",
        rule="offence_code_in_date",
        message="ho_offence_code was not valid on the day the crime was recorded",
    )


def _as_date(column: str) -> pl.Expr:
    """A lookup's date, whether it was read as text or as a date; an empty one is open-ended."""
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return text.str.to_date("%Y-%m-%d", strict=False).alias(column)


def _known_policeuk_category(given: RuleInput) -> pl.DataFrame:
    known = known_codes(given.lookup("policeuk_categories", "crime_type"), "crime_type")
    return broken_rows(
        given.frame,
        ~pl.col("policeuk_category").is_in(known.implode()),
        column="policeuk_category",
        rule="known_policeuk_category",
        message="policeuk_category is not one of the site's crime types",
    )


def _status_coherence(given: RuleInput) -> pl.DataFrame:
    status, target = pl.col("record_status"), pl.col("merged_into")
    frame = given.frame
    rule = "status_coherence"
    return joined(
        [
            broken_rows(
                frame,
                (status == "cancelled") & pl.col("cancel_reason").is_null(),
                column="cancel_reason",
                rule=rule,
                message="record_status is cancelled and cancel_reason is empty",
            ),
            broken_rows(
                frame,
                (status == "merged") & target.is_null(),
                column="merged_into",
                rule=rule,
                message="record_status is merged and merged_into is empty",
            ),
            broken_rows(
                frame.filter(status == "merged"),
                _on_a_circle(frame.filter(status == "merged")),
                column="merged_into",
                rule=rule,
                message="merged_into leads back to the crime itself, so none of them survives",
            ),
        ]
    )


def _on_a_circle(merged: pl.DataFrame) -> pl.Series:
    """Which merged crimes are reached from themselves by following `merged_into`.

    Pointers are doubled: after k rounds each has moved 2^k steps, and once that exceeds the number
    of crimes, whoever has not left the extract stands on a circle, and every place of a circle is
    stood on by someone.
    """
    n = merged.height
    key = ["source_system", "crime_number"]
    place = (
        merged.select(*key)
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
        .unique(key, keep="last", maintain_order=True)
    )
    target = merged.select("source_system", pl.col("merged_into").alias("crime_number"))
    found = target.join(place, on=key, how="left", maintain_order="left")["place"]
    # place n stands for every crime that is not merged here, and leads to itself
    at = np.append(found.fill_null(n).to_numpy(), n)
    steps = 1
    while steps <= n:
        at = at[at]
        steps *= 2
    circle = np.zeros(n + 1, dtype=bool)
    circle[at] = True
    return pl.Series("on_a_circle", circle[:n], dtype=pl.Boolean)


def _closing_code_when_closed(given: RuleInput) -> pl.DataFrame:
    return broken_rows(
        given.frame,
        pl.col("closed_ts_local").is_not_null() & pl.col("closing_codes").is_null(),
        column="closing_codes",
        rule="closing_code_when_closed",
        message="the incident is closed and has no closing code",
    )


RULES = {
    "known_offence_code": Rule(_known_offence_code, {}, ("ho_offence_code",)),
    "offence_code_in_date": Rule(
        _offence_code_in_date, {}, ("ho_offence_code", "recorded_ts_local")
    ),
    "known_policeuk_category": Rule(_known_policeuk_category, {}, ("policeuk_category",)),
    "status_coherence": Rule(
        _status_coherence,
        {},
        ("source_system", "crime_number", "record_status", "cancel_reason", "merged_into"),
    ),
    "closing_code_when_closed": Rule(
        _closing_code_when_closed, {}, ("closed_ts_local", "closing_codes")
    ),
}
