"""What becomes of the records of a whole simulation, and which scripted event had a hand in it.

Belongs here: the order in which shocks and changes act on records (DOMAIN §8.3). Does not belong here: what they do
(`crime.shocks`, `crime.recodes`), files (`records`, `nights`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import logs, recodes, shocks
from hotspot_pipeline.simulator.crime.versions import Versions, ledger, make_versions
from hotspot_pipeline.simulator.delivery.extracts import ASB_COLUMNS, CRIME_COLUMNS
from hotspot_pipeline.simulator.delivery.plan import MISSING_NIGHTS, RENAMED_NIGHTS, DeliveryPlan
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.streams import Streams

SHOCK_SCHEMA = {
    "shock": pl.String,
    "day": pl.Int64,
    "date": pl.String,
    "key": pl.String,
    "detail": pl.String,
}


class Story:
    """What becomes of the records, and which scripted event had a hand in it."""

    def __init__(
        self,
        streams: Streams,
        calendar: DeliveryPlan,
        crimes: pl.DataFrame,
        asb: pl.DataFrame,
        county: County,
    ) -> None:
        self.calendar = calendar
        self.shocks: list[tuple[str, int, str, str | None, str]] = []
        self._files_only()
        crimes, is_audit_add = self._audited(streams, crimes, asb)
        self.changes = recodes.make_changes(streams, crimes)
        self._regeocoded(streams, crimes, county)
        is_out = self._kept_out(streams, crimes)
        self.truth = crimes.with_columns(
            is_recorded=pl.Series(~is_out), is_audit_add=pl.Series(is_audit_add)
        )
        gone = crimes.filter(pl.Series(is_out))["crime_number"]
        self.changes["status"] = shocks.merged_elsewhere(self.changes["status"], gone)
        # A call that led to no crime stays a call.
        link = pl.col("linked_crime_number")
        asb = asb.with_columns(linked_crime_number=pl.when(~link.is_in(gone.implode())).then(link))
        self.crimes: Versions | None = make_versions(
            crimes.with_columns(**recodes.EMPTY_AT_FIRST),
            "recorded_ts_local",
            self.changes,
            recodes.FAMILIES,
            CRIME_COLUMNS,
        ).without(is_out)
        self.log_changes = logs.log_changes(streams("recodes", "asb"), asb)
        self.asb: Versions | None = make_versions(
            logs.first_states(asb), "opened_ts_local", self.log_changes, logs.FAMILIES, ASB_COLUMNS
        )

    def crime_ledger(self) -> pl.DataFrame:
        assert self.crimes is not None
        until = self.calendar.last
        return ledger(self.crimes, "crime_number", self.changes, recodes.FAMILIES, until)

    def asb_ledger(self) -> pl.DataFrame:
        assert self.asb is not None
        until = self.calendar.last
        return ledger(self.asb, "incident_ref", self.log_changes, logs.FAMILIES, until)

    def take_crimes(self) -> Versions:
        """The states of the crimes, which are not kept here any longer: they are large."""
        taken, self.crimes = self.crimes, None
        assert taken is not None
        return taken

    def take_asb(self) -> Versions:
        taken, self.asb = self.asb, None
        assert taken is not None
        return taken

    def _happens(self, shock: str, keys: list[str] | list[None], detail: str) -> None:
        day = self.calendar.shocks[shock]
        date = self.calendar.calendar_day(day).isoformat()
        self.shocks += [(shock, day, date, key, detail) for key in keys]

    def _files_only(self) -> None:
        details = {
            "lookup_change": "a code moves to another group from this date",
            "missing_nights": f"{MISSING_NIGHTS} nights without files, delivered late, one of them twice",
            "partial_full": "the next full extract is cut off",
            "renamed_columns": f"other column names for {RENAMED_NIGHTS} nights",
        }
        for shock, detail in details.items():
            if shock in self.calendar.shocks:
                self._happens(shock, [None], detail)

    def _audited(
        self, streams: Streams, crimes: pl.DataFrame, asb: pl.DataFrame
    ) -> tuple[pl.DataFrame, np.ndarray]:
        day = self.calendar.shocks.get("audit_adds")
        if day is None:
            return crimes, np.zeros(len(crimes), dtype=bool)
        n = round(shocks.AUDIT_RECORDS * self.calendar.volume)
        linked = asb["linked_crime_number"].drop_nulls()
        date = np.datetime64(self.calendar.calendar_day(day), "D")
        late = shocks.audit_adds(streams("shocks", "audit_adds"), crimes, date, n, linked)
        is_added = (late["recorded_ts_local"] != crimes["recorded_ts_local"]).to_numpy()
        keys = crimes.filter(pl.Series(is_added))["crime_number"].to_list()
        self._happens("audit_adds", keys, "found by an audit and recorded late")
        return late, is_added

    def _regeocoded(self, streams: Streams, crimes: pl.DataFrame, county: County) -> None:
        day = self.calendar.shocks.get("batch_regeocode")
        if day is None:
            return
        # late in the evening before that night's extract, never in the hour the clocks skip
        at = self.calendar.at(day) - np.timedelta64(3, "h")
        rng = streams("shocks", "batch_regeocode")
        self.changes["geo"], town = shocks.batch_regeocode(
            rng, crimes, self.changes["geo"], county, at
        )
        batch = self.changes["geo"].filter(pl.col("event") == "batch_regeocoded")["idx"]
        keys = crimes["crime_number"][batch.to_list()].to_list()
        self._happens("batch_regeocode", keys, f"gazetteer of {town} corrected")

    def _kept_out(self, streams: Streams, crimes: pl.DataFrame) -> np.ndarray:
        day = self.calendar.shocks.get("recording_rule")
        if day is None:
            return np.zeros(len(crimes), dtype=bool)
        rng = streams("shocks", "recording_rule")
        date = np.datetime64(self.calendar.calendar_day(day), "D")
        is_out = shocks.not_recorded(rng, crimes, date)
        keys = crimes.filter(pl.Series(is_out))["crime_number"].to_list()
        self._happens("recording_rule", keys, "not recorded under the new rule")
        return is_out
