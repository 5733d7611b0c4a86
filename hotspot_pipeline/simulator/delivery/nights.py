"""Which files arrive on which night, and what goes wrong with them.

Belongs here: the calendar of one demo's deliveries and where the errors are put. Does not belong
here: the rows (`extracts`), the errors themselves (`dirt`), bytes on disk (`landing`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery import dirt
from hotspot_pipeline.simulator.delivery.extracts import as_text, asb_extract, crime_extract
from hotspot_pipeline.simulator.delivery.landing import DeliveryFolder, csv_text, stamp
from hotspot_pipeline.simulator.force.premises import Premises

# On which of the nightly deltas (1 = the first) something goes wrong with the crime file.
NIGHT_WRONG_FIELDS, NIGHT_SENT_TWICE, NIGHT_REPEATED_NUMBERS, NIGHT_PICTURE = 3, 5, 6, 8
MIN_NIGHTS = NIGHT_PICTURE
SENT_AGAIN_AFTER_H = 7  # somebody in the office sends it by hand


def deliver_places(folder: DeliveryFolder, premises: Premises, at: np.datetime64) -> None:
    for feed, frame in (
        ("venues", premises.venues),
        ("excluded_sites", premises.excluded_sites),
        ("default_geocodes", premises.default_geocodes),
    ):
        folder.write_text(feed, f"{feed}_{stamp(at)}.csv", "full", csv_text(as_text(frame)))


def deliver_crimes(
    rng: np.random.Generator,
    folder: DeliveryFolder,
    crimes: pl.DataFrame,
    changes: dict[str, pl.DataFrame],
    premises: Premises,
    nights: list[np.datetime64],
) -> list[dirt.Defect]:
    feed = "crime_extract"
    deltas = [crime_extract(crimes, changes, at, since) for since, at in pairwise(nights)]
    # An error stays until the record is sent again, so spoil records that are not.
    sent_again = pl.concat([delta["crime_number"] for delta in deltas]).unique()
    file = f"crime_full_{stamp(nights[0])}.csv"
    full, defects = dirt.spoil_crimes(
        rng, crime_extract(crimes, changes, nights[0], None), sent_again, file
    )
    defects += dirt.unusual_rows(full, premises.default_geocodes, feed, file)
    folder.write_text(feed, file, "full", csv_text(full))
    for night, (at, delta) in enumerate(zip(nights[1:], deltas, strict=True), start=1):
        file = f"crime_delta_{stamp(at)}.csv.gz"
        if night == NIGHT_REPEATED_NUMBERS:
            delta, found = dirt.repeat_crimes(rng, delta, 2, file)
            defects += found
        defects += dirt.unusual_rows(delta, premises.default_geocodes, feed, file)
        text = csv_text(delta)
        if night == NIGHT_WRONG_FIELDS:
            text, found = dirt.break_fields(rng, text, delta["crime_number"].to_list(), file)
            defects += found
        data = folder.write_text(feed, file, "delta", text)
        in_the_morning = stamp(at + np.timedelta64(SENT_AGAIN_AFTER_H, "h"))
        if night == NIGHT_SENT_TWICE:
            again = f"crime_delta_{in_the_morning}.csv.gz"
            folder.write_bytes(feed, again, "delta", data, len(delta))
            defects.append(dirt.Defect("delivered_twice", feed, again, None, file, "", "", "C2"))
        if night == NIGHT_PICTURE:
            wrong = f"crime_delta_{in_the_morning}.csv"
            folder.write_bytes(feed, wrong, "unreadable", dirt.picture(rng), 0)
            defects.append(dirt.Defect("not_a_csv", feed, wrong, None, "", "", "PNG", "C1"))
    return defects


def deliver_asb(
    rng: np.random.Generator,
    folder: DeliveryFolder,
    asb: pl.DataFrame,
    premises: Premises,
    nights: list[np.datetime64],
) -> list[dirt.Defect]:
    feed = "asb_extract"
    deltas = [asb_extract(asb, at, since) for since, at in pairwise(nights)]
    sent_again = pl.concat([delta["incident_ref"] for delta in deltas]).unique()
    file = f"asb_full_{stamp(nights[0])}.csv"
    full, defects = dirt.spoil_asb(rng, asb_extract(asb, nights[0], None), sent_again, file)
    defects += dirt.unusual_rows(full, premises.default_geocodes, feed, file)
    folder.write_text(feed, file, "full", csv_text(full))
    for at, delta in zip(nights[1:], deltas, strict=True):
        file = f"asb_delta_{stamp(at)}.csv"
        defects += dirt.unusual_rows(delta, premises.default_geocodes, feed, file)
        folder.write_text(feed, file, "delta", csv_text(delta))
    return defects
