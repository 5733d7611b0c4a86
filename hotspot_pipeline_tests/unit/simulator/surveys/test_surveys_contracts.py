"""What is delivered satisfies its contract, by the readers of the pipeline; only the dirt that was put in is turned away."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import coming_contracts
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.validated.places import locate
from hotspot_pipeline.validated.rule import RuleInput
from hotspot_pipeline.validated.rules import RULES, RuleResults, apply_rules, check_contract
from hotspot_pipeline.validated.rules_place import delivered_place
from hotspot_pipeline.validated.typing import LOCATION_COLUMNS, stripped_columns, type_stripped
from hotspot_pipeline_tests.unit.simulator.surveys.conftest import Deliver, Delivered

FEEDS = ("survey_responses", "qr_feedback", "ed_attendances")
each_feed = pytest.mark.parametrize("feed", FEEDS)


def judged(found: Delivered, feed: str) -> tuple[RuleResults, pl.DataFrame]:
    """Each file through header, typing and row rules of its contract."""
    contract = coming_contracts()[feed]
    rejecting: list[pl.DataFrame] = []
    results = None
    for path in found.files(feed):
        text = pl.read_csv(path, infer_schema=False)
        header = contract.resolve_header(text.columns)
        assert (header.missing, header.extra) == ((), ()), path.name
        raw = text.select(
            *(pl.col(header.found[name]).alias(name) if name in header.found else pl.lit(None, pl.String).alias(name) for name in contract.column_names),
            source_file=pl.lit(path.name), line_no=pl.int_range(2, pl.len() + 2),
        )  # fmt: skip
        stripped = stripped_columns(raw, contract)
        typed = type_stripped(stripped, contract)
        texts = stripped.select(name for name in LOCATION_COLUMNS if name in stripped.columns)
        frame = typed.frame.drop(texts.columns)
        if texts.columns:
            frame = pl.concat(
                [frame, locate(texts, None, (9,)), texts.select(delivered_place(texts.columns))],
                how="horizontal",
            )
        received = found.force.profile.end_local + timedelta(days=1)
        results = apply_rules(RuleInput(frame, contract, received, received, {}), typed.problems)
        rejecting += [
            broken.rows.join(frame.select("row", "source_file", "line_no"), on="row").with_columns(rule_name=pl.lit(broken.entry.rule))
            for broken in results.rejecting
        ]  # fmt: skip
        # one in 10,000 places has coordinates that look rounded to 100 m
        for broken in results.warning:
            assert (broken.entry.rule, broken.rows.height) == ("coordinates_in_doubt", 1), path.name
    assert results is not None
    return results, pl.concat(rejecting, how="diagonal") if rejecting else pl.DataFrame()


@each_feed
def test_a_coming_contract_is_one_that_the_gate_could_run(feed: str) -> None:
    contract = coming_contracts()[feed]
    check_contract(contract)
    assert all(rule.rule in RULES for rule in contract.rules)
    assert contract.key
    assert all(contract.column(name).has_value for name in contract.key)


@each_feed
@pytest.mark.parametrize("name", list(PROFILES))
def test_files_satisfy_their_contract(deliver: Deliver, name: str, feed: str) -> None:
    found = deliver(name)
    _, rejected = judged(found, feed)
    planted = found.truth.dirt.filter((pl.col("feed") == feed) & (pl.col("rule") != ""))
    if feed != "survey_responses":
        assert planted.is_empty()
        assert rejected.is_empty()
        return
    # of each pair one is kept
    assert rejected.height == planted.height / 2
    assert set(rejected["rule_name"]) == {"duplicate_row", "unique_key"}
    assert set(zip(rejected["source_file"], rejected["line_no"])) <= set(
        zip(planted["file"], planted["line"])
    )


@each_feed
def test_values_of_integer_scales_are_in_range(deliver: Deliver, feed: str) -> None:
    rows = deliver().rows(feed)
    highest = {"q_seen_officers_freq": 6, "q_safe_day": 4, "q_safe_night": 4, "safe_rating": 5}
    for column in coming_contracts()[feed].columns:
        if column.type == "integer" and column.name != "wave":
            values = rows[column.name].filter(rows[column.name] != "").cast(pl.Int64)
            assert sorted(values.unique()) == list(range(1, highest.get(column.name, 5) + 1)), (
                column.name
            )


@each_feed
def test_what_is_delivered_holds_no_truth_and_no_free_text(deliver: Deliver, feed: str) -> None:
    header = set(deliver().rows(feed).columns)
    assert not header & {
        "event_id",
        "is_aware",
        "p_aware",
        "text_comment",
        "free_text",
        "straight_line",
        "is_usable",
    }
    assert not [name for name in header if name.startswith("true_")]


@each_feed
def test_the_name_of_a_file_says_when_it_was_taken(deliver: Deliver, feed: str) -> None:
    import re

    found = deliver()
    contract = coming_contracts()[feed]
    arrived = {d.file: d.arrived_ts_local for d in found.truth.deliveries}
    for path in found.files(feed):
        match = re.search(contract.delivery.name_pattern, path.name)
        assert match
        assert (
            match["timestamp"]
            == arrived[path.name].replace("-", "").replace(":", "").replace(" ", "T")[:13]
        )


def test_the_truth_is_beside_the_landing_folder(deliver: Deliver) -> None:
    found = deliver()
    written = {str(p.relative_to(found.out)) for p in found.out.rglob("*") if p.is_file()}
    top = {name.split("/")[0] for name in written}
    assert top == {"landing", "manifests", "truth"}
    assert {n for n in written if n.startswith("truth/")} == {
        f"truth/surveys/{n}" for n in ("areas.csv", "people.csv", "forms.csv", "attendances.csv", "dirt.csv", "surveys.json")
    }  # fmt: skip


@pytest.mark.parametrize("name", ["tiny", "county"])
def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(
    deliver: Deliver, name: str
) -> None:
    def content(found: Delivered) -> dict[str, bytes]:
        return {
            str(p.relative_to(found.out)): p.read_bytes()
            for p in found.out.rglob("*")
            if p.is_file()
        }

    first = content(deliver(name, 4))
    assert content(deliver(name, 4, fresh=True)) == first
    other = content(deliver(name, 5))
    assert other.keys() == first.keys()
    assert not [n for n in first if n.endswith(".csv") and other[n] == first[n]]
