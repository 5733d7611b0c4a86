"""From selected cells to hotspots: neighbours are joined, and every hotspot gets a short id that
stays.

Belongs here: the merge, the ids, the match with hotspots already signed off. Which cells are
selected is decided in `ranking`; polygons are built from the member cells by the asset; sign-off
records are kept in the force's own file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hexes.checks import IntArray, as_pairs, require_columns, require_unique

MAX_CELLS = 3
ID_PREFIX = "H-"
#: Mode, resolution, base cell and the first bit below it: equal for all cells of a county.
_SHARED_CHARACTERS = 4

MERGED_SCHEMA = {
    "hotspot_id": pl.String,
    "hotspot_rank": pl.Int64,
    "cell": pl.Int64,
    "rank": pl.Int64,
    "member_no": pl.Int64,
    "seed_cell": pl.Int64,
}


def merge_contiguous(
    rank: npt.ArrayLike, i: npt.ArrayLike, j: npt.ArrayLike, *, max_cells: int = MAX_CELLS
) -> tuple[IntArray, IntArray]:
    """Return for every selected cell its hotspot (0, 1, ... in rank order) and its place in it (0 =
    the seed).

    `rank` holds the distinct ranks of the selected cells (lower is hotter), `i`, `j` their
    neighbouring pairs as positions in `rank`, each in both directions.

    Greedy from the top: the best cell not yet taken seeds a hotspot, which grows to at most
    `max_cells`. The next member is always a free selected cell that touches a member; of several,
    the one that touches most members (compact before long), then the best ranked. A hotspot is
    therefore contiguous, and nothing depends on the order of the input. The top k cells give at
    most k hotspots.
    """
    ranks = np.asarray(rank, dtype=np.int64)
    n = ranks.size
    if max_cells < 1:
        raise ValueError(f"max_cells is {max_cells}: a hotspot has at least one cell")
    if np.unique(ranks).size != n:
        raise ValueError("rank: two selected cells have the same rank; use an ordinal rank")
    left, right = as_pairs(i, j, n)
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        neighbours[a].append(b)
    hotspot = np.full(n, -1, dtype=np.int64)
    member_no = np.zeros(n, dtype=np.int64)
    n_hotspots = 0
    for seed in np.argsort(ranks).tolist():
        if hotspot[seed] >= 0:
            continue
        members = [seed]
        hotspot[seed] = n_hotspots
        while len(members) < max_cells:
            touches: dict[int, int] = {}
            for member in members:
                for cell in neighbours[member]:
                    if hotspot[cell] < 0:
                        touches[cell] = touches.get(cell, 0) + 1
            if not touches:
                break
            best = min(touches, key=lambda cell: (-touches[cell], ranks[cell]))
            hotspot[best], member_no[best] = n_hotspots, len(members)
            members.append(best)
        n_hotspots += 1
    return hotspot, member_no


def merged_hotspots(
    selected: pl.DataFrame, i: npt.ArrayLike, j: npt.ArrayLike, *, max_cells: int = MAX_CELLS
) -> pl.DataFrame:
    """Return one row per selected cell with the columns of `MERGED_SCHEMA`, by hotspot_rank and
    member_no (both from 1).

    `selected` needs `cell` and `rank` (distinct); `i`, `j` are positions of its rows.
    `hotspot_rank` follows the rank of the seed; `hotspot_id` is derived from the seed and becomes
    final in `match_to_signed`.
    """
    require_columns(selected, ("cell", "rank"), "merge")
    require_unique(selected, "cell", "merge")
    hotspot, member_no = merge_contiguous(
        selected.get_column("rank").to_numpy(), i, j, max_cells=max_cells
    )
    numbered = selected.select("cell", "rank").with_columns(
        hotspot_rank=pl.Series(hotspot + 1), member_no=pl.Series(member_no + 1)
    )
    ordered = numbered.sort("hotspot_rank", "member_no").with_columns(
        seed_cell=pl.col("cell").first().over("hotspot_rank", order_by="member_no")
    )
    ids = _fresh_ids(_member_cells(ordered, "hotspot_rank"), taken=())
    return ordered.with_columns(
        hotspot_id=pl.col("hotspot_rank").replace_strict(ids, return_dtype=pl.String)
    ).select(pl.col(name).cast(dtype) for name, dtype in MERGED_SCHEMA.items())


def short_cell_id(cell: int) -> str:
    """Return "H-" and the characters of the H3 index that vary inside a county, e.g.
    0x89195d2a50fffff -> H-5d2a50f.

    Cut away are the four leading characters (mode, resolution, base cell: equal over a county) and
    the trailing ones that only fill up a resolution below 15. Unique within one resolution for all
    cells that share the four leading characters. A cell of another grid keeps all its hexadecimal
    digits.
    """
    text = format(cell, "x")
    if not h3.is_valid_cell(cell):
        return f"{ID_PREFIX}{text}"
    # 15 bits of header, then 3 bits per resolution, 4 bits per character.
    end = -(-(15 + 3 * h3.get_resolution(cell)) // 4)
    return f"{ID_PREFIX}{text[_SHARED_CHARACTERS:end]}"


def match_to_signed(
    candidates: pl.DataFrame, signed: pl.DataFrame, *, reserved_ids: Iterable[str] = ()
) -> pl.DataFrame:
    """Return `candidates` with the ids of the signed hotspots they continue, and with new ids for
    the rest.

    `candidates` comes from `merged_hotspots` (hotspot_rank, member_no, cell); `signed` has
    `hotspot_id` and `cell`, one row per member cell of each hotspot on the force's signed list.
    `reserved_ids` are ids of retired hotspots, not to be given again.

    A candidate keeps the id of the signed hotspot with which it shares most cells, each id going to
    one candidate at most. Order when several compete: most shared cells, then the largest share of
    their joint cells, then the better ranked candidate, then the lower id. A candidate that shares
    no cell gets an id from its first member whose derived id is free (with a suffix -2, -3 ...
    where none is).

    Added columns: `n_shared_cells` (0 for a new one), `is_new`. All rows of the candidates stay, in
    their order.
    """
    require_columns(candidates, ("hotspot_rank", "member_no", "cell"), "candidates")
    require_columns(signed, ("hotspot_id", "cell"), "signed hotspots")
    require_unique(candidates, "cell", "candidates")
    require_unique(signed.unique(["hotspot_id", "cell"]), "cell", "signed hotspots")
    wanted = _member_cells(candidates.sort("hotspot_rank", "member_no"), "hotspot_rank")
    known = _member_cells(signed.sort("hotspot_id", "cell"), "hotspot_id")
    owner = {cell: hotspot_id for hotspot_id, cells in known.items() for cell in cells}
    shared: dict[tuple[int, str], int] = {}
    for rank, cells in wanted.items():
        for cell in cells:
            if cell in owner:
                pair = (rank, owner[cell])
                shared[pair] = shared.get(pair, 0) + 1

    def preference(pair: tuple[int, str]) -> tuple[int, float, int, str]:
        n_shared = shared[pair]
        n_joint = len(wanted[pair[0]]) + len(known[pair[1]]) - n_shared
        return (-n_shared, -n_shared / n_joint, pair[0], pair[1])

    kept: dict[int, str] = {}
    given: set[str] = set()
    for rank, hotspot_id in sorted(shared, key=preference):
        if rank not in kept and hotspot_id not in given:
            kept[rank] = hotspot_id
            given.add(hotspot_id)
    new = {rank: cells for rank, cells in wanted.items() if rank not in kept}
    ids = kept | _fresh_ids(new, taken={*known, *reserved_ids})
    n_shared = {rank: shared[(rank, hotspot_id)] for rank, hotspot_id in kept.items()}
    rank_column = pl.col("hotspot_rank")
    return candidates.with_columns(
        hotspot_id=rank_column.replace_strict(ids, return_dtype=pl.String),
        n_shared_cells=rank_column.replace_strict(n_shared, default=0, return_dtype=pl.Int64),
        is_new=rank_column.is_in(list(new)),
    )


def _member_cells(frame: pl.DataFrame, by: str) -> dict[Any, list[int]]:
    groups: dict[Any, list[int]] = {}
    for key, cell in frame.select(by, "cell").iter_rows():
        groups.setdefault(key, []).append(cell)
    return groups


def _fresh_ids(members: dict[int, list[int]], taken: Iterable[str]) -> dict[int, str]:
    """Give every hotspot, best ranked first, the derived id of its first member that is still
    free."""
    used = set(taken)
    ids: dict[int, str] = {}
    for rank in sorted(members):
        derived = [short_cell_id(cell) for cell in members[rank]]
        numbered = (f"{derived[0]}-{n}" for n in range(2, len(used) + 3))
        ids[rank] = next(name for name in (*derived, *numbered) if name not in used)
        used.add(ids[rank])
    return ids
