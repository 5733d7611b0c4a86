"""The guard: a night that changes more than recoding ever does is known, but not published until a person says so.

A batch re-geocode, a migration of the records system or a broken export looks like thousands of recodes. History takes them in (they did
arrive), the publication waits (DOMAIN §1.5, requirement 6). Not here: the decision itself (`raw.decisions`).
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

# the file that stands beside yesterday's outputs as long as newer ones are held
BANNER = "HELD.txt"
CHANGED_AT_MOST = 0.05  # of the records known before
MOVED_AT_MOST = 0.20  # of the records that the extract shows
# below this a share says nothing: five changes among fifty records are an ordinary night of a small force
MIN_RECORDS = 1000
MIN_MOVED = 100


def judged(
    entries: pl.DataFrame, moved: pl.DataFrame, first_feeds: Collection[str]
) -> pl.DataFrame:
    """The book's entries with n_moved, the shares and `is_held`; `moved` has extract_id and n_moved.

    A first load changes nothing, and with it (`first_feeds`) nothing is held: there is no yesterday to keep.
    """
    known = (
        entries.drop("n_moved")
        .join(moved, on="extract_id", how="left")
        .with_columns(pl.col("n_moved").fill_null(0).cast(pl.Int64))
    )
    knows = ~pl.col("is_first_load")
    changed = pl.when(knows & (pl.col("n_standing") > 0)).then(
        pl.col("n_changed") / pl.col("n_standing")
    )
    moved_share = pl.when(knows & (pl.col("n_seen") > 0)).then(pl.col("n_moved") / pl.col("n_seen"))
    return known.with_columns(share_changed=changed, share_moved=moved_share).with_columns(
        is_held=(
            ((pl.col("share_changed") > CHANGED_AT_MOST) & (pl.col("n_standing") >= MIN_RECORDS))
            | ((pl.col("share_moved") > MOVED_AT_MOST) & (pl.col("n_moved") >= MIN_MOVED))
        ).fill_null(False)
        & ~pl.col("feed").is_in(list(first_feeds))
    )


def reason(entry: dict[str, object]) -> str:
    """Why an extract is held, for people."""
    return (
        f"{entry['extract_id']} changes {entry['n_changed']:,} of {entry['n_standing']:,} known records "
        f"({entry['share_changed'] or 0:.1%}) and moves {entry['n_moved']:,} of the {entry['n_seen']:,} it shows ({entry['share_moved'] or 0:.1%}) "
        f"into other cells; more than {CHANGED_AT_MOST:.0%} or {MOVED_AT_MOST:.0%} is not published unseen. If it is right: "
        f"hotspots release {entry['extract_id']} --by NAME --because REASON; if not: hotspots withdraw {entry['extract_id']} --because REASON"
    )
