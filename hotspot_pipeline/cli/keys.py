"""`hotspots keys`: the yearly keys of officers and devices, and what is said when one is lost for good.

Here: what the commands say and refuse. Not here: the keys (`pseudonyms/yearly.py`) and their register (`raw/key_register.py`).
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

import click

from hotspot_pipeline.cli.common import console, force_option, json_option, say, settings, table
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.pseudonyms.keys import pseudonym_key
from hotspot_pipeline.pseudonyms.yearly import fingerprint, key_path
from hotspot_pipeline.raw import key_register
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.session import Session


@click.group()
def keys() -> None:
    """The yearly keys that make pseudonyms of officers and devices."""


@keys.command(name="show")
@force_option
@json_option
def show(force_id: str | None, as_json: bool) -> int:
    """Which keys are in use and whether their files are in place; says no key."""
    found = settings()
    force = found.force(force_id)
    with _session(found, force, "hotspots keys show") as session:
        rows = [
            {"year": year, "fingerprint": wanted, "state": _state(force, year, wanted)}
            for year, wanted in sorted(session.frame(key_register.IN_USE).iter_rows())
        ]
    if as_json:
        say(True, {"folder": str(force.keys), "keys": rows})
    else:
        table(
            "Yearly keys", ("year", "fingerprint", "state"), [tuple(row.values()) for row in rows]
        )
    return 0 if all(row["state"] == "in place" for row in rows) else 1


@keys.command(name="lost")
@click.argument("year", type=int)
@click.option("--because", required=True, help="How it was lost; kept in raw.pseudonym_keys.")
@click.option("--by", default=None, help="Who says so; the login name when not given.")
@force_option
@json_option
def lost(year: int, because: str, by: str | None, force_id: str | None, as_json: bool) -> int:
    """Give a key up: the next delivery of that year gets a new one, and its pseudonyms meet no earlier ones of the year."""
    found = settings()
    force = found.force(force_id)
    with _session(found, force, "hotspots keys lost") as session:
        wanted = dict(session.frame(key_register.IN_USE).iter_rows()).get(year)
        if wanted is None:
            raise ValueError(
                f"no key of {year} is in use; `hotspots keys show` lists those that are"
            )
        if key_path(force.keys, year).exists():
            raise ValueError(
                f"{key_path(force.keys, year)}: the file is {_state(force, year, wanted)}; a key that is there is not lost. "
                "If it is another key, put it away first"
            )
        with session.transaction():
            key_register.note(
                session, year, wanted, "lost", by=by or getpass.getuser(), because=because
            )
    say(
        as_json,
        {"lost": year, "fingerprint": wanted},
        [f"the key of {year} is given up; the next run makes a new one where a delivery needs it"],
    )
    return 0


def _state(force: Force, year: int, wanted: str) -> str:
    path = key_path(force.keys, year)
    if not path.exists():
        return "gone"
    return "in place" if fingerprint(pseudonym_key(path)) == wanted else "another key"


@contextmanager
def _session(found: Settings, force: Force, purpose: str) -> Iterator[Session]:
    """A session on the warehouse under its lock, with the register there."""
    with (
        lock.hold(force.lock_file, purpose, timeout_s=found.lock_timeout_s, waiting=console.print),
        warehouse_of(found, force).session() as session,
    ):
        session.ensure(session.catalog[key_register.TABLE])
        yield session
