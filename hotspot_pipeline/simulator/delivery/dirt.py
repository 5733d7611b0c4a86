"""What is wrong on purpose in the source systems, and what is unusual in them.

Belongs here: errors that real records have (DOMAIN §1.9), put into every state of a record, and finding the unusual
states that come from the generator itself. Does not belong here: errors of single files (`mishaps`), writing files
(`landing`).

What is found is truth: it goes to a folder the pipeline does not read. Its `rule` is the check of DOMAIN §1.9 that
should see the row; "" where a row is unusual but right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times
from hotspot_pipeline.simulator.crime.versions import TIME_FORMAT, Versions, is_first_state
from hotspot_pipeline.simulator.force.county import Ints

UNKNOWN_CODE = "777/77"
# Errors are so many in a half-year of a force of 20,000 crimes a year, and in proportion elsewhere.
MOST_WRONG = 0.04  # of a night's rows: a gate that holds an extract at five per cent lets it pass
USUAL_N = {"crime_extract": 10_000, "asb_extract": 4_000}
FOUND = {
    "state": pl.Int64,  # position in the versions
    "kind": pl.String,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
}
_CRIME_TIMES = (
    "committed_from_local",
    "committed_to_local",
    "reported_ts_local",
    "recorded_ts_local",
)
_E, _N = (pl.col(name).cast(pl.Int64, strict=False) for name in ("easting", "northing"))
# The squares of 100 km around the county, by hundreds of kilometres east and north.
_SQUARES = {(3, 2): "SO", (4, 2): "SP", (5, 2): "TL", (3, 3): "SJ", (4, 3): "SK", (5, 3): "TF"}
_BEYOND_M = 90_000  # out of the force, wherever in it a record lies


@dataclass(frozen=True, slots=True)
class _Error:
    """A kind of error: how many, the column that is listed, the check that sees it, what it does to columns."""

    kind: str
    n: int
    column: str
    rule: str
    values: Mapping[str, pl.Expr]


def _shifted(name: str, hours: int, of: str | None = None) -> pl.Expr:
    """A column of times moved by so many hours; `of` names the column it is taken from."""
    moved = pl.col(of or name).str.to_datetime(TIME_FORMAT, strict=False) + pl.duration(hours=hours)
    return moved.dt.strftime(TIME_FORMAT)


def _grid_letters() -> pl.Expr:
    letters = pl.lit("SP")
    for (east, north), square in _SQUARES.items():
        letters = (
            pl.when((_E // 100_000).eq(east) & (_N // 100_000).eq(north))
            .then(pl.lit(square))
            .otherwise(letters)
        )
    digits = [(v % 100_000 // 100).cast(pl.String).str.zfill(3) for v in (_E, _N)]
    return pl.format("{} {} {}", letters, *digits)


_SWAPPED = _Error(
    "swapped_coordinates",
    0,
    "easting",
    "C12",
    {"easting": pl.col("northing"), "northing": pl.col("easting")},
)
_ZERO = _Error(
    "zero_coordinates", 0, "easting", "C12", {"easting": pl.lit("0"), "northing": pl.lit("0")}
)
_NOTHING = pl.lit(None, pl.String)
_ERRORS: Mapping[str, tuple[_Error, ...]] = {
    "crime_extract": (
        _Error("swapped_coordinates", 8, "easting", "C12", _SWAPPED.values),
        _Error("zero_coordinates", 5, "easting", "C12", _ZERO.values),
        _Error("grid_letters", 2, "easting", "C12", {"easting": _grid_letters(), "northing": _NOTHING}),
        _Error("outside_force", 3, "easting", "C11", {"easting": (_E + _BEYOND_M).cast(pl.String)}),
        _Error("inverted_window", 6, "committed_to_local", "C5",
               {"committed_to_local": _shifted("committed_to_local", -49, of="committed_from_local")}),
        # A wrong clock dates the whole record, so that nothing but the future is wrong with it.
        _Error("future_date", 3, "committed_from_local", "C6", {name: _shifted(name, 24 * 365 * 10) for name in _CRIME_TIMES}),
        _Error("date_without_time", 6, "committed_from_local", "C8",
               {"committed_from_local": pl.col("committed_from_local").str.head(10), "committed_to_local": _NOTHING}),
        _Error("unknown_offence_code", 5, "ho_offence_code", "C9", {"ho_offence_code": pl.lit(UNKNOWN_CODE)}),
    ),
    "asb_extract": (
        _Error("swapped_coordinates", 3, "easting", "C12", _SWAPPED.values),
        _Error("zero_coordinates", 3, "easting", "C12", _ZERO.values),
        _Error("closed_before_opened", 3, "closed_ts_local", "A1",
               {"closed_ts_local": pl.when(pl.col("closed_ts_local").is_not_null()).then(
                   _shifted("closed_ts_local", -3, of="opened_ts_local"))}),
    ),
}  # fmt: skip
KEYS = {"crime_extract": "crime_number", "asb_extract": "incident_ref"}


def spoil(
    rng: np.random.Generator,
    feed: str,
    versions: Versions,
    default_geocodes: pl.DataFrame,
    nights: Times,
    other_errors: Mapping[int, int],
) -> tuple[Versions, pl.DataFrame]:
    """(the states with errors, what is wrong with which: frame FOUND).

    A record's error is in all its states, as it is in the source system. `nights` are the extract times; no night gets
    more new states with errors than MOST_WRONG of its rows, less what `other_errors` says of a night's number.
    """
    candidates = _clean_records(feed, versions, default_geocodes)
    n_records = int(versions.record.max(initial=-1)) + 1
    budget = _Budget.of(versions, nights, n_records, other_errors)
    frame, found = versions.frame, []
    for error in _ERRORS[feed]:
        # A draw for every record, so that a record more or less changes little.
        order = candidates[np.argsort(rng.uniform(size=n_records)[candidates], kind="stable")]
        wanted = max(1, round(error.n * n_records / USUAL_N[feed]))
        is_wrong = np.isin(versions.record, budget.take(order, wanted))
        frame = frame.with_columns(
            pl.when(pl.Series(is_wrong)).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in error.values.items()
        )
        # An empty value is right: a log that is still open has no wrong end.
        states = np.flatnonzero(is_wrong & frame[error.column].is_not_null().to_numpy())
        found.append(_listed(frame, states, error.kind, error.column, error.rule))
    return Versions(versions.record, versions.changed, frame), pl.concat(found)


@dataclass(eq=False)
class _Budget:
    """How many more wrong rows each night may bring; `nights` of a record from `begins[record]` on."""

    left: Ints
    nights: Ints
    begins: Ints
    taken: set[int] = field(default_factory=set)

    @classmethod
    def of(
        cls, versions: Versions, nights: Times, n_records: int, other_errors: Mapping[int, int]
    ) -> _Budget:
        night = np.searchsorted(nights, versions.changed, side="left")
        is_sent = night < len(nights)
        brought = np.unique(versions.record[is_sent] * len(nights) + night[is_sent])
        record, night = np.divmod(brought, len(nights))
        left = np.floor(MOST_WRONG * np.bincount(night, minlength=len(nights)))
        for number, n in other_errors.items():
            left[number] -= n
        begins = np.searchsorted(record, np.arange(n_records + 1))
        return cls(left.astype(np.int64), night, begins)

    def take(self, order: Ints, wanted: int) -> Ints:
        """The first so many records, in this order, that no night on which they are sent has too many of."""
        chosen: list[int] = []
        # not in bulk: each one taken changes what the next may be; few are passed over
        for record in order.tolist():
            if len(chosen) == wanted:
                break
            mine = self.nights[self.begins[record] : self.begins[record + 1]]
            if record not in self.taken and len(mine) and (self.left[mine] > 0).all():
                self.left[mine] -= 1
                self.taken.add(record)
                chosen.append(record)
        return np.array(chosen, dtype=np.int64)


def _clean_records(feed: str, versions: Versions, default_geocodes: pl.DataFrame) -> Ints:
    """Records whose error would be seen."""
    order = np.lexsort((versions.changed, versions.record))
    first = order[is_first_state(versions.record[order])]
    states: pl.DataFrame = versions.frame[first].with_columns(
        record=pl.Series(versions.record[first])
    )
    is_usual = np.ones(len(states), dtype=bool)
    is_usual[unusual_states(feed, states, default_geocodes)["state"].to_numpy()] = False
    well_placed = pl.col("geocode_quality").is_in(["uprn", "street"])
    states = states.filter(pl.Series(is_usual) & well_placed)
    if feed == "crime_extract":
        states = states.filter(~pl.col("committed_from_local").str.ends_with("00:00:00"))
    return states["record"].to_numpy()


def unusual_states(feed: str, frame: pl.DataFrame, default_geocodes: pl.DataFrame) -> pl.DataFrame:
    """Unusual states of the generator's own: no location, default geocode, site, date only. A frame FOUND."""
    east, north = (pl.col(name).cast(pl.Float64, strict=False) for name in ("easting", "northing"))
    is_default = pl.lit(False)
    for e, n, radius in default_geocodes.select("easting", "northing", "radius_m").iter_rows():
        is_default = is_default | ((east - e) ** 2 + (north - n) ** 2 <= radius**2).fill_null(False)
    kinds: dict[str, tuple[pl.Expr, str, str]] = {
        "no_location": (
            pl.col("easting").is_null() & pl.col("northing").is_null(),
            "easting",
            "C10",
        ),
        "at_default_geocode": (is_default, "easting", "C13"),
    }
    if feed == "crime_extract":
        begins, ends = pl.col("committed_from_local"), pl.col("committed_to_local")
        is_whole_day = begins.str.ends_with("00:00:00") & ends.str.ends_with("23:59:00")
        at_site = pl.col("location_type").is_in(["police_custody", "hospital", "prison"])
        kinds |= {
            "date_only_window": (is_whole_day.fill_null(False), "committed_from_local", "C8"),
            "at_excluded_site": (at_site, "location_type", ""),
        }
    found = []
    for kind, (condition, column, rule) in kinds.items():
        is_so = frame.select(condition.alias("is_so"))["is_so"].to_numpy()
        found.append(_listed(frame, np.flatnonzero(is_so), kind, column, rule))
    return pl.concat(found)


def _listed(
    frame: pl.DataFrame, states: np.ndarray | Sequence[int], kind: str, column: str, rule: str
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "state": pl.Series(states, dtype=pl.Int64),
            "kind": pl.Series([kind], dtype=pl.String).new_from_index(0, len(states)),
            "column": pl.Series([column], dtype=pl.String).new_from_index(0, len(states)),
            "value": frame[column][np.asarray(states).tolist()].fill_null(""),
            "rule": pl.Series([rule], dtype=pl.String).new_from_index(0, len(states)),
        },
        schema=FOUND,
    )
