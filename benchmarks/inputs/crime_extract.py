"""A large canonical crime extract as CSV, and the force it belongs to.

Belongs here: rows with the columns of the feed contract `crime_extract` and values as a records
system writes them (lengths, codes, repeats, empties, quoted commas), with the usual few faults. Does
not belong here: a force whose figures make sense over time (the simulator), rules about the values
(the contract).

What matters for speed is kept as in real extracts: places repeat (an address pool with a heavy
tail), every identifier is distinct, a third of the columns is mostly empty, one row in a hundred is
turned away by some rule, one in sixty has no place.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import shapely
import yaml

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.geo.transform import to_wgs84_geometry

FEED = "crime_extract"
FORCE_ID = "benchshire"
FILE = "crime_full_20260601T0200.csv"
TAKEN_LOCAL = datetime.fromisoformat("2026-06-01T02:00:00")
_CENTRE_M = (430_000.0, 265_000.0)
_RADIUS_M = 24_000.0
_N_CORNERS = 5_000
_DAYS = 3 * 365
_FORMAT = "%Y-%m-%d %H:%M:%S"


def write_force(home: Path, n_rows: int, reference: Path, seed: int = 1) -> int:
    """Writes `force.yml`, a boundary of 5,000 corners and the extract below `home`; returns the
    bytes of the extract.
    """
    home.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    outline = _outline(rng)
    geometry = shapely.to_geojson(to_wgs84_geometry(outline))
    (home / "boundary.geojson").write_text(
        f'{{"type": "Feature", "properties": {{}}, "geometry": {geometry}}}', encoding="utf-8"
    )
    force = {"force_id": FORCE_ID, "boundary": {"file": "boundary.geojson"}, "feeds": {FEED: {}}}
    (home / "force.yml").write_text(yaml.safe_dump(force), encoding="utf-8")
    file = home / "landing" / FEED / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    crime_rows(rng, n_rows, outline, reference).write_csv(file)
    file.with_name(FILE + ".done").touch()
    return file.stat().st_size


def crime_rows(
    rng: np.random.Generator, n: int, outline: shapely.Polygon, reference: Path
) -> pl.DataFrame:
    """`n` rows as text, every column of the contract, in its order."""
    number = np.arange(n)
    codes, texts = _offences(rng, n, reference)
    easting, northing, quality, lsoa, beat, place = _places(rng, n, outline)
    status = rng.choice(
        ["live", "cancelled", "transferred_out", "merged"], size=n, p=[0.955, 0.03, 0.01, 0.005]
    )
    status[:2] = "live"
    merged_into = _where(status == "merged", _numbers(np.zeros(n, dtype=np.int64)))
    made: dict[str, Any] = {
        "source_system": np.full(n, "niche"),
        "crime_number": _numbers(number),
        "occurrence_id": pl.Series(50_000_000 + number).cast(pl.String),
        "incident_ref": _where(
            rng.random(n) < 0.86, pl.Series(number).cast(pl.String).str.zfill(7) + "-STORM"
        ),
        "ho_offence_code": codes,
        "offence_desc": texts,
        "attempt_flag": _flag(rng, n, 0.04, 0.0),
        **_times(rng, n),
        "easting": easting,
        "northing": northing,
        "geocode_quality": quality,
        "location_type": place,
        "beat_code": beat,
        "lsoa21cd": lsoa,
        "flag_knife": _flag(rng, n, 0.02, 0.0),
        "flag_firearm": _flag(rng, n, 0.003, 0.0),
        "flag_alcohol": _flag(rng, n, 0.12, 0.3),
        "flag_drugs": _flag(rng, n, 0.05, 0.3),
        "flag_da": _flag(rng, n, 0.18, 0.1),
        "flag_hate": _flag(rng, n, 0.02, 0.0),
        "flag_csa": _flag(rng, n, 0.01, 0.0),
        "flag_online": _flag(rng, n, 0.05, 0.0),
        "flag_business": _flag(rng, n, 0.15, 0.5),
        "ho_outcome_code": _where(
            rng.random(n) < 0.8, pl.Series(rng.integers(1, 23, n)).cast(pl.String)
        ),
        "record_status": status,
        "cancel_reason": _where(
            status == "cancelled", pl.Series(rng.choice(["C2", "C4", "C5"], size=n))
        ),
        "merged_into": merged_into,
    }
    rows = pl.DataFrame(
        {
            name: pl.Series(name, made[name], dtype=pl.String)
            if name in made
            else pl.Series(name, [None], dtype=pl.String).new_from_index(0, n)
            for name in shipped_contracts()[FEED].column_names
        }
    )
    return _with_faults(rng, rows)


def _with_faults(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """About one row in a hundred that some rule turns away."""
    kind = pl.Series("kind", rng.choice(7, size=rows.height, p=[0.99, 0.002, 0.002, 0.002, 0.002, 0.001, 0.001]))  # fmt: skip
    faults = {
        "ho_offence_code": (1, "999/99"),
        "recorded_ts_local": (2, "31/02/2025 10:00"),
        "easting": (3, "0"),
        "location_type": (4, "up the road"),
        "committed_from_local": (5, "2031-01-01 00:00:00"),
        "record_status": (6, None),
    }
    return rows.with_columns(
        pl.when(kind == at).then(pl.lit(value, dtype=pl.String)).otherwise(pl.col(name)).alias(name)
        for name, (at, value) in faults.items()
    )


def _times(rng: np.random.Generator, n: int) -> dict[str, pl.Series]:
    """Windows, reports and records in order; one start in twenty is a date without a clock."""
    end_s = int(np.datetime64(TAKEN_LOCAL, "s").astype(np.int64)) - 60 * 86_400
    start = end_s - rng.integers(0, _DAYS * 86_400, n) // 60 * 60
    has_window = rng.random(n) < 0.55
    window = np.where(has_window, rng.integers(300, 40_000, n) // 60 * 60, 0)
    reported = start + window + (rng.exponential(30_000.0, n)).astype(np.int64)
    recorded = reported + (rng.exponential(20_000.0, n)).astype(np.int64)
    outcome = recorded + rng.integers(0, 40 * 86_400, n)
    is_bare = rng.random(n) < 0.05
    text = {
        name: _stamp(seconds)
        for name, seconds in (
            ("committed_from_local", start),
            ("committed_to_local", start + window),
            ("reported_ts_local", reported),
            ("recorded_ts_local", recorded),
            ("outcome_ts_local", outcome),
            ("source_last_modified", np.minimum(outcome + 3_600, end_s + 59 * 86_400)),
        )
    }
    day = text["committed_from_local"].str.head(10)
    text["committed_from_local"] = text["committed_from_local"].set(pl.Series(is_bare), None)
    text["committed_from_local"] = text["committed_from_local"].fill_null(day)
    text["committed_to_local"] = _where(has_window & ~is_bare, text["committed_to_local"])
    text["outcome_ts_local"] = _where(rng.random(n) < 0.8, text["outcome_ts_local"])
    return text


def _places(rng: np.random.Generator, n: int, outline: shapely.Polygon) -> tuple[Any, ...]:
    """Each row's address from a pool with a heavy tail: a fifth of the addresses has half of the rows."""
    n_pool = max(50, int(n * 0.45))
    east, north = _CENTRE_M
    reach = _RADIUS_M * 1.1
    tries = rng.uniform(-reach, reach, (2, n_pool * 4)).round()
    inside = shapely.contains_xy(outline, tries[0] + east, tries[1] + north)
    pool = tries[:, inside][:, :n_pool] + np.array([[east], [north]])
    rank = np.arange(1, pool.shape[1] + 1, dtype=float)
    weight = (rank + 100.0) ** -0.7
    at = rng.choice(pool.shape[1], size=n, p=weight / weight.sum())
    has_place = rng.random(n) > 1 / 60
    xy = [_where(has_place, pl.Series(pool[axis][at].astype(np.int64)).cast(pl.String)) for axis in (0, 1)]  # fmt: skip
    kinds = np.array(["uprn", "building", "street", "junction", "postcode"])
    quality = _where(has_place, pl.Series(kinds[at % len(kinds)]))
    lsoa = _where(has_place, "E010" + pl.Series(30_000 + at % 339).cast(pl.String).str.zfill(5))
    beat = "BS" + pl.Series(at % 64).cast(pl.String).str.zfill(2)
    types = np.array(["street", "dwelling", "dwelling", "retail", "licensed_premises", "other", "car_park", "unknown"])  # fmt: skip
    return *xy, quality, lsoa, beat, types[at % len(types)]


def _offences(rng: np.random.Generator, n: int, reference: Path) -> tuple[Any, Any]:
    """Codes that were valid throughout, the common ones far more common, with their wording."""
    lookup = pl.read_csv(reference / "ho_offence_lookup.csv", infer_schema=False).filter(
        pl.col("valid_to").is_null()
    )
    weight = 1.0 / (np.arange(lookup.height) + 2.0)
    at = rng.choice(lookup.height, size=n, p=weight / weight.sum())
    return lookup["ho_offence_code"].gather(at), lookup["description"].gather(at)


def _numbers(number: Any) -> pl.Series:
    return "23/" + pl.Series(number).cast(pl.String).str.zfill(7) + "/26"


def _flag(rng: np.random.Generator, n: int, p_true: float, p_empty: float) -> pl.Series:
    drawn = rng.random(n)
    values = np.where(drawn < p_true, "true", "false")
    return _where(drawn < 1 - p_empty, pl.Series(values))


def _where(keep: Any, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(keep)).then(values)).to_series()


def _stamp(seconds: Any) -> pl.Series:
    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us")).dt.strftime(_FORMAT)


def _outline(rng: np.random.Generator) -> shapely.Polygon:
    """A ring that wanders as administrative boundaries do, without crossing itself."""
    angle = np.linspace(0.0, 2 * np.pi, _N_CORNERS, endpoint=False)
    waves = sum(
        rng.normal(0.0, 0.12 / k) * np.sin(k * angle + rng.uniform(0, 6.28)) for k in range(2, 60)
    )
    radius = _RADIUS_M * np.clip(1.0 + waves, 0.5, 1.6)
    x, y = _CENTRE_M
    return shapely.Polygon(
        np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    )
