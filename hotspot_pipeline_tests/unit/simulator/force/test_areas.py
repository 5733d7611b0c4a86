"""Areas: in one piece, nested, with about equal residents."""

from __future__ import annotations

import numpy as np
import pytest

from hotspot_pipeline.simulator.force.areas import make_areas
from hotspot_pipeline.simulator.force.county import County, Ints
from hotspot_pipeline_tests.unit.simulator.force.conftest import SEEDS, Ground, MakeGround


def _n_pieces(county: County, area: Ints) -> dict[int, int]:
    """Pieces of each area, by walking from cell to cell."""
    beside: list[list[int]] = [[] for _ in range(len(area))]
    for i, j in zip(*(side.tolist() for side in county.pairs), strict=True):
        if area[i] == area[j]:
            beside[i].append(j)
    seen = np.zeros(len(area), dtype=bool)
    pieces: dict[int, int] = {}
    for first in range(len(area)):
        if seen[first]:
            continue
        pieces[int(area[first])] = pieces.get(int(area[first]), 0) + 1
        seen[first] = True
        waiting = [first]
        while waiting:
            for j in beside[waiting.pop()]:
                if not seen[j]:
                    seen[j] = True
                    waiting.append(j)
    return pieces


@pytest.mark.parametrize("profile", ["tiny", "demo", "county"])
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_each_area_is_in_one_piece(ground: MakeGround, profile: str, seed: int) -> None:
    county = ground(profile, seed).county
    areas = county.areas
    for name, area, n in (
        ("lsoa", areas.lsoa, county.n_lsoa),
        ("beat", areas.beat, len(areas.beat_codes)),
    ):
        assert _n_pieces(county, area) == dict.fromkeys(range(n), 1), name


def test_the_county_has_nine_beats_in_three_lpas(county_ground: Ground) -> None:
    areas = county_ground.county.areas
    assert areas.beat_codes[:3] == ("A1", "A2", "A3")
    assert sorted(areas.beat_codes) == [f"{lpa}{k}" for lpa in "ABC" for k in (1, 2, 3)]
    assert areas.lpa_codes == ("A", "B", "C")
    assert len(set(areas.beat_names)) == 9
    # the code of a cell's beat begins with that of its LPA
    cells = np.arange(len(areas.beat))
    assert (areas.beat_code(cells).astype("U1") == areas.lpa_code(cells)).all()


def test_lsoas_nest_in_beats_and_have_about_equal_residents(county_ground: Ground) -> None:
    county, areas = county_ground.county, county_ground.county.areas
    assert len(areas.lsoa_codes) == len(set(areas.lsoa_codes)) == county_ground.profile.n_lsoa
    assert all(len(code) == 9 and code.startswith("E0199") for code in areas.lsoa_codes)
    for k in range(county.n_lsoa):
        assert len(np.unique(areas.beat[areas.lsoa == k])) == 1
    assert areas.lsoa_population.sum() == pytest.approx(county.population.sum())
    average = county.population.sum() / county.n_lsoa
    low, high = np.quantile(areas.lsoa_population / average, [0.05, 0.95])
    assert low > 0.75 and high < 1.3
    assert areas.lsoa_population.max() < 2 * average
    assert areas.lsoa_code(np.array([0]))[0] == areas.lsoa_codes[county.lsoa[0]]


def test_smaller_forces_have_fewer_beats(ground: MakeGround) -> None:
    assert ground("tiny", 1).county.areas.beat_codes == ("A1", "A2", "A3")
    assert set(ground("demo", 1).county.areas.beat_codes) == {"A1", "A2", "A3", "B1", "C1"}


def test_more_areas_than_cells_are_refused(ground: MakeGround) -> None:
    county = ground("tiny", 1).county
    with pytest.raises(ValueError, match="do not fit"):
        make_areas(
            county.pairs, county.easting, county.northing, county.population, county.towns,
            county.town, len(county.cells) + 1,
        )  # fmt: skip
