"""The crime and ASB feeds of a whole simulation, from first records to files.

Belongs here: the order of work: shocks that touch records, changes, states, files, truth. Does not belong here: any of
the work.

    out/landing/crime_extract, asb_extract   a first full extract, then a delta a night and a full one a week
    out/landing/venues, …                    the places, once
    out/manifests/<feed>                     what the source system says it sent, file by file
    out/reference                            a new offence lookup, where the rules change
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hotspot_pipeline.simulator.delivery.landing import DeliveryFolder, deliveries_frame
from hotspot_pipeline.simulator.delivery.nights import deliver_feed, deliver_places
from hotspot_pipeline.simulator.delivery.plan import DeliveryPlan, Nightly, plan_of
from hotspot_pipeline.simulator.delivery.reference import write_lookup_change
from hotspot_pipeline.simulator.delivery.story import SHOCK_SCHEMA, Story
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams

Progress = Callable[[str, int, int], None]  # what, how many done, of how many


@dataclass(frozen=True, eq=False)
class RecordsTruth:
    """What really became of the records.

    `crimes`: the given crimes as first recorded, with `is_recorded` (false: the recording rule kept it out) and
    `is_audit_add`. `crime_changes`, `asb_changes`: every value that changed until the last night, columns
    crime_number or incident_ref and those of `versions.LEDGER`. `defects`: columns of `mishaps.DEFECT_SCHEMA`.
    `deliveries`: columns of `landing.DELIVERY_SCHEMA`, in order of sending. `shocks`: which scripted event touched
    which record (`key`), or one row where it touched files.
    """

    crimes: pl.DataFrame
    crime_changes: pl.DataFrame
    asb_changes: pl.DataFrame
    defects: pl.DataFrame
    deliveries: pl.DataFrame
    shocks: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        return {
            "crime_changes": self.crime_changes,
            "asb_changes": self.asb_changes,
            "dirt": self.defects,
            "deliveries": self.deliveries,
            "shocks": self.shocks,
        }


def deliver_records(
    streams: Streams,
    profile: Profile,
    out_folder: Path,
    crimes: pl.DataFrame,
    asb: pl.DataFrame,
    county: County,
    premises: Premises,
    *,
    nightly: Nightly = "delta",
    offence_lookup: Path,
    progress: Progress | None = None,
) -> RecordsTruth:
    """Writes all files of the crime, ASB and place feeds below `out_folder`; the same arguments, the same bytes.

    `crimes` and `asb` as they are when first recorded, numbered, in order of `idx` from 0. `offence_lookup` is the
    project's own lookup, of which a profile with the shock `lookup_change` gets a changed copy.
    """
    return deliver(
        streams, plan_of(profile, nightly), out_folder, crimes, asb, county, premises,
        offence_lookup=offence_lookup, progress=progress,
    )  # fmt: skip


def deliver(
    streams: Streams,
    calendar: DeliveryPlan,
    out_folder: Path,
    crimes: pl.DataFrame,
    asb: pl.DataFrame,
    county: County,
    premises: Premises,
    *,
    offence_lookup: Path | None = None,
    progress: Progress | None = None,
) -> RecordsTruth:
    """`deliver_records` by a plan; without `offence_lookup` no changed lookup is written."""
    story = Story(streams, calendar, crimes, asb, county)
    _write_lookup(story, out_folder, offence_lookup)
    default_geocodes = premises.default_geocodes
    n_done, n_all = 0, 2 * calendar.n_nights

    def advanced() -> None:
        nonlocal n_done
        n_done += 1
        if progress is not None:
            progress("nights", n_done, n_all)

    folder = DeliveryFolder(out_folder)
    with folder:
        deliver_places(folder, premises, calendar.first)
        crime_changes = story.crime_ledger()
        defects = [
            deliver_feed(
                streams,
                folder,
                calendar,
                "crime_extract",
                story.take_crimes(),
                default_geocodes,
                advanced,
            )
        ]
        asb_changes = story.asb_ledger()
        defects.append(
            deliver_feed(
                streams,
                folder,
                calendar,
                "asb_extract",
                story.take_asb(),
                default_geocodes,
                advanced,
            )
        )
    return RecordsTruth(
        story.truth,
        crime_changes,
        asb_changes,
        pl.concat(defects),
        deliveries_frame(folder.deliveries),
        pl.DataFrame(story.shocks, schema=SHOCK_SCHEMA, orient="row"),
    )


def _write_lookup(story: Story, out_folder: Path, offence_lookup: Path | None) -> None:
    day = story.calendar.shocks.get("lookup_change")
    if day is not None and offence_lookup is not None:
        write_lookup_change(out_folder, offence_lookup, story.calendar.calendar_day(day))
