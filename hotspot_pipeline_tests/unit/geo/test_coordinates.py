"""Every way a coordinate pair is delivered, one by one and as properties over the whole force."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.geo import grid_reference
from hotspot_pipeline.geo.coordinates import (
    COORDINATE_STATUSES,
    TREATMENT,
    recognise,
)
from hotspot_pipeline.geo.transform import to_bng, to_wgs84

WARWICKSHIRE = (402_694.0, 228_614.0, 456_471.0, 310_027.0)
E, N = 431_912, 265_734
(LON,), (LAT,) = (values.tolist() for values in to_wgs84([E], [N]))

Row = dict[str, str | None]


def status_of(
    row: Row, box: tuple[float, float, float, float] = WARWICKSHIRE, margin_m: float = 5_000.0
) -> tuple[str, tuple[object, ...]]:
    frame = pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    found = recognise(frame, box, margin_m)
    assert found.height == 1
    place = found.select("easting", "northing", "lon", "lat").row(0)
    return found["coordinate_status"][0], place


def en(easting: object, northing: object) -> Row:
    return {"easting": str(easting), "northing": str(northing)}


def ll(lon: object, lat: object) -> Row:
    return {"lon": str(lon), "lat": str(lat)}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (en(E, N), "ok"),
        (en(" 431912.0 ", "265734.00"), "ok"),
        (en("431,912", "265,734"), "ok"),
        (ll(LON, LAT), "ok"),
        (en(E, N) | ll(LON, LAT), "ok"),
        ({"easting": "", "northing": "  ", "lon": "NULL", "lat": "n/a"}, "missing"),
        ({"easting": None, "northing": None}, "missing"),
        (en(0, 0), "zero"),
        (en("0.0", "-0"), "zero"),
        (ll(0, 0), "zero"),
        (en(N, E), "swapped_easting_northing"),
        (ll(LAT, LON), "swapped_lon_lat"),
        (en(LON, LAT), "degrees_in_easting_northing"),
        (en(LAT, LON), "degrees_in_easting_northing"),
        (ll(E, N), "metres_in_lon_lat"),
        (ll(N, E), "metres_in_lon_lat"),
        (en(431_900, 265_700), "rounded_100m"),
        (en(431_900, 265_734), "ok"),
        (en(1_431_912, N), "outside_grid"),
        (en(-5, N), "outside_grid"),
        (ll(2.35, 48.85), "outside_grid"),
        (en(E, N) | ll(LON, LAT + 0.001), "pairs_disagree"),
        (en(E, N) | ll(0, 0), "pairs_disagree"),
        (en(E, N) | ll("west", LAT), "pairs_disagree"),
        (en(N, E) | ll(LON, LAT), "swapped_easting_northing"),
        ({"easting": str(E), "northing": None}, "incomplete"),
        ({"lon": None, "lat": str(LAT)}, "incomplete"),
        (en("here", N), "unreadable"),
        (en("inf", N), "unreadable"),
        (en("43,19,12", N), "unreadable"),
        (ll("1.53W", LAT), "unreadable"),
        # In the grid but in another force: C11 decides that, not this module.
        (en(530_624, 178_388), "ok"),
    ],
)
def test_how_it_was_delivered(row: Row, status: str) -> None:
    found, place = status_of(row)
    assert found == status
    has_location = TREATMENT[status] in ("use", "use_as_area_centroid")
    assert all((value is not None) == has_location for value in place)


def test_what_becomes_of_each_status() -> None:
    assert set(TREATMENT) == set(COORDINATE_STATUSES)
    by_treatment: dict[str, set[str]] = {}
    for status, treatment in TREATMENT.items():
        by_treatment.setdefault(treatment, set()).add(status)
    assert by_treatment == {
        "use": {"ok", "grid_reference", "pairs_disagree"},
        "use_as_area_centroid": {"rounded_100m", "grid_reference_coarse"},
        "no_location": {"missing"},
        "quarantine": {
            "incomplete",
            "unreadable",
            "zero",
            "swapped_easting_northing",
            "swapped_lon_lat",
            "degrees_in_easting_northing",
            "metres_in_lon_lat",
            "outside_grid",
        },
    }


def test_the_location_is_in_both_systems() -> None:
    _, from_metres = status_of(en(E, N))
    assert from_metres == (E, N, LON, LAT)
    _, from_degrees = status_of(ll(LON, LAT))
    assert from_degrees[2:] == (LON, LAT)
    assert from_degrees[:2] == pytest.approx((E, N), abs=0.002)


def test_where_both_pairs_come_the_metres_decide() -> None:
    _, place = status_of(en(E, N) | ll(LON + 0.0001, LAT))
    assert place == (E, N, LON, LAT)


@pytest.mark.parametrize(("north_m", "status"), [(24.9, "ok"), (25.1, "pairs_disagree")])
def test_pairs_may_differ_by_25_m(north_m: float, status: str) -> None:
    (lon,), (lat,) = to_wgs84([E], [N + north_m])
    found, place = status_of(en(E, N) | ll(lon, lat))
    assert found == status
    assert place[:2] == (E, N)


def test_a_rounded_pair_agrees_with_the_exact_one_it_was_cut_from() -> None:
    (lon,), (lat,) = to_wgs84([431_999.0], [265_799.0])
    assert status_of(en(431_900, 265_700) | ll(lon, lat))[0] == "rounded_100m"
    (lon,), (lat,) = to_wgs84([431_900.0], [266_000.0])
    assert status_of(en(431_900, 265_700) | ll(lon, lat))[0] == "pairs_disagree"


# --- letter references -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("easting", "northing", "expected", "status"),
    [
        # SP is the square at (400000, 200000); the middle of the named square is returned.
        ("SP 319 657", None, (431_950, 265_750), "grid_reference_coarse"),
        ("SP319657", "", (431_950, 265_750), "grid_reference_coarse"),
        ("sp 319 657", None, (431_950, 265_750), "grid_reference_coarse"),
        (None, "SP319657", (431_950, 265_750), "grid_reference_coarse"),
        ("SP319657", "SP319657", (431_950, 265_750), "grid_reference_coarse"),
        ("SP 36", None, (435_000, 265_000), "grid_reference_coarse"),
        ("SP 31 65", None, (431_500, 265_500), "grid_reference_coarse"),
        ("SP 3191 6573", None, (431_915, 265_735), "grid_reference"),
        ("SP 31912 65734", None, (431_912, 265_734), "grid_reference"),
        ("SP 31912", "SP 65734", (431_912, 265_734), "grid_reference"),
        ("SP31912", "65734", (431_912, 265_734), "grid_reference"),
        ("31912", "SP65734", (431_912, 265_734), "grid_reference"),
        ("SP 319", "657", (431_950, 265_750), "grid_reference_coarse"),
        # Another force's square is read all the same.
        ("TQ 30624 78388", None, (530_624, 178_388), "grid_reference"),
    ],
)
def test_letter_references(
    easting: str | None, northing: str | None, expected: tuple[int, int], status: str
) -> None:
    found, place = status_of({"easting": easting, "northing": northing})
    assert (found, place[:2]) == (status, expected)
    assert place[2:] == tuple(v[0] for v in to_wgs84([expected[0]], [expected[1]]))


@pytest.mark.parametrize(
    ("easting", "northing"),
    [
        ("SP 319 65", None),
        ("SP", None),
        ("SP 319 657 1234", None),
        ("SP 3196 57", None),
        ("SP 1", None),
        ("SP 319657319657", None),
        ("ZZ 319 657", None),
        ("SI 319 657", None),
        ("SP 31912", "TP 65734"),
        ("SP 31912", "6573"),
        ("SP 319657", "265734"),
        ("SP 319.5 657.2", None),
    ],
)
def test_what_only_looks_like_a_letter_reference(easting: str, northing: str | None) -> None:
    assert status_of({"easting": easting, "northing": northing})[0] == "unreadable"


def test_letter_references_in_a_column_of_their_own() -> None:
    found, place = status_of({"easting": None, "grid_reference": "SP 31912 65734"})
    assert (found, place[:2]) == ("grid_reference", (431_912, 265_734))
    found, place = status_of(en(E + 1, N) | {"grid_reference": "SP 31912 65734"})
    assert (found, place[:2]) == ("ok", (E + 1, N))


def test_the_hundred_kilometre_squares() -> None:
    squares = grid_reference.SQUARES
    assert len(squares) == 7 * 13
    assert len(set(squares.values())) == 7 * 13
    # Published anchors: Scilly, London, Warwick, Edinburgh, Isle of Man, Shetland, the grid's top.
    for name, corner in {
        "SV": (0, 0),
        "TQ": (500_000, 100_000),
        "SP": (400_000, 200_000),
        "NT": (300_000, 600_000),
        "SC": (200_000, 400_000),
        "HU": (400_000, 1_100_000),
        "HP": (400_000, 1_200_000),
        "NF": (0, 800_000),
        "TV": (500_000, 0),
    }.items():
        assert squares[name] == corner


@given(
    st.sampled_from(sorted(grid_reference.SQUARES)),
    st.integers(0, 99_999),
    st.integers(0, 99_999),
    st.integers(1, 5),
    st.sampled_from(["{l} {e} {n}", "{l}{e}{n}", "{l}{e} {n}"]),
)
def test_a_reference_names_the_square_that_holds_the_point(
    letters: str, easting: int, northing: int, figures: int, form: str
) -> None:
    text = form.format(l=letters, e=f"{easting:05d}"[:figures], n=f"{northing:05d}"[:figures])
    found = grid_reference.parse(pl.Series([text]), pl.Series([None], dtype=pl.String)).row(0)
    side = 10 ** (5 - figures)
    corner_e, corner_n = grid_reference.SQUARES[letters]
    assert found[2] == side
    assert abs(found[0] - (corner_e + easting)) <= side / 2
    assert abs(found[1] - (corner_n + northing)) <= side / 2


# --- properties ------------------------------------------------------------------------------------

eastings = st.integers(402_694, 456_471)
northings = st.integers(228_614, 310_027)


@given(eastings, northings)
@settings(max_examples=60)
def test_anywhere_in_the_force_each_fault_is_told_apart(easting: int, northing: int) -> None:
    (lon,), (lat,) = to_wgs84([easting], [northing])
    frame = pl.DataFrame(
        [
            en(easting, northing),
            en(northing, easting),
            en(lon, lat),
            en(lat, lon),
            ll(lon, lat),
            ll(lat, lon),
            ll(easting, northing),
        ],
        schema=dict.fromkeys(["easting", "northing", "lon", "lat"], pl.String),
    )
    rounded = easting % 100 == 0 and northing % 100 == 0
    assert recognise(frame, WARWICKSHIRE)["coordinate_status"].to_list() == [
        "rounded_100m" if rounded else "ok",
        "swapped_easting_northing",
        "degrees_in_easting_northing",
        "degrees_in_easting_northing",
        "ok",
        "swapped_lon_lat",
        "metres_in_lon_lat",
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.one_of(
                    st.none(),
                    st.text(max_size=4),
                    st.floats(width=16).map(str),
                    st.integers(-10, 1_400_000).map(str),
                )
                for name in ("easting", "northing", "lon", "lat", "grid_reference", "other")
            },
        ),
        max_size=6,
    )
)
@settings(max_examples=100)
def test_any_text_gets_a_status_and_no_row_is_lost(rows: list[Row]) -> None:
    names = ["easting", "northing", "lon", "lat", "grid_reference", "other"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))
    found = recognise(frame, WARWICKSHIRE)
    assert found.height == frame.height
    kept = [TREATMENT[status] for status in found["coordinate_status"].to_list()]
    located = np.array([k in ("use", "use_as_area_centroid") for k in kept], dtype=bool)
    for name in ("easting", "northing", "lon", "lat"):
        assert found[name].is_not_null().to_list() == located.tolist()
        assert found[name].fill_null(0.0).is_finite().all()
    used = found.filter(pl.Series(located))
    easting, northing = to_bng(used["lon"].to_numpy(), used["lat"].to_numpy())
    # In the far corners of the grid (sea) the transform answers one way only.
    apart = np.hypot(easting - used["easting"].to_numpy(), northing - used["northing"].to_numpy())
    assert apart[~np.isnan(apart)].max(initial=0) < 0.01


def test_each_row_is_judged_by_itself() -> None:
    rows = [en(E, N), en(0, 0), en(N, E), en("SP 319 657", ""), ll(LON, LAT), en("", "")]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(["easting", "northing", "lon", "lat"], pl.String)
    )
    together = recognise(frame, WARWICKSHIRE)
    one_by_one = pl.concat([recognise(frame[k], WARWICKSHIRE) for k in range(frame.height)])
    assert together.equals(one_by_one)
    assert recognise(frame.reverse(), WARWICKSHIRE).reverse().equals(together)


def test_numbers_absent_columns_and_no_rows() -> None:
    numbers = pl.DataFrame({"easting": [E, None], "northing": [N, None]})
    assert recognise(numbers, WARWICKSHIRE)["coordinate_status"].to_list() == ["ok", "missing"]
    none_at_all = recognise(pl.DataFrame({"crime_number": ["1", "2"]}), WARWICKSHIRE)
    assert none_at_all["coordinate_status"].to_list() == ["missing", "missing"]
    empty = recognise(pl.DataFrame(schema={"easting": pl.String}), WARWICKSHIRE)
    assert empty.height == 0
    assert empty.schema == none_at_all.schema


def test_the_margin_widens_the_box_that_decides_swaps() -> None:
    just_west = WARWICKSHIRE[0] - 3_000
    delivered = en(265_734, int(just_west))
    assert status_of(delivered, margin_m=5_000)[0] == "swapped_easting_northing"
    assert status_of(delivered, margin_m=1_000)[0] != "swapped_easting_northing"


def test_a_force_on_the_diagonal_keeps_points_that_lie_inside_either_way() -> None:
    manchester = (350_000.0, 380_000.0, 410_000.0, 430_000.0)
    assert status_of(en(384_001, 398_002), manchester)[0] == "ok"
    assert status_of(en(398_002, 384_001), manchester)[0] == "ok"
    assert status_of(en(429_001, 352_002), manchester)[0] == "swapped_easting_northing"


def test_notes_are_sentences_without_coordinates() -> None:
    frame = pl.DataFrame([en(N, E), en(E, N)])
    notes = recognise(frame, WARWICKSHIRE)["coordinate_note"].to_list()
    assert notes[1] is None
    assert "exchanged" in notes[0]
    assert str(E) not in notes[0]
