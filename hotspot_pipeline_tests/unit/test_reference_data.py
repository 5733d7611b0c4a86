"""The lookups in data/reference: keys, periods, codes and groups hold together.

Tests against public data read it beside the project and are skipped where it is absent.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = PROJECT / "data" / "reference"
SHARED = PROJECT.parent / "shared" / "data"

CRIME_GROUPS = {"PUBLIC_ORDER", "CRIM_DAMAGE", "ROBBERY", "VAP", "WEAPONS", "OTHER"}
PRC_SUBGROUPS = {
    "Violence against the person": {
        "Homicide",
        "Violence with injury",
        "Violence without injury",
        "Stalking and harassment",
        "Death or serious injury - unlawful driving",
    },
    "Sexual offences": {"Rape", "Other sexual offences"},
    "Robbery": {"Robbery of business property", "Robbery of personal property"},
    "Theft offences": {
        "Residential burglary",
        "Non-residential burglary",
        "Vehicle offences",
        "Theft from the person",
        "Bicycle theft",
        "Shoplifting",
        "All other theft offences",
    },
    "Criminal damage and arson": {"Criminal damage", "Arson"},
    "Drug offences": {"Trafficking of drugs", "Possession of drugs"},
    "Possession of weapons offences": {"Possession of weapons offences"},
    "Public order offences": {"Public order offences"},
    "Miscellaneous crimes against society": {"Miscellaneous crimes against society"},
}
# Recorded-crime classes that DOMAIN §1.6 names as in scope of each group.
CLASSES_IN_SCOPE = {
    "PUBLIC_ORDER": {"9A", "9B", "62A", "66"},
    "CRIM_DAMAGE": {"58A", "58B", "58C", "58D", "58J"},
    "ROBBERY": {"34A", "34B"},
    "VAP": {"1", "2", "3A", "3B", "4.1", "4.2", "4.10", "5D", "5E", "8N", "8P", "8S", "36"}
    | {"104A", "104B", "105A", "105B"},
    "WEAPONS": {"10A", "10B", "10C", "10D", "81", "90"},
}
KEYS = {
    "ho_offence_lookup": ("ho_offence_code", "valid_from", "valid_to"),
    "policeuk_categories": ("crime_type", "valid_from", "valid_to"),
    "outcome_types": ("ho_outcome_code", "valid_from", "valid_to"),
    "cancel_reasons": ("cancel_reason", "valid_from", "valid_to"),
    "recording_changes": ("change_id", "effective_from", "effective_to"),
    "bank_holidays": ("day", "day", "day"),
    "nte_definitions": ("definition", "valid_from", "valid_to"),
}


def rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="_too_many", restval=None)
        found = list(reader)
    for number, row in enumerate(found, start=2):
        assert "_too_many" not in row and None not in row.values(), f"{name}.csv line {number}"
    return found


@pytest.fixture(scope="module")
def offences() -> list[dict[str, str]]:
    return rows("ho_offence_lookup")


def test_every_table_is_described_and_tested() -> None:
    shipped = {path.stem for path in REFERENCE.glob("*.csv")}
    described = set(re.findall(r"^\| `(\w+)\.csv`", (REFERENCE / "SOURCES.md").read_text(), re.M))
    assert shipped == described == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_files_are_plain_csv(name: str) -> None:
    data = (REFERENCE / f"{name}.csv").read_bytes()
    assert b"\r" not in data and not data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\n")
    data.decode("utf-8")
    for row in rows(name):
        assert all(value == value.strip() for value in row.values()), row
        assert row["source"] and row["source_version"], row


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_periods_do_not_overlap(name: str) -> None:
    key, first, last = KEYS[name]
    periods = defaultdict(list)
    for row in rows(name):
        begin = date.fromisoformat(row[first])
        end = date.fromisoformat(row[last]) if row[last] else date.max
        assert row[key] and begin <= end, row
        periods[row[key]].append((begin, end))
    for code, spans in periods.items():
        for (_, end), (begin, _) in pairwise(sorted(spans)):
            assert end < begin, f"{name}: {code} overlaps on {begin}"


def test_successive_periods_of_a_code_leave_no_gap(offences: list[dict[str, str]]) -> None:
    by_code = defaultdict(list)
    for row in offences:
        by_code[row["ho_offence_code"]].append(row)
    several = {
        code: sorted(r, key=lambda x: x["valid_from"]) for code, r in by_code.items() if len(r) > 1
    }
    assert {"008/65", "195/12"} <= set(several)
    for code, periods in several.items():
        for earlier, later in pairwise(periods):
            day_after = date.fromisoformat(earlier["valid_to"]) + timedelta(days=1)
            assert later["valid_from"] == day_after.isoformat(), code
            assert earlier["prc_subgroup"] != later["prc_subgroup"], f"{code}: nothing changed"


def test_a_code_can_begin_on_a_date(offences: list[dict[str, str]]) -> None:
    (strangulation,) = (row for row in offences if row["ho_offence_code"] == "008/77")
    assert strangulation["valid_from"] == "2022-06-07"
    assert strangulation["cat_group"] == "VAP"


def test_offence_codes_keep_their_zeros(offences: list[dict[str, str]]) -> None:
    for row in offences:
        assert re.fullmatch(r"\d{3}/\d{2}", row["ho_offence_code"]), row
    assert {"001/01", "008/06", "034/01", "058/00", "105/01", "125/11"} <= {
        row["ho_offence_code"] for row in offences
    }


def test_groups_and_flags_are_known(offences: list[dict[str, str]]) -> None:
    for row in offences:
        assert row["cat_group"] in CRIME_GROUPS, row
        assert row["prc_subgroup"] in PRC_SUBGROUPS[row["prc_group"]], row
        assert row["police_generated"] in ("true", "false"), row
        assert row["public_place_default"] in ("true", "false"), row
    assert {row["cat_group"] for row in offences} == CRIME_GROUPS


def test_classes_in_scope_are_those_of_the_group(offences: list[dict[str, str]]) -> None:
    for row in offences:
        group, name = row["cat_group"], row["ho_class_code"]
        if group != "OTHER" and name:
            assert name in CLASSES_IN_SCOPE[group], row
        if group == "OTHER" and name != "66":
            assert not any(name in classes for classes in CLASSES_IN_SCOPE.values()), row


def test_what_patrols_generate_is_marked(offences: list[dict[str, str]]) -> None:
    for row in offences:
        proactive = row["cat_group"] == "WEAPONS" or row["prc_group"] == "Drug offences"
        if proactive or row["ho_class_code"] in ("104A", "104B") or "Breach" in row["description"]:
            assert row["police_generated"] == "true", row


def test_stalking_and_harassment_and_arson_are_out_but_recognisable(
    offences: list[dict[str, str]],
) -> None:
    subgroups = Counter(row["prc_subgroup"] for row in offences if row["cat_group"] == "OTHER")
    assert subgroups["Stalking and harassment"] >= 10 and subgroups["Arson"] == 2
    assert not any(
        row["prc_subgroup"] in ("Stalking and harassment", "Arson")
        for row in offences
        if row["cat_group"] != "OTHER"
    )


def test_harm_values_are_the_illustrative_ones_and_say_so(offences: list[dict[str, str]]) -> None:
    cchi = {
        "5475": {"1", "4.1"}, "1460": {"5D"}, "365": {"34B"}, "20": {"8N"}, "1": {"105A"},
        "2": {"58D"},
    }  # fmt: skip
    css = {
        "7979": {"1", "4.1", "4.2", "4.10"}, "4663": {"2"}, "1965": {"5D"}, "1326": {"5E"},
        "184": {"8N"},
    }  # fmt: skip
    seen: dict[str, set[str]] = defaultdict(set)
    for row in offences:
        for column, allowed in (("cchi_days", cchi), ("ons_css_weight", css)):
            if row[column]:
                assert row["ho_class_code"] in allowed[row[column]], row
                assert row["source"] == "starting set, illustrative; load the official sheet", row
                seen[column].add(row[column])
        if not row["cchi_days"] and not row["ons_css_weight"]:
            assert "illustrative" not in row["source"], row
    assert seen == {"cchi_days": set(cchi), "ons_css_weight": set(css)}


def test_policeuk_categories_are_the_fourteen() -> None:
    table = rows("policeuk_categories")
    assert len(table) == 14
    groups = {row["crime_type"]: row["cat_group"] for row in table}
    assert groups["Anti-social behaviour"] == "ASB"
    assert groups["Violence and sexual offences"] == "VAP"
    assert set(groups.values()) == CRIME_GROUPS | {"ASB"}
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", row["category_id"]) for row in table)
    generated = {row["crime_type"] for row in table if row["police_generated"] == "true"}
    assert generated == {"Drugs", "Possession of weapons"}


def test_outcomes_and_reasons_are_complete() -> None:
    outcomes = {row["ho_outcome_code"] for row in rows("outcome_types")}
    assert outcomes == {str(k) for k in range(1, 23)} | {"1A", "2A", "3A"}
    statuses = {row["cancel_reason"]: row["record_status"] for row in rows("cancel_reasons")}
    assert statuses == {
        "C1": "transferred_out", "C2": "cancelled", "C3": "merged", "C4": "cancelled",
        "C5": "cancelled",
    }  # fmt: skip


def test_recording_changes_name_groups_and_direction() -> None:
    changes = rows("recording_changes")
    for row in changes:
        assert set(row["cat_groups"].split("|")) <= CRIME_GROUPS, row
        assert row["direction"] in {"up", "down", "shift", "none"}, row
        assert row["date_precision"] in {"day", "month", "season", "year"}, row
        assert row["is_retrospective"] in {"true", "false"}, row
    spring_2023 = [r for r in changes if r["effective_from"] <= "2023-05-01" <= r["effective_to"]]
    assert {"down"} <= {row["direction"] for row in spring_2023}


def test_bank_holidays_are_those_of_the_published_list() -> None:
    published = SHARED / "reference" / "uk_bank_holidays.json"
    if not published.is_file():
        pytest.skip(f"public list of bank holidays not found at {published}")
    events = json.loads(published.read_text(encoding="utf-8"))["england-and-wales"]["events"]
    ours = {row["day"]: row for row in rows("bank_holidays")}
    assert set(ours) == {event["date"] for event in events} and len(ours) == 140
    substitutes = {event["date"] for event in events if event["notes"] == "Substitute day"}
    # the list calls the moved spring holiday of 2012 a substitute too
    assert substitutes - {"2012-06-04"} == {
        day for day, row in ours.items() if row["kind"] == "substitute"
    }


def test_codes_exist_in_the_court_list(offences: list[dict[str, str]]) -> None:
    court_list = SHARED / "reference" / "ho_offence_codes_hmpps.csv"
    if not court_list.is_file():
        pytest.skip(f"public court code list not found at {court_list}")
    with court_list.open(encoding="utf-8", newline="") as file:
        known = {row["ho_stats_code"] for row in csv.DictReader(file)}
    missing = sorted({row["ho_offence_code"] for row in offences} - known)
    assert not missing


def test_groups_give_the_known_counts_of_a_real_year() -> None:
    folder = SHARED / "police_uk" / "2025_release_2026-07"
    if not folder.is_dir():
        pytest.skip(f"public street-level crime not found at {folder}")
    group = {row["crime_type"]: row["cat_group"] for row in rows("policeuk_categories")}
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*-warwickshire-street.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            counts.update(group[row["Crime type"]] for row in csv.DictReader(file))
    assert counts.total() == 51_198
    assert counts["ASB"] == 10_978 and counts["VAP"] == 17_170
    assert counts.total() - counts["OTHER"] == 36_039
