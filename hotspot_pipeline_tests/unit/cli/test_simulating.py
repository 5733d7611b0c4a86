"""`hotspots simulate` and the making of the demo force: where things go, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from click.testing import CliRunner

from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.cli.simulating import make_demo_force
from hotspot_pipeline.settings import read_force
from hotspot_pipeline.simulator import MODES, PROFILES


def test_simulate_writes_feeds_and_apart_from_them_the_truth(tmp_path: Path) -> None:
    out = tmp_path / "force"
    done = CliRunner().invoke(
        hotspots,
        ["simulate", "--profile", "tiny", "--seed", "4", "--out", str(out), "--mode", "strong"],
    )
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {
        "boundary.geojson",
        "landing",
        "manifests",
        "trials",
        "truth",
    }
    facts = json.loads((out / "truth" / "simulation.json").read_text())
    assert facts["seed"] == 4
    assert facts["options"]["mode"] == "strong"
    crimes = f"{facts['n_crimes']:,} crimes"
    assert crimes in " ".join(done.output.split())
    again = CliRunner().invoke(hotspots, ["simulate", "--profile", "tiny", "--out", str(out)])
    assert again.exit_code != 0
    assert "not empty" in again.output


def test_counts_write_no_feed(tmp_path: Path) -> None:
    out = tmp_path / "counts"
    done = CliRunner().invoke(
        hotspots,
        [
            "simulate",
            "--profile",
            "tiny",
            "--level",
            "counts",
            "--out",
            str(out),
            "--trial",
            "spells",
        ],
    )
    assert done.exit_code == 0, done.output
    assert [p.name for p in out.iterdir()] == ["truth"]
    plan = pl.read_parquet(out / "truth" / "plan.parquet")
    assert plan["randomised"].all()
    counts = pl.read_parquet(out / "truth" / "counts_six_hourly.parquet")
    daily = pl.read_parquet(out / "truth" / "counts_daily.parquet")
    assert counts["n_true"].sum() == daily["n_true"].sum() > 50
    assert len(daily) * 4 == len(counts)


@pytest.mark.parametrize(
    "wrong", [["--mode", "kind"], ["--profile", "huge"], ["--seed", "-1"], ["--ring", "both"]]
)
def test_unknown_values_are_refused(tmp_path: Path, wrong: list[str]) -> None:
    done = CliRunner().invoke(hotspots, ["simulate", "--out", str(tmp_path / "x"), *wrong])
    assert done.exit_code == 2
    assert wrong[1] in done.output
    assert not (tmp_path / "x").exists()


def test_every_profile_and_mode_can_be_asked_for() -> None:
    shown = " ".join(CliRunner().invoke(hotspots, ["simulate", "--help"]).output.split())
    for name in (*PROFILES, *MODES):
        assert name in shown


def test_the_demo_force_has_no_truth_in_its_folder(tmp_path: Path) -> None:
    home, truth = tmp_path / "forces" / "fosseshire", tmp_path / "truth" / "fosseshire"
    make_demo_force(home, truth, "tiny", 1)
    assert (truth / "estimands.parquet").exists()
    assert not (home / "truth").exists()
    force = read_force(home)
    for feed in force.feeds:
        assert any((home / "landing" / feed).iterdir()), feed
    document = yaml.safe_load((home / "force.yml").read_text())
    assert document["partitions_start"] == PROFILES["tiny"].start
    named = [str(value) for value in document.values()]
    assert not any("truth" in value for value in named)
