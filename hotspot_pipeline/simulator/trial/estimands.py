"""The true answers: what an estimator of each estimand should find, from the rates and the visits, without chance.

Belongs here: averages of the true effect over the patrol days (DOMAIN §8.5). Does not belong here: the effect at a moment
(`effect`), counts of events (`counts`).

`programme`: against no patrol at all. `itt_day`: days assigned to patrol against days assigned to none, which differ by
less, because deterrence carries over. `lag`: since the last effective departure. `ring`: the ring of treated places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.events import SOURCES, World
from hotspot_pipeline.simulator.crime.kinds import deterrable_share
from hotspot_pipeline.simulator.force.county import Floats
from hotspot_pipeline.simulator.profiles import Profile, RingName
from hotspot_pipeline.simulator.trial.effect import RING_SHARE, Effect, dose
from hotspot_pipeline.simulator.trial.places import CORE, RING
from hotspot_pipeline.simulator.trial.twin import TO_OTHER_HOURS, TO_RING, Around

LAG_BIN_H, LAST_LAG_H = 6, 168
_POINTS = (600, 1800, 3000)  # seconds of the hour at which the effect is looked at


@dataclass(frozen=True, eq=False)
class Rates:
    """Expected deterrable events by place, zone (CORE, RING) and hour from the start: without and with patrols.

    `without` and `with_patrols` are (n_places, 2, n_hours); `prevented` (n_places, n_hours) is the effect in the core.
    """

    without: Floats
    with_patrols: Floats
    prevented: Floats


def expected_without(world: World, places: pl.DataFrame, around: Around) -> Floats:
    """`Rates.without` of these places; `around` is `twin.ring_addresses` of them."""
    county, n_hours = world.county, world.profile.n_weeks * 168
    without = np.zeros((len(places), 2, n_hours))
    cells = places["cell"].to_numpy()
    weights = np.diff(county.place_cumulative, axis=1, prepend=0.0)
    ring_cell = np.concatenate([cell for cell, _ in around])
    ring_weight = np.concatenate([weights[cell, address] for cell, address in around])
    ring_place = np.repeat(np.arange(len(places)), [len(cell) for cell, _ in around])
    for name, share in deterrable_share().items():
        source = SOURCES[name]
        without[:, CORE] += world.expected(source, cells, np.full(len(cells), share))
        inside = world.expected(source, ring_cell, share * ring_weight, ring_place)
        without[: len(inside), RING] += inside
    return without


def rates(profile: Profile, ring: RingName, without: Floats, prevented: Floats) -> Rates:
    """The rates with patrols, from those `without` and `hourly_prevented`."""
    if not prevented.any():
        return Rates(without, without, prevented)
    first = profile.patrol_day * 24
    with_patrols = without.copy()
    core, around_it = with_patrols[:, CORE, first:], with_patrols[:, RING, first:]
    gone = prevented[:, first:] * core
    core -= gone
    if ring == "diffusion":
        around_it *= 1 - RING_SHARE * prevented[:, first:]
    if ring == "displacement":
        # within six hours or a day of it: over weeks the hour does not matter, and hours are all that differs here
        core += TO_OTHER_HOURS * np.maximum(gone, 0)
        around_it += TO_RING * np.maximum(gone, 0)
    return Rates(without, with_patrols, prevented)


def estimands(
    profile: Profile, places: pl.DataFrame, plan: pl.DataFrame, visits: pl.DataFrame, found: Rates
) -> pl.DataFrame:
    """Rows (estimand, lag_from_h, lag_to_h, value, expected_events): `value` is a share of events, below 0 for fewer."""
    treated = np.flatnonzero((places["arm"] == "treat").to_numpy())
    first = profile.patrol_day * 24
    base, now = (v[:, :, first:][treated] for v in (found.without, found.with_patrols))
    rows: list[tuple[str, int | None, int | None, float, float]] = [
        ("programme", None, None, _change(base[:, CORE], now[:, CORE]), base[:, CORE].sum()),
        ("ring", None, None, _change(base[:, RING], now[:, RING]), base[:, RING].sum()),
    ]
    by_day = [v[:, CORE].reshape(len(treated), -1, 24).sum(axis=2) for v in (base, now)]
    arm = _arms(profile, treated, plan, by_day[0].shape)
    if (arm == 1).any() and (arm == 2).any():
        on, off = ((by_day[1][arm == k].sum() / by_day[0][arm == k].sum()) for k in (1, 2))
        rows.append(("itt_day", None, None, float(on / off - 1), by_day[0][arm > 0].sum()))
    since = _hours_since(profile, treated, visits, base.shape[2])
    near = since < LAST_LAG_H
    in_bin = (since[near] / LAG_BIN_H).astype(np.int64)
    events = base[:, CORE][near]
    gone = np.bincount(in_bin, events * found.prevented[:, first:][treated][near])
    for k, weight in enumerate(np.bincount(in_bin, events)):
        if weight > 0:
            lag = k * LAG_BIN_H
            rows.append(("lag", lag, lag + LAG_BIN_H, -float(gone[k] / weight), float(weight)))
    names = ["estimand", "lag_from_h", "lag_to_h", "value", "expected_events"]
    return pl.DataFrame(
        rows,
        schema=dict(
            zip(names, (pl.String, pl.Int64, pl.Int64, pl.Float64, pl.Float64), strict=True)
        ),
        orient="row",
    )


def _change(base: Floats, now: Floats) -> float:
    return float(now.sum() / base.sum() - 1) if base.sum() else 0.0


def hourly_prevented(world: World, places: pl.DataFrame, effect: Effect) -> Floats:
    """`Rates.prevented`: mean share in each place and hour; 0 in controls and before the patrol days."""
    n_hours, first = world.profile.n_weeks * 168, world.profile.patrol_day * 24
    found = np.zeros((len(places), n_hours))
    if effect.is_none:
        return found
    hours = world.start + (np.arange(first, n_hours) * 3600).astype("timedelta64[s]")
    for place in np.flatnonzero((places["arm"] == "treat").to_numpy()):
        for second in _POINTS:
            at = hours + np.timedelta64(second, "s")
            found[place, first:] += effect.prevented(np.full(len(at), place), at) / len(_POINTS)
    return found


def _arms(
    profile: Profile, treated: np.ndarray, plan: pl.DataFrame, shape: tuple[int, ...]
) -> np.ndarray:
    """0 not by lot, 1 treat, 2 control: (n_treated, n_patrol_days)."""
    arm = np.zeros(shape, np.int64)
    day = (
        plan["police_day"].to_numpy().astype("datetime64[D]") - np.datetime64(profile.start, "D")
    ).astype(np.int64)
    row = np.searchsorted(treated, plan["place"].to_numpy())
    arm[row, day - profile.patrol_day] = (
        plan["arm"].replace_strict({"na": 0, "treat": 1, "control": 2}).to_numpy()
    )
    return arm


def _hours_since(
    profile: Profile, treated: np.ndarray, visits: pl.DataFrame, n_hours: int
) -> Floats:
    """Hours from the last effective departure to the middle of each hour; infinite before the first."""
    effective = visits.filter(pl.Series(dose(visits) > 0))
    start = np.datetime64(profile.start_local, "s") + np.timedelta64(
        profile.patrol_day * 86_400, "s"
    )
    middle = start + (np.arange(n_hours) * 3600 + 1800).astype("timedelta64[s]")
    since = np.full((len(treated), n_hours), np.inf)
    by_place = effective.select("place", "end_local").sort("place", "end_local")
    places = by_place["place"].to_numpy()
    every = by_place["end_local"].to_numpy().astype("datetime64[s]")
    bounds = zip(
        np.searchsorted(places, treated), np.searchsorted(places, treated, "right"), strict=True
    )
    for row, (a, b) in enumerate(bounds):
        ends = every[a:b]
        last = np.searchsorted(ends, middle, side="right") - 1
        known = last >= 0
        since[row, known] = (middle[known] - ends[last[known]]).astype(np.int64) / 3600
    return since
