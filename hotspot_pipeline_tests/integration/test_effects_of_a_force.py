"""A simulated force writes its trial down, runs, and has effects whose counts are those of its events."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline_tests.integration import standing
from hotspot_pipeline_tests.integration.conftest import TwoDays

pytestmark = pytest.mark.slow

# counted by cell straight from the events
COUNTED = """
    with arms as (
        select p.hotspot_id, p.cell_id, p.arm, c.cell from places p join hexes.cells c on c.cell_id = p.cell_id
    )
    select a.arm, e.police_day >= d.after_from as is_after, count(*) as n
    from hexes.events e join arms a on a.cell = e.cell_r9 cross join evaluation.designs d
    where e.is_counted and not e.is_police_generated and e.cat_group in ('ASB', 'VAP', 'PUBLIC_ORDER', 'CRIM_DAMAGE', 'ROBBERY')
        and e.police_day between d.before_from and d.counted_to
    group by all
"""


def test_the_demo_force_has_effects(two_days: TwoDays, tmp_path: Path) -> None:
    truth = two_days.today.home / "truth" / "places.parquet"
    places = pl.read_parquet(truth).select("hotspot_id", "cell_id", "arm")
    with standing.opened_copy(two_days.today.warehouse_file, tmp_path) as connection:
        connection.register("places", places)
        design = connection.sql("select * from evaluation.designs").pl().to_dicts()
        effects = connection.sql("select * from evaluation.effects").pl()
        counted = {(arm, is_after): n for arm, is_after, n in connection.sql(COUNTED).fetchall()}
        versions = connection.sql("select count(*) from evaluation.registrations").fetchall()
    assert len(design) == 1 and design[0]["arm_scheme"] == "lot_pairs"
    assert design[0]["n_treated"] == design[0]["n_control"] == places.height // 2
    # the same decisions on both days: one version
    assert versions == [(1,)] and not design[0]["is_exploratory"]
    mine = effects.filter(cut="latest", outcome="ALL", measure="rate_ratio").to_dicts()
    assert len(mine) == 1
    four = [counted["treat", False], counted["treat", True], counted["control", False], counted["control", True]]  # fmt: skip
    assert [mine[0][c] for c in ("treated_before", "treated_after", "control_before", "control_after")] == four  # fmt: skip
    ratio = math.log(four[1] / four[0] / (four[3] / four[2]))
    assert mine[0]["estimate"] == pytest.approx(ratio, abs=1e-9)
    assert not effects.filter(measure="before_after")["may_claim"].any()
