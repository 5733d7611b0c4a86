"""The rows of one night's files: which states they hold, as lines of text in canonical columns.

Belongs here: the newest state of each record at a moment, new or changed ones since another, headers (DOMAIN §1.2,
§1.3). Does not belong here: the states (`crime.versions`), errors on purpose (`dirt`), file names and bytes
(`landing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times
from hotspot_pipeline.simulator.crime.versions import Versions
from hotspot_pipeline.simulator.force.county import Ints

# fmt: off
CRIME_COLUMNS = (
    "source_system", "crime_number", "occurrence_id", "incident_ref", "ho_offence_code",
    "offence_desc", "attempt_flag", "committed_from_local", "committed_to_local",
    "reported_ts_local", "recorded_ts_local", "easting", "northing", "geocode_quality",
    "location_type", "beat_code", "lsoa21cd", "flag_knife", "flag_firearm", "flag_alcohol",
    "flag_drugs", "flag_da", "flag_hate", "flag_online", "flag_business", "ho_outcome_code",
    "outcome_ts_local", "record_status", "cancel_reason", "merged_into", "source_last_modified",
)
ASB_COLUMNS = (
    "incident_ref", "opened_ts_local", "closed_ts_local", "opening_code", "closing_codes",
    "nsir_category", "nsir_qualifier", "asb_type", "grade", "first_arrival_ts_local", "easting",
    "northing", "geocode_quality", "linked_crime_number", "duplicate_of", "partner_source",
)
# Names after an upgrade of the source system, as the contracts know them too.
RENAMED = {
    "crime_number": "crime_ref", "incident_ref": "storm_ref", "ho_offence_code": "ho_code",
    "committed_from_local": "committed_from", "committed_to_local": "committed_to",
    "reported_ts_local": "date_reported", "recorded_ts_local": "date_recorded",
    "opened_ts_local": "opened", "closed_ts_local": "closed", "easting": "x", "northing": "y",
}
# fmt: on


@dataclass(eq=False)
class Register:
    """The states of one feed as they are put on file, and what stood at the last night asked for.

    Nights are asked for in order of time: `advance` to each once, then read `standing` and `fresh`, positions of states
    in order of record.
    """

    record: Ints
    changed: Times
    lines: pl.Series
    columns: Sequence[str]
    _newest: Ints
    _reached: int = 0
    fresh: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, versions: Versions) -> Register:
        n_records = int(versions.record.max(initial=-1)) + 1
        return cls(
            versions.record,
            versions.changed,
            csv_lines(versions.frame),
            versions.frame.columns,
            np.full(n_records, -1),
        )

    def advance(self, at: np.datetime64) -> None:
        """On to `at`: `fresh` holds the newest state of each record that is new or changed since the last call."""
        end = int(np.searchsorted(self.changed, at, side="right"))
        if end < self._reached:
            raise ValueError(f"{at} lies before the night asked for last")
        # From behind, so that the newest state of a record is met first.
        record, last = np.unique(self.record[self._reached : end][::-1], return_index=True)
        self.fresh = end - 1 - last
        self._newest[record] = self.fresh
        self._reached = end

    @property
    def standing(self) -> Ints:
        """The newest state of every record known."""
        return np.asarray(self._newest[self._newest >= 0])

    def text(self, positions: Ints, renamed: Mapping[str, str] | None = None) -> str:
        """A file of these states with its header."""
        header = ",".join((renamed or {}).get(name, name) for name in self.columns)
        if not len(positions):
            return f"{header}\n"
        rows: str = self.lines.gather(pl.Series(positions)).str.join("\n").item()
        return f"{header}\n{rows}\n"


def csv_lines(frame: pl.DataFrame) -> pl.Series:
    """Each row as a line of CSV without its end; null is empty."""
    text = frame.write_csv(include_header=False, line_terminator="\n", quote_style="necessary")
    lines = text.split("\n")[:-1]
    if len(lines) != len(frame):
        raise ValueError(
            f"{len(frame)} rows make {len(lines)} lines: a value has a line break in it"
        )
    return pl.Series(lines, dtype=pl.String)
