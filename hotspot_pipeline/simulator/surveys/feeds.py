"""The files of the three feeds.

Belongs here: which rows are in which file, when it arrives, and the order of work. Does not belong here: what the rows say, the truth (`truth`).

    out/landing/survey_responses/…   a file a wave, when the agency has finished
    out/landing/qr_feedback/…        a file a month, on the 3rd of the next
    out/landing/ed_attendances/…     a file a month, on the 10th of the next
    out/truth/surveys/…              hidden effects, coefficients, who was asked, which attendance is which event
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery.landing import (
    DeliveryFolder,
    Parcel,
    csv_text,
    stamp,
)
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.simulator.surveys import answers, ed, qr
from hotspot_pipeline.simulator.surveys.areas import (
    AWARE_EFFECT_SD,
    ICC,
    RATING_EFFECT_SD,
    choose_areas,
)
from hotspot_pipeline.simulator.surveys.survey import SURVEY_COLUMNS, Wave, make_wave
from hotspot_pipeline.simulator.surveys.truth import (
    ED,
    QR,
    SURVEY,
    SurveysTruth,
    ed_dirt,
    qr_dirt,
    survey_dirt,
    write_surveys_truth,
)

WAVES = (1, 2)
QR_ARRIVES, ED_ARRIVES = (3, time(7)), (10, time(9))  # day and hour of the next month


def deliver_surveys(
    streams: Streams,
    profile: Profile,
    out_folder: Path,
    county: County,
    premises: Premises,
    places: pl.DataFrame,
    patrol_minutes: pl.DataFrame,
    events: pl.DataFrame | None = None,
) -> SurveysTruth:
    """Writes the survey, QR and emergency-department feeds below `out_folder` and returns the truth.

    `places`: `trial.frames.PLACES`. `patrol_minutes`: `place`, `minutes_per_day` over the patrol period, background included.
    `events`: true events that the police will record: `event_id`, `kind`, `at_local`, `cell`, `true_easting`, `true_northing`; without
    them no attendance is linked to one. The same arguments write the same bytes.
    """
    areas = choose_areas(streams("surveys", "areas"), profile, county, places, patrol_minutes)
    waves = [make_wave(streams("surveys", "wave", k), profile, k, areas) for k in WAVES]
    until = _last_moment(profile)
    forms = qr.make_forms(streams("surveys", "qr"), profile, places, patrol_minutes)
    attendances = ed.make_attendances(
        streams("surveys", "ed"), profile, county, premises, events, until
    )
    patrols_from = profile.start + timedelta(days=profile.patrol_day)
    with DeliveryFolder(out_folder) as folder:
        dirt = [survey_dirt(wave, _write_wave(folder, wave)) for wave in waves]
        forms_in = _write_months(
            folder,
            QR,
            forms.select(qr.QR_COLUMNS),
            "submitted_ts_local",
            patrols_from,
            until,
            QR_ARRIVES,
        )
        treated_in = _write_months(
            folder,
            ED,
            attendances.select(ed.ED_COLUMNS),
            "arrival_ts_local",
            profile.start,
            until,
            ED_ARRIVES,
        )
    forms = forms.join(forms_in, on="qr_id", how="left", maintain_order="left")
    attendances = attendances.join(
        treated_in, on="attendance_id", how="left", maintain_order="left"
    )
    dirt += [qr_dirt(forms), ed_dirt(attendances)]
    coefficients = {
        **asdict(answers.COEFFICIENTS),
        "icc": ICC,
        "aware_effect_sd": AWARE_EFFECT_SD,
        "rating_effect_sd": RATING_EFFECT_SD,
    }
    truth = SurveysTruth(
        areas,
        pl.concat([wave.people for wave in waves]),
        forms,
        attendances,
        pl.concat(dirt),
        coefficients,
        tuple(folder.deliveries),
    )
    write_surveys_truth(out_folder, truth, waves)
    return truth


def _send(
    folder: DeliveryFolder, feed: str, name: str, arrives: datetime, rows: pl.DataFrame
) -> str:
    """A CSV file; returns its name, which ends in the moment it was taken."""
    at = np.datetime64(arrives, "s")
    file = f"{name}_{stamp(at)}.csv"
    text = csv_text(rows.with_columns(pl.col(pl.String).replace("", None)))
    folder.send(Parcel(feed, [(file, at)], "delta", text, len(rows), at, len(rows)))
    return file


def _write_wave(folder: DeliveryFolder, wave: Wave) -> str:
    return _send(
        folder,
        SURVEY,
        f"wave{wave.number}",
        datetime.combine(wave.delivered_on, time(9)),
        wave.rows.select(SURVEY_COLUMNS),
    )


def _write_months(
    folder: DeliveryFolder,
    feed: str,
    rows: pl.DataFrame,
    moment: str,
    first_day: date,
    until: datetime,
    arrives: tuple[int, time],
) -> pl.DataFrame:
    """A file a calendar month, empty ones too; the last arrives at `until` with the month so far. Returns key, file, line."""
    key = rows.columns[0]
    placed = []
    for first, last in _months(first_day, (until - timedelta(seconds=1)).date()):
        next_month = (last.replace(day=1) + timedelta(days=32)).replace(day=1)
        arrival = min(datetime.combine(next_month.replace(day=arrives[0]), arrives[1]), until)
        mine = rows.filter(pl.col(moment).dt.date().is_between(first, last))
        text = mine.with_columns(
            pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M" if feed == ED else "%Y-%m-%d %H:%M:%S")
        )
        if feed == ED:
            text = text.select(
                "attendance_id",
                "site_code",
                period_start=pl.lit(str(first)),
                period_end=pl.lit(str(last)),
            ).hstack(text.drop("attendance_id", "site_code"))
        file = _send(folder, feed, f"{feed}_{first:%Y-%m}", arrival, text)
        placed.append(mine.select(key, file=pl.lit(file), line=pl.int_range(2, pl.len() + 2)))
    return pl.concat(placed)


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each calendar month between two days, cut off at both."""
    while first <= last:
        next_month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(next_month - timedelta(days=1), last)
        first = next_month


def _last_moment(profile: Profile) -> datetime:
    """Attendances and forms after this moment are not delivered any more: the morning of the last night's files."""
    return profile.end_local - timedelta(hours=4)
