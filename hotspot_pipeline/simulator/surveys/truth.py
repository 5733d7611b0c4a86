"""What is behind the files of the three feeds, and what is wrong in them on purpose.

Belongs here: the truth as frames and below truth/surveys/. Does not belong here: the files (`feeds`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from hotspot_pipeline.simulator.delivery.landing import TRUTH, Delivery, csv_text, write_file
from hotspot_pipeline.simulator.surveys.survey import Wave

SURVEY, QR, ED = "survey_responses", "qr_feedback", "ed_attendances"
DIRT = {
    "kind": pl.String, "feed": pl.String, "file": pl.String, "line": pl.Int64, "key": pl.String, "column": pl.String,
    "value": pl.String, "rule": pl.String,
}  # fmt: skip
_RULES = {"row_twice": "unique_key", "number_twice": "unique_key"}


@dataclass(frozen=True, eq=False)
class SurveysTruth:
    """What is behind the files; the same is below truth/surveys/.

    `areas`: see `areas.AREAS`. `people`: everybody asked in both waves. `forms`, `attendances`: rows of the feed with their
    truth and the `file` they came in. `dirt`: what is wrong on purpose. `coefficients`: by name.
    """

    areas: pl.DataFrame
    people: pl.DataFrame
    forms: pl.DataFrame
    attendances: pl.DataFrame
    dirt: pl.DataFrame
    coefficients: Mapping[str, float]
    deliveries: tuple[Delivery, ...]


def survey_dirt(wave: Wave, file: str) -> pl.DataFrame:
    """Lines of people who answered on one line, and both lines of a number that stands there twice; `value` is the number
    that a line should have."""
    rows = wave.rows.select(
        "is_straight", "own_id", key="resp_id", line=pl.int_range(2, pl.len() + 2), n=pl.len().over("resp_id"),
        is_one_person=pl.col("own_id").n_unique().over("resp_id") == 1,
    )  # fmt: skip
    twice = pl.when("is_one_person").then(pl.lit("row_twice")).otherwise(pl.lit("number_twice"))
    found = [
        rows.filter("is_straight").with_columns(kind=pl.lit("straight_liner")),
        rows.filter(pl.col("n") > 1).with_columns(kind=twice),
    ]
    return _as_dirt(
        pl.concat(found),
        SURVEY,
        file=pl.lit(file),
        column=pl.lit("resp_id"),
        value=pl.col("own_id"),
    )


def qr_dirt(forms: pl.DataFrame) -> pl.DataFrame:
    twice = forms.filter(pl.col("repeat_of").is_not_null())
    return _as_dirt(
        twice.with_columns(kind=pl.lit("sent_twice"), key="qr_id"),
        QR,
        column=pl.lit("device_hash"),
        value=pl.col("device_hash"),
    )


def ed_dirt(attendances: pl.DataFrame) -> pl.DataFrame:
    column, value = (
        pl.lit("assault_ts_local"),
        pl.col("assault_ts_local").dt.strftime("%Y-%m-%d %H:%M"),
    )
    kinds = {
        "assault_after_arrival": (pl.col("is_after_arrival"), column, value),
        "no_assault_time": (pl.col("assault_ts_local").is_null(), column, pl.lit("")),
        "no_method": (pl.col("assault_method") == "", pl.lit("assault_method"), pl.lit("")),
    }
    return pl.concat(
        _as_dirt(
            attendances.filter(is_so).with_columns(kind=pl.lit(kind), key="attendance_id"),
            ED,
            column=where,
            value=what,
        )
        for kind, (is_so, where, what) in kinds.items()
    )


def _as_dirt(rows: pl.DataFrame, feed: str, **more: pl.Expr) -> pl.DataFrame:
    rule = pl.col("kind").replace_strict(_RULES, default="")
    return rows.with_columns(feed=pl.lit(feed), rule=rule, **more).select(
        pl.col(name).cast(kind) for name, kind in DIRT.items()
    )


def write_surveys_truth(out: Path, truth: SurveysTruth, waves: list[Wave]) -> None:
    frames = {
        "areas": truth.areas,
        "people": truth.people,
        "forms": truth.forms.select("qr_id", "file", "line", "place", "p_seen", "score", "repeat_of"),
        "attendances": truth.attendances.select(
            "attendance_id", "file", "line", "event_id", "true_arrival_local", "true_assault_local", "true_cell", "true_easting", "true_northing", "is_usable",
        ),
        "dirt": truth.dirt,
    }  # fmt: skip
    root = out / TRUTH / "surveys"
    for name, frame in frames.items():
        text = frame.with_columns(
            pl.col(pl.Float64).round(6), pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S")
        )
        write_file(root / f"{name}.csv", csv_text(text).encode())
    facts = {
        "coefficients": dict(truth.coefficients),
        "waves": {str(w.number): {"first_day": str(w.first_day), "last_day": str(w.last_day), "delivered_on": str(w.delivered_on),
                                  "n_asked": len(w.people), "n_rows": len(w.rows)} for w in waves},
        "n_forms": len(truth.forms),
        "n_attendances": len(truth.attendances),
        "n_attendances_known_to_police": truth.attendances["event_id"].count(),
        "files": [asdict(delivery) for delivery in truth.deliveries],
    }  # fmt: skip
    write_file(root / "surveys.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())
