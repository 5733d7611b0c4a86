"""What the pictures of effects are made of: designs, estimates, curves and guards, as the tables of `evaluation` have them.

Here: SQL, and which cut is shown. Not here: pictures, how anything was estimated (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from hotspot_pipeline.warehouse.session import Session

TABLES = tuple(f"evaluation.{name}" for name in ("designs", "effects", "effect_guards", "effect_curves", "balance"))  # fmt: skip
ALL, SETTLED, LATEST = "ALL", "settled", "latest"
_HASH_PIECES = 4
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class EffectRows:
    """The five tables, whole."""

    designs: pl.DataFrame
    effects: pl.DataFrame
    guards: pl.DataFrame
    curves: pl.DataFrame
    balance: pl.DataFrame

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """By the name of their files."""
        return {
            "trials": self.designs, "effects": self.effects, "effect_guards": self.guards, "effect_curves": self.curves,
            "balance": self.balance,
        }  # fmt: skip

    def of(self, design_id: str) -> DesignRows:
        """One design. Raises StopIteration for one that is not there."""
        design = next(d for d in self.designs.iter_rows(named=True) if d["design_id"] == design_id)
        mine = pl.col("design_id") == design_id
        return DesignRows(
            design, self.effects.filter(mine), self.guards.filter(mine), self.curves.filter(mine)
        )


@dataclass(frozen=True, eq=False)
class DesignRows:
    """The rows of one design."""

    design: Row
    effects: pl.DataFrame
    guards: pl.DataFrame
    curves: pl.DataFrame

    @property
    def cut(self) -> str:
        """The settled one, where anything is known of it: it stays as it is."""
        cuts = {*self.effects["cut"], *self.curves["cut"]}
        return SETTLED if SETTLED in cuts or not cuts else LATEST

    @property
    def main(self) -> Row | None:
        """The registered measure of all groups in that cut; None where there is no estimate yet."""
        at = (pl.col("cut") == self.cut) & pl.col("is_primary")
        return next(self.effects.filter(at).iter_rows(named=True), None)

    def curve(self, name: str) -> pl.DataFrame:
        """The steps from left to right, of all groups in that cut."""
        at = pl.col("curve") == name, pl.col("cut") == self.cut, pl.col("outcome") == ALL
        return self.curves.filter(*at).sort("step_no")

    def forbidding(self, measure: str, outcome: str = ALL, cut: str | None = None) -> list[str]:
        """Why no claim may rest on it, in words."""
        of = pl.col("measure") == measure, pl.col("outcome") == outcome, pl.col("cut") == (cut or self.cut)  # fmt: skip
        forbids = self.guards.filter(*of, pl.col("verdict") == "forbids")
        return forbids.sort("guard").get_column("reason").to_list()

    @property
    def facts(self) -> dict[str, str]:
        """For the foot of a page: what was decided when, and what was counted."""
        d = self.design
        sha = d["registration_sha256"]
        size = len(sha) // _HASH_PIECES
        when = "before outcomes were known" if d["is_before_outcomes"] else "after outcomes were known"  # fmt: skip
        counted = d["settled_to"] if self.cut == SETTLED else d["counted_to"]
        return {
            "decisions sha256": " ".join(sha[k : k + size] for k in range(0, len(sha), size)),
            "on record since": f"{d['registered_at_utc']:%Y-%m-%d %H:%M} UTC, {when}",
            "counts": f"{self.cut}, to {counted}" if counted else "none yet",
        }


def read_effects(session: Session) -> EffectRows:
    return EffectRows(*(session.frame(f"select * from {table} order by all") for table in TABLES))
