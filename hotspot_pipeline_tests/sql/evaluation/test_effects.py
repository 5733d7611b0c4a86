"""The tables of effects from counts, plan and trial file: against sums by hand, and what is refused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import h3
import numpy as np
import polars as pl
import pytest
import shapely
import yaml

from hotspot_pipeline.evaluation.trials import assets, reading
from hotspot_pipeline.evaluation.trials.files import read_trials
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.sql.conftest import Desk

FIRST, N_DAYS = date(2025, 3, 3), 280  # a Monday; patrols begin in the middle
BEGIN = FIRST + timedelta(days=140)
LAST = FIRST + timedelta(days=N_DAYS - 1)
DATA_TO = LAST + timedelta(days=10)
MIDDLE = h3.latlng_to_cell(52.29, -1.53, 9)
N_PAIRS = 6
NONE = pl.DataFrame(schema={"what": pl.String, "hotspot_id": pl.String, "reason": pl.String, "needs": pl.String})  # fmt: skip
ENTRIES: dict[str, Any] = {
    "name": "Made", "outcome_groups": ["ASB", "VAP"], "primary_measure": "rate_ratio", "model": "rate_ratio", "before_from": FIRST,
    "before_to": BEGIN - timedelta(days=1), "after_from": BEGIN, "after_to": LAST, "rings_m": [300], "known_at": LAST, "smallest_worthwhile_percent": 10,
    "places": "lot_in_pairs", "treated": [f"T{k}" for k in range(N_PAIRS)], "controls": [f"C{k}" for k in range(N_PAIRS)],
    "pairs": [[f"T{k}", f"C{k}"] for k in range(N_PAIRS)], "days": "days",
}  # fmt: skip


def spread_cells() -> list[str]:
    """Cells at least four apart, so that rings do not touch."""
    found: list[str] = []
    for cell in h3.grid_disk(MIDDLE, 14):
        if all(h3.grid_distance(cell, other) >= 5 for other in found):
            found.append(cell)
        if len(found) == 2 * N_PAIRS:
            break
    return found


CELLS = dict(zip([*ENTRIES["treated"], *ENTRIES["controls"]], spread_cells(), strict=True))


class Court(Desk):
    """A force with six pairs of places over forty weeks; patrols from the twenty-first on, on days by lot."""

    def __init__(self, folder: Path, session: Session, models: dict[str, SqlModel]) -> None:
        super().__init__(session, models)
        force = Force("made", "Made", folder, partitions_start=FIRST)
        self.shop = Workshop.of(Settings(data=folder, forces=(force,)), force, session.catalog)
        self._written |= {assets.REGISTRATIONS, assets.REFUSALS, *(f"evaluation.{t}" for t in assets.TABLES)}  # fmt: skip
        self.events: Counter[tuple[str, date, str]] = Counter()
        self.arms: dict[tuple[str, date], str] = {}

    def settle(self, effect: float, is_monthly: bool = False) -> None:
        rng = np.random.default_rng(7)
        for place in CELLS:
            for n in range(N_DAYS):
                day = FIRST + timedelta(days=n)
                is_after = day >= BEGIN and place.startswith("T")
                for group, rate in (("ASB", 0.35), ("VAP", 0.25), ("WEAPONS", 0.1)):
                    self.events[place, day, group] = int(rng.poisson(rate * math.exp(effect * is_after)))  # fmt: skip
        cells = sorted({c for cell in CELLS.values() for c in h3.grid_disk(cell, 2)})
        lat, lon = np.array([h3.cell_to_latlng(c) for c in cells]).T
        easting, northing = to_bng(lon, lat)
        self.given("hexes.cells", *({"resolution": 9, "cell": h3.str_to_int(c), "easting": float(e), "northing": float(n)} for c, e, n in zip(cells, easting, northing, strict=True)))  # fmt: skip
        shapes = polygons_bng(self.shop.grid, np.array([h3.str_to_int(c) for c in CELLS.values()]))
        self.given("history.patrol_places_current", *({"hotspot_id": p, "polygon_wkt": shapely.to_wkt(s), "valid_from": BEGIN} for p, s in zip(CELLS, shapes, strict=True)))  # fmt: skip
        known = datetime.combine(DATA_TO + timedelta(days=1), datetime.min.time()) + timedelta(hours=1)  # fmt: skip
        self.given("history.extracts", {"table_name": "crimes", "kind": "delta", "known_from_utc": known})  # fmt: skip
        if is_monthly:
            return
        self.given("hexes.crime_daily", *(
            {"resolution": 9, "cell": h3.str_to_int(CELLS[p]), "police_day": d, "cat_group": g, "n_events": n + 1, "n_police_generated": 1, "n_by_day": n}
            for (p, d, g), n in self.events.items() if n
        ))  # fmt: skip

    def patrol(self) -> None:
        rng = np.random.default_rng(8)
        days = [BEGIN + timedelta(days=n) for n in range(140)]
        self.arms = {(p, d): str(rng.choice(["treat", "control"])) for p in ENTRIES["treated"] for d in days}  # fmt: skip
        rows = []
        for k, ((place, day), arm) in enumerate(self.arms.items()):
            at = datetime.combine(day, datetime.min.time()) + timedelta(hours=15)
            window = {} if arm == "control" else {"window_start_utc": at, "window_end_utc": at + timedelta(hours=2)}  # fmt: skip
            rows.append({"plan_id": f"p{k}", "plan_version": 1, "hotspot_id": place, "police_day": day, "randomised": True, "arm": arm, **window})  # fmt: skip
        # changed after it was issued: the lot is what stood first
        rows.append({**rows[0], "plan_version": 2, "arm": "control" if rows[0]["arm"] == "treat" else "treat"})  # fmt: skip
        self.given("history.patrol_plan_versions", *rows)
        self.given("patrols.dose_daily", *({"police_day": d, "zone_id": p, "zone_kind": "hotspot", "hotspot_id": p, "patrol_ms": 900_000 if a == "treat" else 0} for (p, d), a in self.arms.items()))  # fmt: skip

    def night(self, **changes: Any) -> dict[str, pl.DataFrame]:
        """The step's work, with audits; what then stands in each table."""
        shop, session = self.shop, self.session
        if changes.pop("has_file", True):
            shop.force.trials.mkdir(exist_ok=True)
            entries = {k: v for k, v in {**ENTRIES, **changes}.items() if v is not None}
            (shop.force.trials / "made.yml").write_text(yaml.safe_dump(entries), encoding="utf-8")
        reading.ensure(session)
        trials, wrong = read_trials(shop.force.trials)
        force = assets._force(shop, session)
        assets.register(session, shop, trials, force, "run")
        found = assets.examined(session, trials, wrong, force)
        tables = assets.rows_of(session, found, wrong, NONE)
        for name, rows in tables.items():
            session.replace_table(shop.catalog[name], rows)
        return {name.split(".")[1]: session.frame(f"select * from {name}") for name in tables}

    def total(self, arm: str, first: date, last: date, *groups: str) -> int:
        return sum(n for (p, d, g), n in self.events.items() if p.startswith(arm) and first <= d <= last and g in groups)  # fmt: skip


@pytest.fixture
def court(tmp_path: Path, tables: Session, models: dict[str, SqlModel]) -> Iterator[Court]:
    found = Court(tmp_path, tables, models)
    yield found
    found.clear()


def one(rows: pl.DataFrame, **keys: str) -> dict[str, Any]:
    found = rows.filter(*(pl.col(k) == v for k, v in keys.items()))
    assert found.height == 1, (keys, found)
    return found.row(0, named=True)


def test_effects_are_those_of_the_counts(court: Court) -> None:
    court.settle(effect=-0.6)
    court.patrol()
    # the settled cut of one week after patrols began, with 40 events more in one treated place
    week = BEGIN + timedelta(days=7)
    court.given("hexes.cuts", {"week_start": week, "cut": "settled", "known_at_utc": datetime(2026, 1, 1)})  # fmt: skip
    settled_of = {p: sum(court.events[p, week + timedelta(days=k), g] for k in range(7) for g in ("ASB", "VAP")) + (40 if p == "T0" else 0) for p in CELLS}  # fmt: skip
    court.given("hexes.crime_weekly_cuts", *({"cut": "settled", "resolution": 9, "cell": h3.str_to_int(CELLS[p]), "week_start": week, "cat_group": "ASB", "n_events": n, "n_police_generated": 0} for p, n in settled_of.items()))  # fmt: skip
    found = court.night()
    settled_to = date(2025, 11, 16)  # the newest Sunday that was 28 days old when the data end
    design = one(found["designs"], design_id="made")
    assert (design["counted_to"], design["settled_to"]) == (LAST, settled_to)
    assert (design["n_treated"], design["n_control"], design["is_exploratory"]) == (N_PAIRS, N_PAIRS, False)  # fmt: skip
    for outcome, groups in (("ALL", ("ASB", "VAP")), ("VAP", ("VAP",))):
        row = one(found["effects"], cut="latest", outcome=outcome, measure="rate_ratio")
        four = [court.total(arm, *w, *groups) for arm in "TC" for w in ((FIRST, BEGIN - timedelta(days=1)), (BEGIN, LAST))]  # fmt: skip
        assert [row[c] for c in ("treated_before", "treated_after", "control_before", "control_after")] == four  # fmt: skip
        assert row["estimate"] == pytest.approx(math.log(four[1] / four[0] / (four[3] / four[2])), abs=1e-9)  # fmt: skip
    row = one(found["effects"], cut="latest", outcome="ALL", measure="rate_ratio")
    assert row["is_primary"] and row["high"] < 0 and row["p_holm"] is None
    settled = one(found["effects"], cut="settled", outcome="ALL", measure="rate_ratio")
    assert settled["treated_after"] == court.total("T", BEGIN, settled_to, "ASB", "VAP") + 40
    assert settled["counted_to"] == settled_to
    assert one(found["effects"], cut="latest", outcome="VAP", measure="rate_ratio")["p_holm"] >= 0
    itt = one(found["effects"], cut="latest", outcome="ALL", measure="itt_day")
    by_arm: Counter[str] = Counter()
    for key, arm in court.arms.items():
        by_arm[arm] += sum(court.events[(*key, g)] for g in ("ASB", "VAP"))
    assert (itt["treated_before"], itt["treated_after"]) == (by_arm["control"], by_arm["treat"])
    assert one(found["effects"], cut="latest", outcome="ALL", measure="cace_15_minutes")["n_treated"] == N_PAIRS  # fmt: skip
    assert not one(found["effects"], cut="latest", outcome="ALL", measure="before_after")["may_claim"]  # fmt: skip
    guards = {r["guard"]: r["verdict"] for r in found["effect_guards"].filter(cut="latest", outcome="ALL", measure="rate_ratio").to_dicts()}  # fmt: skip
    assert {"design", "registration", "registered_cut", "police_generated", "maturity", "settled_or_latest", "recording_change", "pre_trend",
            "regression_to_the_mean", "detectable_effect"} <= set(guards)  # fmt: skip
    assert guards["maturity"] == "warning" and guards["registration"] == "warning"
    study = found["effect_curves"].filter(cut="latest", curve="event_study").sort("step_no")
    assert study["is_reference"].to_list() == [True] + [False] * (study.height - 1)
    assert study["is_lead"].sum() == 5 and study["n_events"].sum() > 0
    assert "residual curve of made" in found["refusals"]["what"].to_list()
    assert found["balance"].height >= 5


def test_a_file_that_was_changed_claims_nothing_and_the_older_hash_stays(court: Court) -> None:
    court.settle(effect=-0.6)
    quick = {"days": "none", "rings_m": [], "outcome_groups": ["ASB"]}
    first = court.night(**quick)
    assert one(first["effects"], cut="latest", measure="rate_ratio")["may_claim"]
    again = court.night(**quick)
    assert again["effects"].equals(first["effects"])
    later = court.night(**quick | {"outcome_groups": ["VAP"]})
    assert one(later["designs"], design_id="made")["is_exploratory"]
    assert not later["effects"]["may_claim"].any()
    record = court.session.frame(f"select version, registration_sha256 from {assets.REGISTRATIONS} order by version")  # fmt: skip
    assert record["version"].to_list() == [1, 2]
    assert record["registration_sha256"].to_list() == [t["designs"]["registration_sha256"][0] for t in (first, later)]  # fmt: skip
    (court.shop.force.trials / "made.yml").unlink()
    gone = court.night(has_file=False)
    assert gone["effects"].is_empty() and gone["designs"].is_empty()
    assert gone["refusals"]["reason"].to_list() == ["its file in trials is gone; its registrations stand"]  # fmt: skip


def test_before_the_registered_day_every_look_is_an_interim_one(court: Court) -> None:
    court.settle(effect=-0.6)
    found = court.night(days="none", rings_m=[], outcome_groups=["ASB"], known_at=DATA_TO + timedelta(days=2))  # fmt: skip
    row = one(found["effects"], cut="latest", measure="rate_ratio")
    assert row["high"] < 0 and not row["may_claim"] and "interim" in row["sentence_follows"]


def test_controls_are_matched_where_no_lot_gave_them(court: Court) -> None:
    court.settle(effect=0.0)
    found = court.night(places="chosen", controls="matched", pairs=None, days="none", rings_m=[], outcome_groups=["ASB"])  # fmt: skip
    row = one(found["effects"], cut="latest", measure="rate_ratio")
    # the only busy cells far enough away are the other six
    assert row["n_control"] == N_PAIRS
    assert row["control_after"] == court.total("C", BEGIN, LAST, "ASB")
    assert found["balance"]["smd_of_candidates"].null_count() == 0
    assert "balance" in found["effect_guards"]["guard"].to_list()


def test_what_cannot_be_estimated_is_said(court: Court) -> None:
    court.settle(effect=0.0, is_monthly=True)
    assert court.night(has_file=False)["refusals"].rows()[0][0] == "effects of patrols"
    found = court.night()
    assert found["effects"].is_empty() and found["designs"].height == 1
    assert one(found["refusals"], what="effects of made")["reason"] == "no event has a date"
    wrong = court.night(treated=["T0", "T9"], controls=["C0", "C1"], pairs=[["T0", "C0"], ["T9", "C1"]])  # fmt: skip
    assert "T9 is no patrol area" in one(wrong["refusals"], what="effects of made")["reason"]
    odd = court.night(days="odd")
    assert "made.yml: days is 'odd'" in one(odd["refusals"], what="effects of made")["reason"]


def test_without_fixes_and_plan_days_by_lot_are_refused(court: Court) -> None:
    court.settle(effect=0.0)
    found = court.night(rings_m=[], outcome_groups=["ASB"])
    assert set(found["effects"]["measure"]) == {"rate_ratio", "wdd", "panel", "before_after"}
    what = found["refusals"]["what"].to_list()
    assert {"days by lot of made", "residual curve of made", "residual_delivered curve of made"} <= set(what)  # fmt: skip
