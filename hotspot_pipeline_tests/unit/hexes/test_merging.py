from __future__ import annotations

from typing import Any

import h3.api.basic_int as h3
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes.merging import (
    MERGED_SCHEMA,
    match_to_signed,
    merge_contiguous,
    merged_hotspots,
    short_cell_id,
)

CENTRE = h3.latlng_to_cell(52.2852, -1.5201, 9)
DISC = sorted(h3.grid_disk(CENTRE, 3))


def merged(find_pairs: Any, cells: list[int], **options: Any) -> pl.DataFrame:
    """Hotspots of cells given from the hottest down."""
    frame = pl.DataFrame({"cell": cells, "rank": range(1, len(cells) + 1)})
    return merged_hotspots(frame, *find_pairs(cells), **options)


def grouped(frame: pl.DataFrame) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for rank, cell in frame.select("hotspot_rank", "cell").rows():
        groups.setdefault(rank, []).append(cell)
    return groups


@given(
    chosen=st.lists(st.sampled_from(DISC), min_size=1, max_size=25, unique=True),
    max_cells=st.integers(1, 4),
    random=st.randoms(use_true_random=False),
)
def test_every_hotspot_is_contiguous_and_grown_as_far_as_it_can(
    find_pairs: Any, chosen: list[int], max_cells: int, random: Any
) -> None:
    groups = grouped(merged(find_pairs, chosen, max_cells=max_cells))
    rank = {cell: at for at, cell in enumerate(chosen)}
    assert sorted(cell for group in groups.values() for cell in group) == sorted(chosen)
    taken: set[int] = set()
    for _, group in sorted(groups.items()):
        free = set(chosen) - taken
        assert group[0] == min(free, key=rank.__getitem__)
        for at in range(1, len(group) + 1):
            candidates = {
                cell: len(set(h3.grid_disk(cell, 1)) & set(group[:at]))
                for cell in free - set(group[:at])
            }
            touching = {cell: n for cell, n in candidates.items() if n > 0}
            if at == max_cells or not touching:
                assert at == len(group)
                break
            assert group[at] == min(touching, key=lambda c: (-touching[c], rank[c]))
        taken |= set(group)

    shuffled = list(range(len(chosen)))
    random.shuffle(shuffled)
    cells = [chosen[at] for at in shuffled]
    frame = pl.DataFrame({"cell": cells, "rank": [at + 1 for at in shuffled]})
    again = merged_hotspots(frame, *find_pairs(cells), max_cells=max_cells)
    assert grouped(again) == groups


def test_compact_before_long_even_against_rank(find_pairs: Any) -> None:
    ring = h3.grid_ring(CENTRE, 1)
    second = ring[0]
    beside_both = next(c for c in ring if h3.are_neighbor_cells(c, second))
    beside_one = next(
        c for c in ring if c not in (second, beside_both) and not h3.are_neighbor_cells(c, second)
    )
    groups = grouped(merged(find_pairs, [CENTRE, second, beside_one, beside_both]))
    assert groups == {1: [CENTRE, second, beside_both], 2: [beside_one]}


def test_cells_that_meet_only_through_a_member_join_and_islands_do_not(find_pairs: Any) -> None:
    ring = h3.grid_ring(CENTRE, 1)
    east = ring[0]
    west = max(ring, key=lambda c: h3.grid_distance(c, east))
    far = h3.grid_ring(CENTRE, 3)[0]
    groups = grouped(merged(find_pairs, [CENTRE, east, far, west]))
    assert groups == {1: [CENTRE, east, west], 2: [far]}
    # Without the cell between them, the two stay apart.
    assert grouped(merged(find_pairs, [east, west])) == {1: [east], 2: [west]}


def test_frame_of_hotspots(find_pairs: Any) -> None:
    frame = merged(find_pairs, [CENTRE, h3.grid_ring(CENTRE, 1)[0]])
    assert dict(frame.schema) == MERGED_SCHEMA
    assert frame.get_column("hotspot_id").unique().to_list() == [short_cell_id(CENTRE)]
    assert frame.get_column("seed_cell").to_list() == [CENTRE, CENTRE]
    assert frame.get_column("member_no").to_list() == [1, 2]
    assert merged(find_pairs, []).is_empty()


def test_wrong_input_is_refused(find_pairs: Any) -> None:
    with pytest.raises(ValueError, match="max_cells is 0"):
        merged(find_pairs, [CENTRE], max_cells=0)
    with pytest.raises(ValueError, match="same rank"):
        merge_contiguous([1, 1], [], [])
    with pytest.raises(ValueError, match="stands in more than one row"):
        merged_hotspots(pl.DataFrame({"cell": [5, 5], "rank": [1, 2]}), [], [])


def test_short_id_by_hand() -> None:
    assert short_cell_id(0x89195D2A50FFFFF) == "H-5d2a50f"
    assert short_cell_id(12345) == "H-3039"


def test_short_ids_are_unique_in_two_whole_counties(cells_of_two_counties: list[int]) -> None:
    assert len(cells_of_two_counties) > 45_000
    ids = {short_cell_id(cell) for cell in cells_of_two_counties}
    assert len(ids) == len(cells_of_two_counties)
    assert {len(name) for name in ids} == {9}


@pytest.mark.parametrize("resolution", range(1, 16))
def test_short_ids_are_unique_at_every_resolution(resolution: int) -> None:
    centre = h3.latlng_to_cell(52.2852, -1.5201, resolution)
    cells = {
        cell
        for cell in h3.grid_disk(centre, 12)
        if format(cell, "x")[:4] == format(centre, "x")[:4]
    }
    assert len({short_cell_id(cell) for cell in cells}) == len(cells)


def signed_frame(hotspots: dict[str, list[int]]) -> pl.DataFrame:
    rows = [(name, cell) for name, cells in hotspots.items() for cell in cells]
    schema = {"hotspot_id": pl.String, "cell": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def candidate_frame(groups: list[list[int]]) -> pl.DataFrame:
    rows = [
        (rank, at, cell) for rank, cells in enumerate(groups, 1) for at, cell in enumerate(cells, 1)
    ]
    schema = {"hotspot_rank": pl.Int64, "member_no": pl.Int64, "cell": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def ids_of(frame: pl.DataFrame) -> list[str]:
    return (
        frame.sort("hotspot_rank")
        .unique("hotspot_rank", maintain_order=True)["hotspot_id"]
        .to_list()
    )


def test_a_signed_id_survives_cells_added_and_dropped() -> None:
    a, b, c, d, e = DISC[:5]
    signed = signed_frame({"H-town": [a, b, c], "H-park": [e]})
    got = match_to_signed(candidate_frame([[d, b, c], [e, a]]), signed)
    assert ids_of(got) == ["H-town", "H-park"]
    assert got.get_column("n_shared_cells").to_list() == [2, 2, 2, 1, 1]
    assert not got.get_column("is_new").any()


def test_most_shared_cells_win_then_the_larger_share_then_the_better_rank() -> None:
    a, b, c, d, e, f = DISC[:6]
    split = match_to_signed(candidate_frame([[a], [b, c]]), signed_frame({"H-1": [a, b, c]}))
    assert ids_of(split) == [short_cell_id(a), "H-1"]
    even = match_to_signed(candidate_frame([[a, d], [b]]), signed_frame({"H-1": [a, b]}))
    assert ids_of(even) == [short_cell_id(a), "H-1"]
    equal = match_to_signed(candidate_frame([[a], [b]]), signed_frame({"H-1": [a, b]}))
    assert ids_of(equal) == ["H-1", short_cell_id(b)]
    joined = match_to_signed(
        candidate_frame([[a, d]]), signed_frame({"H-2": [a, e], "H-1": [d, f]})
    )
    assert ids_of(joined) == ["H-1"]


def test_a_new_hotspot_never_takes_an_id_in_use() -> None:
    a, b, c = DISC[:3]
    name = short_cell_id(a)
    # The signed hotspot was seeded at a, but b and c carry it on; a stands alone now.
    signed = signed_frame({name: [a, b, c]})
    assert ids_of(match_to_signed(candidate_frame([[a], [b, c]]), signed)) == [f"{name}-2", name]
    with_two = match_to_signed(candidate_frame([[a, DISC[9]], [b, c]]), signed)
    assert ids_of(with_two) == [short_cell_id(DISC[9]), name]
    retired = match_to_signed(
        candidate_frame([[a]]), signed_frame({}), reserved_ids=[name, f"{name}-2"]
    )
    assert ids_of(retired) == [f"{name}-3"]


@given(
    st.lists(st.sampled_from(DISC), min_size=1, max_size=20, unique=True),
    st.lists(st.sampled_from(DISC), max_size=20, unique=True),
)
def test_ids_stay_distinct_and_a_second_match_changes_nothing(
    find_pairs: Any, now: list[int], before: list[int]
) -> None:
    signed = merged(find_pairs, before).select("hotspot_id", "cell")
    got = match_to_signed(merged(find_pairs, now), signed)
    per_hotspot = got.unique("hotspot_rank")
    assert per_hotspot.get_column("hotspot_id").n_unique() == per_hotspot.height
    kept = got.filter(~pl.col("is_new"))
    shared = kept.join(signed, on=["hotspot_id", "cell"]).group_by("hotspot_id").len()
    assert dict(shared.rows()) == dict(kept.select("hotspot_id", "n_shared_cells").unique().rows())
    again = match_to_signed(got, got.select("hotspot_id", "cell"))
    assert again.get_column("hotspot_id").to_list() == got.get_column("hotspot_id").to_list()
    assert not again.get_column("is_new").any()


def test_a_cell_signed_in_two_hotspots_is_refused() -> None:
    with pytest.raises(ValueError, match="signed hotspots: cell"):
        match_to_signed(candidate_frame([[DISC[0]]]), signed_frame({"A": DISC[:2], "B": DISC[:1]}))


def test_top_cells_of_the_real_county_give_at_most_as_many_hotspots(
    warwickshire: Any, find_pairs: Any
) -> None:
    best = np.lexsort((warwickshire.cells, -warwickshire.counts))[:30]
    frame = merged(find_pairs, warwickshire.cells[best].tolist())
    sizes = frame.group_by("hotspot_rank").len().get_column("len")
    assert frame.height == 30
    assert sizes.max() == 3
    assert frame.get_column("hotspot_id").n_unique() == sizes.len() < 30
