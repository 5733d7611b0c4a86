"""A force's file of offence codes changes between two nights: what is known, said, computed again and published."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from hotspot_pipeline.cli import running
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.history.lookups import ALWAYS
from hotspot_pipeline.settings import PROJECT_ROOT, SettingsError
from hotspot_pipeline_tests.integration.test_nights import SmallForce, crime

pytestmark = pytest.mark.slow
SHIPPED = PROJECT_ROOT / "data" / "reference" / "ho_offence_lookup.csv"
BOOKS = "table_name, known_from_utc, extract_id, n_codes, n_known, n_touched, n_weeks"


class ForceWithCodes(SmallForce):
    """Its own file of offence codes, in which `moved` are in another group, with another harm."""

    def codes(self, **moved: tuple[str, str]) -> None:
        path = self.settings.data / "codes.csv"
        rows = list(csv.DictReader(SHIPPED.read_text(encoding="utf-8").splitlines()))
        for row in rows:
            if row["ho_offence_code"] in moved:
                row["cat_group"], row["cchi_days"] = moved[row["ho_offence_code"]]
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        self.force = replace(self.force, reference={"ho_offence_lookup": path})
        self.settings = replace(self.settings, forces=(self.force,))


@pytest.fixture
def force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForceWithCodes]:
    monkeypatch.setenv("HOTSPOTS_DATA", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as in_memory:
        monkeypatch.setattr(running, "instance", lambda _: nullcontext(in_memory))
        yield ForceWithCodes(tmp_path)


def test_a_changed_file_is_a_recode_with_its_weeks(force: ForceWithCodes) -> None:
    force.codes()
    force.deliver("crime_delta_20260611.csv", crime("A1"), crime("A2", "2026-06-03"), crime("A3", code="034/01"))  # fmt: skip
    force.deliver("crime_delta_20260612.csv", crime("A4", "2026-05-27"))
    force.run()
    newest = force.rows("select max(known_from_utc) from history.extracts")[0][0]
    assert force.rows("select distinct known_from_utc from history.lookup_versions") == [(ALWAYS,)]

    # the same rows in other bytes are no change
    path = force.force.reference["ho_offence_lookup"]
    path.write_text(path.read_text(encoding="utf-8").replace("starting-set-1", "2"), "utf-8")
    assert force.run()["changed"] == ["validated.offence_codes"]

    force.codes(**{"008/06": ("PUBLIC_ORDER", "77")})
    force.deliver("crime_delta_20260613.csv", crime("A1", status="cancelled"))
    force.run()
    (entry,) = force.rows(f"select {BOOKS} from history.lookup_changes")
    assert (entry[0], *entry[3:]) == ("offence_codes", 1, 4, 3, 3)
    assert force.rows(f"select '{entry[1]}' > '{newest}', max(known_from_utc) > '{entry[1]}' from history.extracts") == [(True, True)]  # fmt: skip
    ((words, why),) = force.rows("select words, why from history.recodes where feed = 'lookup'")
    assert str(words).startswith("offence 008/06: group VAP became PUBLIC_ORDER, harm ")
    assert str(words).endswith(" became 77 days; 3 live crimes in 3 weeks") and "became" in str(why)
    reasons = dict(force.rows(
        "select window_start::varchar, arg_max(reason, refreshed_at_utc) from hexes.refreshed_windows "
        "where table_name = 'hexes.crime_weekly' group by 1"))  # type: ignore[arg-type]  # fmt: skip
    changed = "counted otherwise by a changed lookup: 1"
    assert reasons["2026-05-25"] == reasons["2026-06-01"] == changed
    assert reasons["2026-06-08"] == f"new records: 0, recoded into it: 0, recoded out of it: 1; {changed}"  # fmt: skip
    assert force.rows("select cat_group, count(*) from hexes.events where is_counted group by 1 order by 1") == [
        ("PUBLIC_ORDER", 2), ("ROBBERY", 1)]  # fmt: skip
    assert force.run()["changed"] == []


def test_history_written_anew_tells_of_the_lookup_again(force: ForceWithCodes) -> None:
    force.codes()
    force.deliver("crime_delta_20260611.csv", crime("A1"), crime("A2", "2026-06-03"))
    force.run()
    force.codes(**{"008/06": ("ROBBERY", "10")})
    force.deliver("crime_delta_20260613.csv", crime("A1", easting=433000))
    force.run()
    told = [
        f"select {BOOKS} from history.lookup_changes",
        "select words, known_from_utc from history.recodes order by all",
        "select * exclude (run_id) from history.affected_weeks order by all",
        "select * from history.lookup_versions order by all",
    ]
    before = [force.rows(query) for query in told]
    assert all(before)
    run_force(force.settings, force.force, rebuild=("history.crime_versions",), quiet=True)
    assert [force.rows(query) for query in told] == before
    # what was known when follows from no other table
    for table in ("lookup_versions", "lookup_changes"):
        with pytest.raises(SettingsError, match=table):
            run_force(force.settings, force.force, rebuild=(f"history.{table}",), quiet=True)


def test_a_warehouse_of_before_runs_on(force: ForceWithCodes) -> None:
    """Its tables of history stand, those of the lookups are not there yet."""
    force.codes()
    force.deliver("crime_delta_20260611.csv", crime("A1"))
    force.run()
    with warehouse_of(force.settings, force.force).session() as session:
        for table in ("lookup_versions", "lookup_changes", "offence_span_versions", "policeuk_categories_current"):  # fmt: skip
            session.execute(f"drop table history.{table}")
    changed = force.run()["changed"]
    assert "history.lookup_versions" in changed  # type: ignore[operator]
    assert not {"history.recodes", "history.affected_weeks", "hexes.crime_weekly"} & set(changed)  # type: ignore[call-overload]
    assert force.rows("select distinct known_from_utc from history.lookup_versions") == [(ALWAYS,)]
