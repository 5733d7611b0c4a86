"""One key a year: against the standard library's HMAC, and what a lost or exchanged key does."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError
from hotspot_pipeline.pseudonyms.yearly import YearlyKeys, fingerprint, key_path

KEYS = {2025: b"the key of twenty twenty-five !!", 2026: b"the key of twenty twenty-six !!!"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for year, key in KEYS.items():
        key_path(tmp_path, year).write_bytes(key)
    return tmp_path


def pid(value: str, year: int) -> str:
    return hmac.new(KEYS[year], value.encode(), hashlib.sha256).hexdigest()[:16]


names = st.text("abcAB12 -", min_size=1, max_size=6)


@given(rows=st.lists(st.tuples(st.none() | names, st.sampled_from([2025, 2026])), max_size=20))
def test_each_value_has_the_library_s_hmac_under_the_key_of_its_year(
    rows: list[tuple[str | None, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    for year, key in KEYS.items():
        key_path(folder, year).write_bytes(key)
    values, years = ([r[i] for r in rows] for i in (0, 1))
    found = YearlyKeys(folder).pseudonyms(
        pl.Series(values, dtype=pl.String), pl.Series(years, dtype=pl.Int32)
    )
    stripped = [v.strip() if v else None for v in values]
    assert found.to_list() == [pid(v, y) if v else None for v, y in zip(stripped, years)]


def test_a_list_becomes_the_list_of_its_pseudonyms(folder: Path) -> None:
    found = YearlyKeys(folder).pseudonyms(
        pl.Series(["PC 1| PC 2", "PC 2;PC 1;", "PC|1"]),
        pl.Series([2026, 2026, 2026], dtype=pl.Int32),
        is_list=True,
    )
    both = "|".join(sorted([pid("PC 1", 2026), pid("PC 2", 2026)]))
    assert found.to_list()[:2] == [both, both]
    alone = YearlyKeys(folder).pseudonyms(pl.Series(["PC|1"]), pl.Series([2026], dtype=pl.Int32))
    assert alone.to_list() == [pid("PC|1", 2026)]


def test_a_new_year_makes_its_key_once_and_tells_of_it(folder: Path) -> None:
    keys = YearlyKeys(folder, {y: fingerprint(k) for y, k in KEYS.items()})
    made = keys.key(2027)
    assert keys.made == {2027: fingerprint(made)}
    assert key_path(folder, 2027).stat().st_mode & 0o077 == 0
    assert YearlyKeys(folder, keys.made).key(2027) == made
    assert len({fingerprint(keys.key(year)) for year in (2025, 2026, 2027)}) == 3


def test_a_key_in_use_that_is_gone_is_never_made_anew(folder: Path) -> None:
    registered = {year: fingerprint(key) for year, key in KEYS.items()}
    key_path(folder, 2026).unlink()
    keys = YearlyKeys(folder, registered)
    with pytest.raises(PseudonymKeyError, match=r"patrol-2026.key: the key of 2026 .* its file is gone; put it back"):  # fmt: skip
        keys.key(2026)
    assert not key_path(folder, 2026).exists()
    assert keys.key(2025) == KEYS[2025]
    # declared lost, it is out of the register, and a new one is made
    anew = YearlyKeys(folder, {2025: registered[2025]})
    assert fingerprint(anew.key(2026)) != registered[2026]


def test_another_key_than_the_one_in_use_is_refused_and_never_shown(folder: Path) -> None:
    registered = {2026: fingerprint(KEYS[2025])}
    with pytest.raises(PseudonymKeyError, match="put that one back") as caught:
        YearlyKeys(folder, registered).key(2026)
    assert KEYS[2026].decode() not in str(caught.value)
    assert KEYS[2026].decode() not in repr(YearlyKeys(folder, registered))
