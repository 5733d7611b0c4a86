"""The pictures of hot times: the week of one hotspot, and of all hotspots at a glance, as PNG of A4 size.

Here: their titles, what they say in a sentence, and writing them. Not here: the drawing
(`hot_times_sheet`, `week_panel`), the figures drawn (`hot_times`).

Made to be printed in black and white, like the pictures of `pictures`. Hot times are for the force, not
for the public: where officers will be is not published (DOMAIN §6).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hotspot_pipeline.published import page as paper
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.hot_times_sheet import (
    MOST_PLACES,
    draw_overview,
    draw_place,
    nothing_known,
    place_week,
)
from hotspot_pipeline.published.plain_values import require_columns

NO_HOURS = "No events with a usable hour"

_BIN_COLUMNS = ("level", "profile_id", "resolution", "bin_no", "rate_ratio_shrunk")
_WINDOW_COLUMNS = (
    "hotspot_id", "window_no", "start_hour_of_week", "n_hours", "in_words", "share_of_events", "lift",
    "n_hot_blocks",
)  # fmt: skip
_SET_COLUMNS = (
    "hotspot_id", "n_hours", "share_captured", "share_captured_out_of_sample", "lift", "is_stable",
)  # fmt: skip
_PROFILE_COLUMNS = ("level", "profile_id", "n_events", "label", "n_hot_blocks")
_LABELS = {
    "own": ", own profile",
    "shrunk": ": few, so the profile leans on its cluster",
    "cluster": ": too few, so the profile is its cluster's",
}


def hotspot_week(
    path: Path,
    hotspot_id: str,
    *,
    bins: pl.DataFrame,
    profiles: pl.DataFrame,
    windows: pl.DataFrame,
    sets: pl.DataFrame,
    period: tuple[date, date],
    title: str,
    footer: Mapping[str, str],
    day_starts_hour: int = 6,
) -> PublishedFile:
    """Draw the week of one hotspot to `path`, its windows boxed and in a table.

    `bins` (`hot_times.profile_bins`), `profiles` (`hot_times.profiles`), `windows` (`hot_times.windows`)
    and `sets` (`hot_times.window_sets`) of one selection of events; rows of other hotspots are passed
    over. `period` is half open. Raises ValueError for a hotspot without a profile.
    """
    _require(bins, profiles, windows, sets)
    own = profiles.filter((pl.col("level") == "hotspot") & (pl.col("profile_id") == hotspot_id))
    if own.is_empty():
        raise ValueError(f"hotspot {hotspot_id} has no profile; known: {_known(profiles)}")
    profile = own.row(0, named=True)
    chosen = windows.filter(pl.col("hotspot_id") == hotspot_id)
    lead = _place_lead(profile, sets.filter(pl.col("hotspot_id") == hotspot_id), period)
    hours = _hours(bins, "hotspot", hotspot_id)

    def draw(page: paper.Page) -> None:
        if hours.is_empty():
            nothing_known(page, f"{NO_HOURS}.")
        else:
            week = place_week(hours, chosen, hotspot_id, day_starts_hour)
            draw_place(page, week, chosen, day_starts_hour)

    return paper.publish_page(path, f"{title}: hot times of {hotspot_id}", lead, footer, draw)


def force_weeks(
    path: Path,
    *,
    bins: pl.DataFrame,
    profiles: pl.DataFrame,
    windows: pl.DataFrame,
    sets: pl.DataFrame,
    period: tuple[date, date],
    title: str,
    footer: Mapping[str, str],
    day_starts_hour: int = 6,
) -> PublishedFile:
    """Draw the week of the force and of its hotspots to `path`, small, in the order of `profiles`.

    The arguments are those of `hotspot_week`. At most `MOST_PLACES` hotspots fit; the sentence below
    the title says how many are left out.
    """
    _require(bins, profiles, windows, sets)
    places = profiles.filter(pl.col("level") == "hotspot").get_column("profile_id").to_list()
    held = dict(sets.select("hotspot_id", "share_captured").rows())
    weeks = []
    for place in places[:MOST_PLACES]:
        share = held.get(place)
        heading = place if share is None else f"{place}  {100 * share:.0f} %"
        chosen = windows.filter(pl.col("hotspot_id") == place)
        weeks.append(place_week(_hours(bins, "hotspot", place), chosen, heading, day_starts_hour))
    of_force = profiles.filter(pl.col("level") == "force").get_column("profile_id").to_list()

    def draw(page: paper.Page) -> None:
        if of_force:
            hours = _hours(bins, "force", of_force[0])
            force = place_week(hours, windows.clear(), "Whole force", day_starts_hour)
            draw_overview(page, force, weeks, day_starts_hour)
        else:
            nothing_known(page, f"{NO_HOURS}.")

    lead = _force_lead(len(places), sets, period)
    return paper.publish_page(path, f"{title}: hot times", lead, footer, draw)


def _place_lead(profile: Mapping[str, Any], sets: pl.DataFrame, period: tuple[date, date]) -> str:
    n_events = float(profile["n_events"])
    said = [
        f"{paper.window_text(*period)}: {n_events:,.0f} events with a usable hour{_LABELS[profile['label']]}."
    ]
    if n_events and not profile["n_hot_blocks"]:
        said.append("No block of three hours stands out when tested.")
    for row in sets.rows(named=True):
        if row["share_captured"] is not None and row["n_hours"]:
            said.append(
                f"The windows hold {_percent(row['share_captured'])} of the events in {row['n_hours']} of 168 "
                f"hours, {row['lift']:.1f} times their share{_out_of_sample(row)}."
            )
        if row["is_stable"] is False:
            said.append("Not stable: odd and even weeks choose other hours.")
    return " ".join(said)


def _out_of_sample(row: Mapping[str, Any]) -> str:
    other = row["share_captured_out_of_sample"]
    return "" if other is None else f"; {_percent(other)} in weeks that did not choose them"


def _percent(share: float) -> str:
    """A share as whole percent: there is no more to it."""
    return f"{100 * share:.0f} %"


def _force_lead(n_places: int, sets: pl.DataFrame, period: tuple[date, date]) -> str:
    said = [
        f"{paper.window_text(*period)}: {paper.counted(n_places, 'hotspot')}, each with the share of its events that its windows hold."
    ]
    if n_places > MOST_PLACES:
        said.append(f"Not drawn for want of room: {n_places - MOST_PLACES:,}.")
    n_unstable = int((~sets.get_column("is_stable").drop_nulls()).sum())
    if n_unstable:
        said.append(
            f"Odd and even weeks choose other windows (not stable): {n_unstable:,} of them."
        )
    return " ".join(said)


def _hours(bins: pl.DataFrame, level: str, profile_id: str) -> pl.DataFrame:
    return bins.filter(
        (pl.col("level") == level)
        & (pl.col("profile_id") == profile_id)
        & (pl.col("resolution") == "hour")
    )


def _known(profiles: pl.DataFrame) -> str:
    names = profiles.filter(pl.col("level") == "hotspot").get_column("profile_id").to_list()
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "") or "none"


def _require(
    bins: pl.DataFrame, profiles: pl.DataFrame, windows: pl.DataFrame, sets: pl.DataFrame
) -> None:
    require_columns(bins, _BIN_COLUMNS, "profile_bins")
    require_columns(profiles, _PROFILE_COLUMNS, "profiles")
    require_columns(windows, _WINDOW_COLUMNS, "windows")
    require_columns(sets, _SET_COLUMNS, "window_sets")
