"""What is written when the observed states of some records are compared with the versions that stand.

Pure frames. Here: which states are added, taken back and closed, and from when each is the answer, so that no answer that was
given before ever changes. Not here: how states follow from sightings (`versions.py`), tables (`digest.py`).

An answer is given for a moment of knowledge. What was known up to the last extract is sealed: an extract that comes late, or a
withdrawal, is known from the moment right after (`corrected_ts`). So a state that is taken back stays the answer for the time
before, and a state that comes back into force is written again, known from then on.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.history.answers import answer_timeline, change_masks
from hotspot_pipeline.history.versioned import GROUPS, WITHDRAWN

_STATE = ("record", "observed_ts", "row_hash", "is_missing")
_HASHES = tuple(f"h_{group}" for group in GROUPS)


@dataclass(frozen=True)
class Changes:
    """`added`: new versions, with `ptr` (null for a record that only withdrawn extracts had shown).
    `closed`: versions that stand, with the columns that are to be set anew. `taken_back`: versions that stand no more."""

    added: pl.DataFrame
    closed: pl.DataFrame
    taken_back: pl.DataFrame

    @property
    def answers(self) -> pl.DataFrame:
        """The added versions that are, or for a while were, the answer."""
        return self.added.filter(_is_answer())


def _is_answer() -> pl.Expr:
    return pl.col("known_to").is_null() | (pl.col("known_to") > pl.col("known_from"))


def changes(observed: pl.DataFrame, standing: pl.DataFrame) -> Changes:
    """Compares states with versions.

    `observed`: record, observed_ts, row_hash, is_missing, ptr, record_status, learned_ts, corrected_ts, h_<group>: every state of
    the records, each with the moment at which its extract became known if it is new, else null.
    `standing`: record, observed_ts, row_hash, is_missing, record_status, known_from, known_to, version_no, change_mask, corrected_ts: the
    versions of the same records that are not taken back.
    """
    empty = standing.filter(pl.col("record_status") == WITHDRAWN)
    real = standing.filter(pl.col("record_status") != WITHDRAWN)
    kept = real.join(observed, on=_STATE, how="semi")
    taken = real.join(observed, on=_STATE, how="anti")
    added = observed.join(real, on=_STATE, how="anti").with_columns(
        learned_ts=pl.coalesce("learned_ts", "corrected_ts")
    )
    # a withdrawn record that a late extract shows after all
    shown = added.filter(pl.col("learned_ts") <= pl.col("corrected_ts"))
    is_open = pl.col("known_to").is_null()
    taken = pl.concat([taken, empty.filter(is_open).join(shown, on="record", how="semi")])
    empty = empty.join(taken, on=_STATE, how="anti")
    again, taken = _in_force_again(observed, kept, taken, added)
    kept = kept.join(again, on=_STATE, how="anti")
    added = pl.concat([added, again], how="diagonal_relaxed")
    added = pl.concat([added, _gone(kept, empty, taken, added)], how="diagonal_relaxed")
    stands = pl.concat([kept, empty])
    timed = _timed(added, stands)
    numbered = _numbered(timed, stands, observed)
    before = _statuses_before(timed, stands, taken)
    key = ["record", "observed_ts", "known_from"]
    added = (
        timed.filter("is_added")
        .join(numbered.select(*key, "version_no", "change_mask"), on=key)
        .join(before, on=["record", "known_from", "observed_ts"], how="left")
    )
    closed = (
        stands.join(
            timed.filter(~pl.col("is_added")).select(*key, new_known_to="known_to"),
            on=key,
            how="left",
        )
        .join(numbered.select(*key, new_version_no="version_no", new_mask="change_mask"), on=key)
        .with_columns(new_known_to=pl.coalesce("known_to", "new_known_to"))
        .filter(
            pl.col("new_known_to").ne_missing(pl.col("known_to"))
            | (pl.col("new_version_no") != pl.col("version_no"))
            | (pl.col("new_mask") != pl.col("change_mask"))
        )
        .select(*key, known_to="new_known_to", version_no="new_version_no", change_mask="new_mask")
    )
    taken = taken.select(
        *key, taken_back="corrected_ts", known_to=pl.coalesce("known_to", "corrected_ts")
    )
    return Changes(added, closed, taken)


def _in_force_again(
    observed: pl.DataFrame, kept: pl.DataFrame, taken: pl.DataFrame, added: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Where today's answer is taken back, the newest state that stands may be one that had been answered before: it is
    written again. Returns (those states as added, `taken` with their old versions)."""
    newest_added = (
        added.filter(pl.col("learned_ts") <= pl.col("corrected_ts"))
        .group_by("record")
        .agg(newest=pl.col("observed_ts").max())
    )
    last = (
        kept.join(taken.filter(pl.col("known_to").is_null()), on="record", how="semi")
        .sort("record", "observed_ts")
        .group_by("record", maintain_order=True)
        .last()
        .join(newest_added, on="record", how="left")
        .filter(pl.col("newest").is_null() | (pl.col("observed_ts") > pl.col("newest")))
        .drop("newest")
        .select(kept.columns)
    )
    states = observed.join(last, on=_STATE, how="semi").with_columns(learned_ts="corrected_ts")
    return states, pl.concat([taken, last])


def _gone(
    kept: pl.DataFrame, empty: pl.DataFrame, taken: pl.DataFrame, added: pl.DataFrame
) -> pl.DataFrame:
    """Records whose answer is taken back and of which nothing else is known: withdrawn, from then on."""
    known = added.filter(pl.col("learned_ts") <= pl.col("corrected_ts"))
    return (
        taken.filter(pl.col("known_to").is_null())
        .join(
            pl.concat([kept, empty]).filter(pl.col("known_to").is_null()), on="record", how="anti"
        )
        .join(known, on="record", how="anti")
        .select(
            "record",
            "observed_ts",
            "row_hash",
            pl.lit(True).alias("is_missing"),
            pl.lit(WITHDRAWN).alias("record_status"),
            pl.col("corrected_ts").alias("learned_ts"),
            "corrected_ts",
        )
    )


def _timed(added: pl.DataFrame, stands: pl.DataFrame) -> pl.DataFrame:
    """The added states and today's answers that stand, with known_from and known_to. Versions that were closed before
    keep their time: it is sealed."""
    columns = ("record", "observed_ts", "row_hash", "is_missing", "record_status")
    timed = pl.concat(
        [
            added.select(*columns, "learned_ts", "ptr", is_added=pl.lit(True)),
            stands.filter(pl.col("known_to").is_null()).select(
                *columns,
                learned_ts="known_from",
                ptr=pl.lit(None, pl.Int64),
                is_added=pl.lit(False),
            ),
        ]
    )
    return answer_timeline(timed).drop("version_no")


def _numbered(timed: pl.DataFrame, stands: pl.DataFrame, observed: pl.DataFrame) -> pl.DataFrame:
    """version_no and change_mask of every version that stands now."""
    key = ["record", "observed_ts", "known_from"]
    states = pl.concat(
        [
            timed.filter("is_added").select(*key, "row_hash", "is_missing", "record_status"),
            stands.select(*key, "row_hash", "is_missing", "record_status"),
        ]
    )
    hashed = states.join(observed.select(*_STATE, *_HASHES), on=_STATE, how="left").sort(key)
    # of a withdrawn record nothing is known: what comes back is compared with what was last known
    hashed = hashed.with_columns(pl.col(_HASHES).forward_fill().over("record"))
    mask = change_masks(hashed, GROUPS)
    return hashed.select(
        *key,
        version_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("record"),
        change_mask=pl.when(pl.col("record_status") == WITHDRAWN)
        .then(pl.lit(WITHDRAWN))
        .otherwise(mask),
    )


def _statuses_before(
    timed: pl.DataFrame, stands: pl.DataFrame, taken: pl.DataFrame
) -> pl.DataFrame:
    """status_before of the added versions that are answers: the status of the answer that ended when they began."""
    answers = pl.concat(
        [
            timed.filter(
                "is_added",
                _is_answer(),
            ).select("record", "known_from", "observed_ts", "record_status"),
            *(
                frame.filter(pl.col("known_to").is_null()).select(
                    "record", "known_from", "observed_ts", "record_status"
                )
                for frame in (stands, taken)
            ),
        ]
    ).sort("record", "known_from")
    return answers.select(
        "record",
        "known_from",
        "observed_ts",
        status_before=pl.col("record_status").shift(1).over("record"),
    )
