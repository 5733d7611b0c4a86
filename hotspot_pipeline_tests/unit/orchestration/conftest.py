"""An installation of two forces, one with records of its own and one that has only public months."""

from __future__ import annotations

import textwrap
from pathlib import Path

import dagster as dg
import pytest

from hotspot_pipeline.definitions import build_defs
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import Settings
from hotspot_pipeline.warehouse.contract import TableContract

FORCES = {
    "aldershire": """
        name: Aldershire Police
        feeds: {crime_extract: , asb_extract: , venues: , excluded_sites: , default_geocodes: , gps_pings: , duties: }
        alert_email: night@aldershire.example
        """,
    "brookshire": """
        time_zone: Europe/Dublin
        partitions_start: 2024-01-01
        feeds: {police_uk_street: }
        """,
}


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data: Path = tmp_path_factory.mktemp("two_forces")
    for name, text in FORCES.items():
        home = data / "forces" / name
        home.mkdir(parents=True)
        (home / "force.yml").write_text(textwrap.dedent(text), encoding="utf-8")
    env = {
        "HOTSPOTS_DATA": str(data),
        "HOTSPOTS_SMTP": "mail.example:2525",
        "HOTSPOTS_THREADS": "2",
    }
    return Settings.from_env(env)


@pytest.fixture(scope="session")
def definitions(settings: Settings) -> dg.Definitions:
    return build_defs(settings)


@pytest.fixture
def shop(settings: Settings, catalog: dict[str, TableContract]) -> Workshop:
    """What an asset module of the first force is given."""
    return Workshop.of(settings, settings.force("aldershire"), catalog)
