"""All patrol data of a simulated force, from its first patrol day to its last: files below landing/, truth beside it.

Belongs here: the order of work. Does not belong here: any of the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.simulator.delivery.landing import DeliveryFolder
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.patrol import feeds, truth
from hotspot_pipeline.simulator.patrol.days import PatrolDay, PatrolForce
from hotspot_pipeline.simulator.patrol.duties import callsign
from hotspot_pipeline.simulator.patrol.logs import make_logs
from hotspot_pipeline.simulator.patrol.pings import delivered
from hotspot_pipeline.simulator.patrol.times import utc_second, utc_seconds
from hotspot_pipeline.simulator.patrol.truth import PatrolTruth
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.streams import Streams


def deliver_patrols(
    streams: Streams,
    profile: Profile,
    out_folder: Path,
    county: County,
    premises: Premises,
    places: pl.DataFrame,
    plan: pl.DataFrame,
    visits: pl.DataFrame,
    *,
    progress: Callable[[int, int], None] | None = None,
    sample_days: Collection[int] = (),
) -> PatrolTruth:
    """Writes the five patrol feeds and their truth below `out_folder`, a police day at a time, and returns the truth.

    `places`, `plan`, `visits`: `trial.frames`. `progress` is told (days done, days in all). Of `sample_days` (0 is the first
    patrol day) the true position of each fix is kept as well. The same arguments write the same bytes.
    Raises ValueError where a visit lies outside the patrol days, `tracks.TrackError` where one cannot be reached.
    """
    force = PatrolForce(streams, profile, county, premises, places, plan, visits)
    hotspots = places["hotspot_id"].to_list()
    pings, duties, logs, plans = (
        feeds.Outbox(feed, known)
        for feed, known in (
            (feeds.PINGS_FEED, "received_ts_utc"), (feeds.DUTIES_FEED, "known_utc"), (feeds.LOGS_FEED, "known_utc"),
            (feeds.PLAN_FEED, "known_utc"),
        )
    )  # fmt: skip
    plans.put(feeds.plan_rows(plan, hotspots))
    to_do = plan.filter((pl.col("arm") != "control") & pl.col("window_start_local").is_not_null())
    todo_by_day = {
        day[0]: rows
        for day, rows in to_do.partition_by("police_day", as_dict=True, maintain_order=True).items()
    }
    kept: dict[str, list[pl.DataFrame]] = {
        name: [] for name in ("presence", "stays", "visits", "duties", "logs", "positions")
    }
    counts: Counter[str] = Counter()
    times = feeds.file_times(profile)
    with DeliveryFolder(out_folder) as folder:
        files = feeds.Files(folder)
        files.csv(feeds.PLACES_FEED, times[0], feeds.places_rows(county, places, times[0]))
        files.csv(feeds.PLAN_FEED, times[0], plans.take(utc_second(times[0])))
        for number in range(force.n_days):
            day = force.day(number)
            fixes = day.fixes(force)
            pings.put(
                delivered(
                    fixes,
                    force.pools,
                    day.tracks,
                    day.carried,
                    [callsign(u, k) for k, u in enumerate(day.units)],
                )
            )
            duties.put(day.duties)
            log_rows, log_counts = _logs(force, day, todo_by_day.get(day.date, to_do[:0]), hotspots)
            logs.put(log_rows)
            for some in (fixes.counts, day.odd, log_counts):
                counts.update(some)
            stays = truth.stays_frame(force, day)
            kept["stays"].append(stays.drop("track"))
            kept["presence"].append(truth.presence_frame(force, day, stays))
            kept["visits"].append(truth.visits_frame(day))
            kept["duties"].append(day.duties.drop("unit", "known_utc"))
            kept["logs"].append(log_rows.select("log_id", "visit_id"))
            if number in sample_days:
                kept["positions"].append(truth.positions_frame(force, day, fixes))
            closing = [times[number + 1]] if number + 1 < force.n_days else times[number + 1 :]
            for taken in closing:
                at = utc_second(taken)
                files.parquet(feeds.PINGS_FEED, taken, pings.take(at))
                for box in (duties, logs, plans):
                    files.csv(box.feed, taken, box.take(at))
            if progress is not None:
                progress(number + 1, force.n_days)
    joined = {name: pl.concat(frames) for name, frames in kept.items() if frames}
    hotspot = (
        pl.col("place")
        .replace_strict(dict(enumerate(hotspots)), return_dtype=pl.String)
        .alias("hotspot_id")
    )
    for name in ("presence", "stays", "visits"):
        joined[name] = joined[name].with_columns(hotspot)
    days = [force.first + timedelta(days=k) for k in range(force.n_days)]
    minutes = truth.minutes_frame(joined["stays"], len(places), days)
    per_day = minutes.group_by("place", maintain_order=True).agg(
        minutes_per_day=(pl.col("crew_minutes") + pl.col("background_minutes")).mean()
    )
    facts = truth.facts_of(
        force, counts,
        {
            "n_patrol_days": force.n_days,
            "n_waiting_at_the_end": {box.feed: box.n_waiting for box in (pings, duties, logs, plans)},
        },
    )  # fmt: skip
    found = PatrolTruth(
        joined["presence"], joined["stays"], joined["visits"], joined["duties"], joined["logs"], minutes, per_day, facts,
        tuple(folder.deliveries),
    )  # fmt: skip
    truth.write(out_folder, found, joined.get("positions"))
    return found


def _logs(
    force: PatrolForce, day: PatrolDay, todo: pl.DataFrame, hotspots: list[str]
) -> tuple[pl.DataFrame, Counter[str]]:
    """The day's logs, numbered, with `known_utc`."""
    people = (
        day.duties.filter((pl.col("crew") >= 0) & pl.col("officer").is_not_null())
        .group_by("unit", maintain_order=True)
        .agg(pl.col("officer").unique(maintain_order=True).head(2).str.join("|"))
    )
    names = dict(zip(people["unit"], people["officer"], strict=True))
    officers = [names[u] for u in day.crew_of.tolist()]
    rows, counts = make_logs(
        force.streams("patrol logs", day.number), day.visits, officers, todo, hotspots
    )
    numbered = rows.with_columns(
        log_id=pl.format(
            "L{}-{}",
            pl.lit(f"{day.date:%Y%m%d}"),
            (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(4),
        ),
        known_utc=pl.Series(utc_seconds(rows["submitted_local"])),
    )
    return numbered, counts
