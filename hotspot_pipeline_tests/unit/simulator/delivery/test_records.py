"""Deltas, full extracts and the ledger of changes tell the same story, night by night; the same bytes each time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.simulator.crime import logs, recodes
from hotspot_pipeline.simulator.crime.versions import as_text
from hotspot_pipeline.simulator.delivery.extracts import ASB_COLUMNS, CRIME_COLUMNS
from hotspot_pipeline_tests.unit.simulator.delivery.conftest import Deliver
from hotspot_pipeline_tests.unit.simulator.delivery.delivered_records import KEYS, Rows, Sent, send

FEEDS = ("crime_extract", "asb_extract")


@pytest.mark.parametrize("feed", FEEDS)
def test_deltas_add_up_to_each_nights_full(deliver_small: Deliver, feed: str) -> None:
    """Also over the missing nights: their late files complete the union."""
    deltas, fulls = deliver_small(), deliver_small(nightly="full")
    union: Rows = {}
    prefix = feed.split("_")[0]
    # a column too many shifts nothing, a file cut off is seen elsewhere
    cut_off = {s.split(".")[0] for s in _partial(fulls)} | {
        s.split(".")[0] for s in _partial(deltas)
    }
    n_compared = 0
    for number, stamp in enumerate(deltas.nights()):
        kind = "full" if number == 0 else "delta"
        union |= deltas.rows(feed, f"{prefix}_{kind}_{stamp}.csv.gz")
        name = f"{prefix}_full_{stamp}"
        for sent in (fulls, deltas):
            if name not in cut_off and f"{name}.csv.gz" in sent.names(feed, "full"):
                assert sent.rows(feed, f"{name}.csv.gz") == union, (sent.out, name)
                n_compared += 1
    assert n_compared > 45


def _partial(sent: Sent) -> list[str]:
    """Full extracts whose manifest states more rows than came."""
    found = []
    for feed in FEEDS:
        for path in (sent.out / "manifests" / feed).glob("*.csv"):
            stated = pl.read_csv(path)
            for file, n in stated.select("file", "rows").iter_rows():
                if len(sent.file(feed, file).split(b"\n")) - 2 < n:
                    found.append(file)
    return sorted(found)


@pytest.mark.parametrize("feed", FEEDS)
def test_the_ledger_leads_from_the_first_states_to_every_night(
    deliver_small: Deliver, feed: str
) -> None:
    sent = deliver_small(nightly="full")
    key = KEYS[feed]
    if feed == "crime_extract":
        made = sent.truth.crimes.filter(pl.col("is_recorded")).with_columns(
            **recodes.EMPTY_AT_FIRST
        )
        first = made.with_columns(
            begins="recorded_ts_local", source_last_modified="recorded_ts_local"
        )
        columns, changes = CRIME_COLUMNS, sent.truth.crime_changes
    else:
        # a call whose crime was not recorded has lost its link
        first = logs.first_states(sent.force.asb).with_columns(begins="opened_ts_local")
        columns, changes = ASB_COLUMNS, sent.truth.asb_changes
    begins = dict(as_text(first.select(key, "begins")).iter_rows())
    state = {
        row[key]: {name: value or "" for name, value in row.items()}
        for row in as_text(first.select(columns)).iter_rows(named=True)
    }
    entries = list(changes.iter_rows(named=True))
    wrong = sent.wrong_keys()
    done = 0
    partial = _partial(sent)
    for stamp in sent.nights():
        until = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}:00"
        while done < len(entries) and entries[done]["changed_ts_local"] <= until:
            entry = entries[done]
            row = state[entry[key]]
            assert row[entry["column"]] == (entry["value_from"] or ""), entry
            assert entry["value_from"] != entry["value_to"] and entry["why"] and entry["event"]
            row[entry["column"]] = entry["value_to"] or ""
            if "source_last_modified" in row:
                row["source_last_modified"] = entry["changed_ts_local"]
            done += 1
        name = f"{feed.split('_')[0]}_full_{stamp}.csv.gz"
        if name in partial:
            continue
        delivered = sent.rows(feed, name)
        expected = {k: row for k, row in state.items() if begins[k] <= until}
        assert delivered.keys() == expected.keys(), name
        for k, row in delivered.items():
            if k not in wrong:
                assert {c: row[c] for c in columns} == expected[k], (name, k)
    assert done == len(entries) > 500


def test_every_family_and_kind_of_change_is_on_the_ledger(small: Sent) -> None:
    changes = small.truth.crime_changes
    assert set(changes["change"]) == set(recodes.FAMILIES)
    assert {
        "reclassified", "cancelled", "transferred", "regeocoded", "batch_regeocoded", "redated",
        "flag_changed", "outcome",
    } <= set(changes["event"])  # fmt: skip
    assert changes["changed_ts_local"].is_sorted()
    assert {"opened", "attended", "closed", "reopened"} - set(small.truth.asb_changes["event"]) == {
        "opened"
    }


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_in_another_process(
    small: Sent, tmp_path: Path, project: Path
) -> None:
    lookup = project / "data/reference/ho_offence_lookup.csv"
    script = (
        "import sys; from pathlib import Path; "
        "from hotspot_pipeline_tests.unit.simulator.delivery.delivered_records import *; "
        "sent = send(Path(sys.argv[1]), Path(sys.argv[2]), 'delta', SHOCKS, 1); "
        "[f.write_csv(Path(sys.argv[1]) / f'{n}.csv') for n, f in sent.truth.frames().items()]"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "POLARS_MAX_THREADS": "1",
        "TZ": "Asia/Tokyo",
    }
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(lookup)], check=True, env=environment
    )
    there = tree(tmp_path)
    for name, frame in small.truth.frames().items():
        here = hashlib.sha256(frame.write_csv().encode()).hexdigest()
        assert there.pop(f"{name}.csv") == here, name
    assert there == tree(small.out)
    assert not [name for name in there if name.endswith(".part")]


def test_another_seed_is_another_delivery(small: Sent, deliver_small: Deliver) -> None:
    first, second = tree(small.out), tree(deliver_small(seed=2).out)
    same = [name for name in first if second.get(name) == first[name]]
    # the places are given, the lookup knows no seed
    assert {name.split("/")[1] for name in same if name.startswith("landing")} == {
        "venues", "excluded_sites", "default_geocodes",
    }  # fmt: skip


def test_manifests_name_what_came_and_when(small: Sent) -> None:
    deliveries = small.truth.deliveries
    stated: dict[tuple[str, str], tuple[int, str, str]] = {}
    for feed in set(deliveries["feed"]):
        for path in (small.out / "manifests" / feed).iterdir():
            arrived = path.stem.removeprefix(f"{feed}_manifest_")
            for file, n, sha256 in pl.read_csv(path).iter_rows():
                assert (feed, file) not in stated
                stated[feed, file] = (n, sha256, arrived)
    by_hand = Counter()
    for row in deliveries.iter_rows(named=True):
        data = (small.out / "landing" / row["feed"] / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        if (row["feed"], row["file"]) not in stated:
            by_hand[row["kind"]] += 1
            continue
        n, sha256, arrived = stated[row["feed"], row["file"]]
        assert sha256 == row["sha256"] and n >= row["n_rows"]
        assert arrived == row["arrived_ts_local"][:16].replace("-", "").replace(" ", "T").replace(
            ":", ""
        )
    # one crime delta and one file of each feed's missing nights again, and a picture
    assert by_hand == {"delta": 3, "unreadable": 1}
    landed = {(p.parent.name, p.name) for p in (small.out / "landing").glob("*/*")}
    assert landed == set(deliveries.select("feed", "file").iter_rows())


def test_no_delivery_is_wrong_in_more_than_a_twentieth(deliver_small: Deliver) -> None:
    rejected = {"C4", "C5", "C6", "C9", "C11", "C12", "A1"}
    for seed in (1, 2, 3):
        sent = deliver_small(seed=seed)
        n_rows = {
            (f, n): r
            for f, n, r in sent.truth.deliveries.select("feed", "file", "n_rows").iter_rows()
        }
        wrong = Counter()
        for defect in sent.truth.defects.filter(pl.col("line").is_not_null()).iter_rows(named=True):
            if defect["rule"] in rejected or defect["kind"] == "wrong_number_of_fields":
                weight = 2 if defect["kind"] == "duplicate_crime_number" else 1
                wrong[defect["feed"], defect["file"]] += weight
        assert len(wrong) > 5
        assert all(n <= 0.05 * n_rows[file] for file, n in wrong.items())


def test_progress_counts_the_nights_of_both_feeds(tmp_path: Path) -> None:
    from hotspot_pipeline.simulator.delivery.records import deliver
    from hotspot_pipeline.simulator.streams import Streams
    from hotspot_pipeline_tests.unit.simulator.delivery.delivered_records import START, plan_of
    from hotspot_pipeline_tests.unit.simulator.made_records import made_force

    force, plan = made_force(3, START, 63, 300, 80), plan_of("delta", {})
    told: list[tuple[str, int, int]] = []
    deliver(
        Streams(3), plan, tmp_path, force.crimes, force.asb, force.county, force.premises,
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert told == [("nights", k + 1, 2 * plan.n_nights) for k in range(2 * plan.n_nights)]


def test_a_failure_while_writing_is_told(tmp_path: Path, project: Path) -> None:
    (tmp_path / "landing").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        send(tmp_path, project / "data/reference/ho_offence_lookup.csv", "delta", {}, 1)
