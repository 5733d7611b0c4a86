"""The files: everything exactly once, in the file it belongs to, the same bytes every time, as the contracts say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.patrol import feeds
from hotspot_pipeline.simulator.patrol.times import utc_second, utc_seconds
from hotspot_pipeline.simulator.patrol.truth import minutes_frame
from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import SHORT, SMALL, Delivered, make


def test_every_fix_sent_is_delivered_once_or_still_waits(delivered: Delivered) -> None:
    facts = delivered.truth.facts
    waiting = facts["n_waiting_at_the_end"]["gps_pings"]
    rows = delivered.pings()
    assert len(rows) + waiting == facts["counts"]["sent"]
    assert 0 < waiting < 0.01 * len(rows)
    unique = rows.drop("file").unique()
    # what is there twice is what was sent twice, in one file
    assert len(rows) - len(unique) == pytest.approx(facts["counts"]["duplicate"], abs=5)
    assert rows.unique(["device_id", "fix_ts_utc"]).height == len(unique)
    assert (
        rows.group_by("device_id", "fix_ts_utc").agg(pl.col("file").n_unique())["file"].max() == 1
    )


def test_a_file_holds_what_was_received_since_the_one_before(delivered: Delivered) -> None:
    times = feeds.file_times(delivered.made.profile)
    files = sorted((delivered.out / "landing" / "gps_pings").iterdir())
    assert [f.name for f in files] == [f"gps_pings_{t:%Y%m%dT%H%M}.parquet" for t in times[1:]]
    last = datetime(2000, 1, 1)
    for file, taken in zip(files, times[1:], strict=True):
        until = datetime(1970, 1, 1) + timedelta(seconds=utc_second(taken))
        received = pl.read_parquet(file, columns=["received_ts_utc"])["received_ts_utc"]
        assert received.min() > last  # type: ignore[operator]
        assert received.max() <= until  # type: ignore[operator]
        last = until
    late = delivered.pings().filter(
        (pl.col("received_ts_utc") - pl.col("fix_ts_utc")).dt.total_hours() > 24
    )
    assert len(late) > 0


def test_a_parquet_file_has_row_groups_of_one_size_and_statistics(delivered: Delivered) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    file = max((delivered.out / "landing" / "gps_pings").iterdir(), key=lambda f: f.stat().st_size)
    meta = pq.ParquetFile(file).metadata
    sizes = [meta.row_group(k).num_rows for k in range(meta.num_row_groups)]
    assert len(sizes) == 1 or set(sizes[:-1]) == {feeds.ROWS_PER_GROUP}
    column = meta.row_group(0).column(meta.schema.names.index("fix_ts_utc"))
    assert column.is_stats_set
    assert column.compression == "ZSTD"


def test_each_fix_of_a_right_clock_lies_within_a_duty_of_its_device(delivered: Delivered) -> None:
    duties = delivered.rows("duties").with_columns(
        pl.Series(c, utc_seconds(delivered.rows("duties")[c].str.to_datetime()))
        for c in ("start_local", "end_local")
    )
    pings = delivered.pings().with_columns(t=pl.col("fix_ts_utc").dt.epoch("s"))
    wrong = (pings["received_ts_utc"] < pings["fix_ts_utc"]) | (
        (pings["received_ts_utc"] - pings["fix_ts_utc"]).dt.total_hours() > 48
    )
    spans = duties.select("device_id", "start_local", "end_local").unique().sort("start_local")
    found = (
        pings.filter(~wrong)
        .sort("t")
        .join_asof(
            spans, left_on="t", right_on="start_local", by="device_id", check_sortedness=False
        )
    )
    inside = (found["t"] <= found["end_local"]).fill_null(value=False)
    # slow clocks may just reach back before the duty
    assert inside.mean() > 0.999  # type: ignore[operator]


def test_nothing_tells_which_places_are_treated_but_the_plan(delivered: Delivered) -> None:
    rows = delivered.rows("patrol_places")
    assert rows.columns == ["hotspot_id", "name", "polygon_wkt", "valid_from", "valid_to", "file"]
    assert len(rows) == 2 * SMALL.n_pairs
    assert rows["name"].n_unique() == len(rows)
    assert rows["polygon_wkt"].to_list() == delivered.made.places["polygon_wkt"].to_list()


def test_the_whole_plan_arrives_in_order_of_issue(delivered: Delivered) -> None:
    rows = delivered.rows("patrol_plan")
    plan = delivered.made.plan
    assert sorted(rows["plan_id"]) == sorted(plan["plan_id"])
    issued = rows["issued_ts_local"].str.to_datetime()
    assert issued.is_sorted()
    taken = rows["file"].str.extract(r"_(\d+T\d+)\.").str.to_datetime("%Y%m%dT%H%M")
    assert (issued <= taken).all()
    # nothing lies about once it could have been sent
    assert ((taken - issued).dt.total_hours() <= 24).all()


def test_logs_and_duties_are_delivered_once(delivered: Delivered) -> None:
    waiting = delivered.truth.facts["n_waiting_at_the_end"]
    assert delivered.rows("duties")["duty_id"].is_unique().all()
    assert len(delivered.rows("duties")) + waiting["duties"] == len(delivered.truth.duties)
    logs = delivered.rows("patrol_logs")
    assert logs["log_id"].is_unique().all()
    assert len(logs) + waiting["patrol_logs"] == len(delivered.truth.logs)
    counts = delivered.truth.facts["counts"]
    assert counts["logged"] + counts["not_logged"] == len(delivered.made.visits)
    assert counts["logged"] == delivered.truth.logs["visit_id"].is_not_null().sum()


def digests(out: Path) -> dict[str, str]:
    return {
        str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(out.rglob("*"))
        if f.is_file()
    }


def test_the_same_seed_writes_the_same_bytes_in_another_process(
    delivered: Delivered, tmp_path: Path
) -> None:
    script = (
        "from pathlib import Path\n"
        "from hotspot_pipeline_tests.unit.simulator.patrol.made_patrols import make\n"
        "given = make(1)\n"
        f"given.deliver(Path({str(tmp_path)!r}), sample_days=range(given.profile.n_patrol_days))\n"
    )
    root = Path(__file__).resolve().parents[4]
    environment = {
        **os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(root), "POLARS_MAX_THREADS": "1",
        # other processors have other instructions
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3",
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], check=True, env=environment, timeout=300
    )
    assert digests(tmp_path) == digests(delivered.out)


def test_another_seed_is_another_force(tmp_path: Path) -> None:
    pings = []
    for seed in (1, 2):
        make(seed, SHORT).deliver(tmp_path / str(seed))
        found = digests(tmp_path / str(seed))
        assert "truth/patrol/positions.parquet" not in found
        pings.append(
            {digest for name, digest in found.items() if name.startswith("landing/gps_pings")}
        )
    assert pings[0].isdisjoint(pings[1])


def test_the_truth_is_apart_and_whole(delivered: Delivered) -> None:
    folder = delivered.out / "truth" / "patrol"
    assert {f.name for f in folder.iterdir()} == {
        "presence.parquet", "stays.parquet", "visits.parquet", "duties.parquet", "logs.parquet", "minutes.parquet",
        "facts.json", "positions.parquet",
    }  # fmt: skip
    assert {f.name for f in delivered.out.iterdir()} == {"landing", "truth", "manifests"}
    facts = json.loads((folder / "facts.json").read_text())
    assert set(facts["counts"]) >= {
        "device_shared", "two_devices", "hand_over", "parked_overnight", "response_run", "lost", "stuck", "late",
        "wrong_clock", "duplicate", "teleport", "network", "logged", "not_logged", "log_only",
    }  # fmt: skip
    truth = delivered.truth
    assert len(truth.visits) == len(delivered.made.visits)
    assert len(truth.minutes) == 2 * SMALL.n_pairs * SMALL.n_patrol_days
    parked = truth.minutes["parked_minutes"].sum() + 0
    assert (parked > 400) == (facts["counts"]["parked_overnight"] > 0)
    arms = truth.minutes.join(delivered.made.places.select("place", "arm"), on="place").group_by("arm").agg(
        pl.col("crew_minutes").mean()
    )  # fmt: skip
    per_day = dict(arms.iter_rows())
    assert per_day["treat"] > 8 > 1 > per_day["control"]
    positions = pl.read_parquet(folder / "positions.parquet")
    assert len(positions) == facts["counts"]["sent"]


def test_minutes_are_zero_where_nobody_was() -> None:
    none = pl.DataFrame(
        schema={
            "police_day": pl.Date,
            "deployment": pl.String,
            "carrier": pl.String,
            "place": pl.Int64,
            "minutes": pl.Float64,
        }
    )
    found = minutes_frame(none, 3, [SMALL.start])
    assert found.select(pl.col("^.*_minutes$").sum()).row(0) == (0, 0, 0)
    assert len(found) == 3


def test_a_visit_outside_the_patrol_days_is_refused() -> None:
    given = make(1)
    late = given.visits.with_columns(pl.col("police_day").dt.offset_by("40d"))
    with pytest.raises(
        ValueError, match=r"visit \d+ on 2026-07-18: patrol days are the 21 from 2026-06-08 on"
    ):
        given.with_visits(late).force()


def test_a_force_without_a_single_visit_still_has_its_background(tmp_path: Path) -> None:
    given = make(1, SHORT)
    truth = given.with_visits(given.visits[:0]).deliver(tmp_path)
    assert truth.visits.is_empty()
    assert truth.facts["counts"]["sent"] > 10_000
    assert truth.minutes["crew_minutes"].sum() == 0
    assert np.isfinite(truth.minutes_per_day["minutes_per_day"].to_numpy()).all()
