"""Trial files: what they say, what is refused and how, and which version stands."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hotspot_pipeline.evaluation.preregistration import NotRegistered
from hotspot_pipeline.evaluation.trials.files import Trial, parse_trial, read_trials
from hotspot_pipeline.evaluation.trials.records import new_rows, standing
from hotspot_pipeline.simulator import PROFILES, Options
from hotspot_pipeline.simulator.trial.registration import write_registration

ENTRIES: dict[str, Any] = {
    "name": "Town centres", "outcome_groups": ["ASB", "VAP"], "primary_measure": "rate_ratio", "model": "rate_ratio",
    "before_from": date(2025, 1, 6), "before_to": date(2026, 1, 4), "after_from": date(2026, 1, 5), "after_to": date(2026, 6, 28),
    "rings_m": [300], "known_at": date(2026, 7, 27), "smallest_worthwhile_percent": 10, "places": "lot_in_pairs",
    "treated": ["a", "d"], "controls": ["b", "c"], "pairs": [["a", "b"], ["d", "c"]], "days": "days",
}  # fmt: skip
CHOSEN = {"places": "chosen", "pairs": None}


def made(**changes: Any) -> Trial:
    entries = {k: v for k, v in {**ENTRIES, **changes}.items() if v is not None}
    return parse_trial(entries, "towns")


def test_a_file_says_who_is_compared_with_whom() -> None:
    trial = made()
    assert (trial.arm_scheme, trial.day_scheme, trial.is_by_lot) == ("lot_pairs", "days", True)
    assert trial.pairs == (("a", "b"), ("d", "c"))
    assert made(**CHOSEN, controls="matched").arm_scheme == "matched"
    assert made(**CHOSEN, controls="none", primary_measure="itt_day").arm_scheme == "none"
    assert made(**CHOSEN, treated="planned", controls="others").treated == ("planned",)
    assert made(places="lot", pairs=None).arm_scheme == "lot_places"


def test_starts_are_staggered_only_where_they_differ() -> None:
    days = {"a": date(2026, 1, 5), "d": date(2026, 3, 2)}
    trial = made(**CHOSEN, treated=days, primary_measure="staggered")
    assert trial.starts == days and trial.treated == ("a", "d")
    assert not made(**CHOSEN, treated=dict.fromkeys(("a", "d"), date(2026, 1, 5))).starts


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"days": None}, "towns.yml: days is missing"),
        ({"colour": "red"}, "colour is not a field of a trial"),
        ({"places": "luck"}, "places is 'luck', which is none of lot, lot_in_pairs, chosen"),
        ({"outcome_groups": ["ASB", "WEAPONS"]}, "WEAPONS, which patrols find"),
        ({"outcome_groups": ["ASB", "asb"]}, "'asb', which is none of ASB"),
        ({"treated": ["a", "a"]}, "treated names a twice"),
        ({"treated": "a"}, "treated is 'a'; give a list of places"),
        ({"controls": ["a", "c"]}, "a is in treated and in controls"),
        ({"controls": "matched"}, "places is lot_in_pairs, so controls is what the lot left out"),
        ({"pairs": [["a", "c"]]}, "pairs are of other places"),
        ({"pairs": None}, "pairs is None; give pairs"),
        ({"places": "lot"}, "pairs go with places: lot_in_pairs"),
        ({"primary_measure": "itt_day", "days": "none"}, "needs days by lot"),
        ({**CHOSEN, "controls": "none"}, "primary_measure rate_ratio needs controls"),
        ({"primary_measure": "staggered"}, "staggered goes with treated as"),
        ({**CHOSEN, "treated": {"a": date(2025, 1, 5)}}, "a begins on"),
        ({"selected_from": date(2025, 1, 1)}, "give both as days"),
        ({"name": " "}, "give the trial a name"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_hold_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(NotRegistered, match=says):
        made(**change)


def test_one_bad_file_leaves_the_others_alone(tmp_path: Path) -> None:
    assert read_trials(tmp_path / "none") == ([], {})
    (tmp_path / "good.yml").write_text(yaml.safe_dump(ENTRIES), encoding="utf-8")
    (tmp_path / "bad.yml").write_text(yaml.safe_dump({**ENTRIES, "days": "odd"}), encoding="utf-8")
    (tmp_path / "Odd name.yml").write_text("", encoding="utf-8")
    trials, wrong = read_trials(tmp_path)
    assert [t.design_id for t in trials] == ["good"]
    assert set(wrong) == {"bad", "Odd name"} and "days is 'odd'" in wrong["bad"]


def test_the_hash_is_of_all_decisions_and_of_nothing_else() -> None:
    first = made()
    assert made(name="Another name").sha256 == first.sha256
    assert parse_trial(dict(reversed(list(ENTRIES.items()))), "other").sha256 == first.sha256
    changes: list[dict[str, Any]] = [
        {"rings_m": [200]}, {"days": "none"}, {"after_to": date(2026, 6, 27)}, {"selected_from": date(2024, 1, 1), "selected_to": date(2024, 6, 1)},
        {"treated": ["b", "d"], "controls": ["a", "c"], "pairs": [["b", "a"], ["d", "c"]]},
    ]  # fmt: skip
    hashes = {made(**c).sha256 for c in changes}
    assert len(hashes) == len(changes) and first.sha256 not in hashes


COLUMNS = {"design_id": pl.String, "version": pl.Int64, "registration_sha256": pl.String, "registered_at_utc": pl.Datetime("us"),
           "data_to": pl.Date, "after_from": pl.Date, "after_to": pl.Date, "decisions": pl.String, "run_id": pl.String}  # fmt: skip


def used(*nights: tuple[Trial, date | None]) -> pl.DataFrame:
    """The record after nights with this version and data to that day."""
    record = pl.DataFrame(schema=COLUMNS)
    for n, (trial, data_to) in enumerate(nights):
        record = pl.concat([record, new_rows(record, [trial], data_to, datetime(2026, 1, 1 + n), "r")])  # fmt: skip
    return record


def test_the_same_decisions_are_booked_once() -> None:
    record = used((made(), date(2025, 12, 1)), (made(name="Other name"), date(2026, 7, 1)))
    assert record["version"].to_list() == [1]
    found = standing(record, made())
    assert found.is_before_outcomes and not found.is_exploratory
    assert found.guard.verdict == "clear" and found.sha256[:12] in found.guard.reason


def test_a_change_after_outcomes_is_exploratory_and_the_older_hash_stays() -> None:
    other = made(rings_m=[200])
    record = used((made(), date(2025, 12, 1)), (other, date(2026, 1, 5)))
    assert record["version"].to_list() == [1, 2]
    found = standing(record, other)
    assert found.is_exploratory and found.guard.verdict == "forbids"
    assert found.earlier == (made().sha256,) and made().sha256[:12] in found.guard.reason
    # whoever goes back to what was registered first is where he was
    assert not standing(record, made()).is_exploratory


def test_a_change_before_the_first_outcome_is_none() -> None:
    other = made(rings_m=[200])
    for data_to in (None, date(2026, 1, 4)):
        assert not standing(used((made(), date(2025, 12, 1)), (other, data_to)), other).is_exploratory  # fmt: skip
    # moving the window away from days that were known already does not help
    later = made(before_to=date(2026, 2, 1), after_from=date(2026, 3, 2))
    assert standing(used((made(), date(2025, 12, 1)), (later, date(2026, 2, 2))), later).is_exploratory  # fmt: skip


def test_first_seen_with_all_outcomes_it_warns() -> None:
    found = standing(used((made(), date(2026, 6, 28))), made())
    assert (found.is_before_outcomes, found.is_exploratory) == (False, False)
    assert found.guard.verdict == "warning"


@pytest.mark.parametrize(("controls", "scheme"), [("paired", "lot_pairs"), ("ranked", "chosen")])
def test_the_simulated_force_writes_its_trial_down(
    tmp_path: Path, controls: Any, scheme: str
) -> None:
    places = pl.DataFrame({"hotspot_id": ["P1", "P2", "P3", "P4"], "arm": ["control", "treat", "treat", "control"], "pair": [0, 0, 1, 1]})  # fmt: skip
    write_registration(tmp_path, PROFILES["county"], Options(controls=controls), places)
    (trial,), wrong = read_trials(tmp_path / "trials")
    assert not wrong and trial.arm_scheme == scheme and trial.day_scheme == "days"
    assert trial.treated == ("P2", "P3") and trial.controls == ("P1", "P4")
    window = trial.registered
    assert trial.selected_to is not None and trial.selected_to < window.before_from
    assert (window.after_from - window.before_from).days == 365
