"""The words of a request, and the arithmetic of months and releases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.raw.fetching.errors import FetchError
from hotspot_pipeline.raw.fetching.request import (
    FetchRequest,
    covering_advice,
    months_between,
    releases_covering,
    shift_month,
)

months = st.builds(
    lambda year, month: f"{year:04d}-{month:02d}", st.integers(2010, 2035), st.integers(1, 12)
)


def checked(**changes: object) -> FetchRequest:
    words: dict[str, object] = {
        "force": "warwickshire",
        "first_month": "2025-01",
        "last_month": "2025-12",
        "release": None,
        "base_url": "https://data.police.uk",
        "checksum": None,
    }
    return FetchRequest.checked(**{**words, **changes})  # type: ignore[arg-type]


@given(months, st.integers(-120, 120))
def test_shifting_there_and_back_is_no_shift(month: str, n_months: int) -> None:
    assert shift_month(shift_month(month, n_months), -n_months) == month


def test_shifting_crosses_years() -> None:
    assert shift_month("2025-12", 1) == "2026-01"
    assert shift_month("2025-01", -1) == "2024-12"
    assert shift_month("2026-07", -35) == "2023-08"


def test_months_between_are_all_of_them() -> None:
    assert months_between("2024-11", "2025-02") == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert months_between("2025-01", "2025-01") == ["2025-01"]


def test_known_release_holds_the_months_its_page_states() -> None:
    # The release of July 2026 is published as covering August 2023 to July 2026.
    assert releases_covering("2023-08", "2026-07") == ("2026-07", "2026-07")


@given(months, months, st.one_of(st.none(), months))
def test_covering_releases_agree_with_counting(one: str, other: str, newest: str | None) -> None:
    first, last = min(one, other), max(one, other)

    def holds(release: str) -> bool:
        reaches_back_to = shift_month(release, -35) if release > "2017-04" else "2010-12"
        is_out = newest is None or release <= newest
        return is_out and reaches_back_to <= first and last <= release

    if first < "2010-12":
        return
    possible = [release for release in months_between("2013-12", "2045-12") if holds(release)]
    expected = (possible[0], possible[-1]) if possible else None
    assert releases_covering(first, last, newest) == expected


def test_advice_for_months_that_no_single_release_holds() -> None:
    assert "shorter pieces" in covering_advice("2018-01", "2023-12")
    assert "is not out yet" in covering_advice("2026-01", "2026-12", "2026-07")
    assert "Releases 2025-12 to 2026-07 hold 2025-01 to 2025-12" in covering_advice(
        "2025-01", "2025-12", "2026-07"
    )


@pytest.mark.parametrize(
    "force",
    ["", "Warwickshire", "warwick shire", "../x", "-", "a--b", "x-", "b/c", "w\n", "é", "force2"],
)
def test_force_must_look_like_the_archives_names(force: str) -> None:
    with pytest.raises(FetchError, match="small letters and hyphens"):
        checked(force=force)


@pytest.mark.parametrize("month", ["2025", "2025-1", "2025-13", "2025-00", "25-01", "2025-01\n"])
def test_months_and_release_must_be_months(month: str) -> None:
    for word in ("first_month", "last_month", "release"):
        with pytest.raises(FetchError, match="YYYY-MM"):
            checked(**{word: month})


def test_months_must_be_in_order_and_after_the_beginning() -> None:
    with pytest.raises(FetchError, match="swap"):
        checked(first_month="2025-02", last_month="2025-01")
    with pytest.raises(FetchError, match="begin with 2010-12"):
        checked(first_month="2010-11")


def test_release_before_the_months_is_refused_with_those_that_hold_them() -> None:
    with pytest.raises(FetchError, match=r"ends with 2024-12.*Releases 2025-12 to 2027-12"):
        checked(release="2024-12")


@pytest.mark.parametrize(
    "base_url",
    ["", "data.police.uk", "ftp://x", "file:///etc", "https://", "http://x:y", "http://a b/", "x:"],
)
def test_only_http_addresses(base_url: str) -> None:
    with pytest.raises(FetchError, match="base URL"):
        checked(base_url=base_url)


def test_address_may_hold_neither_password_nor_query() -> None:
    with pytest.raises(FetchError, match="manifest") as caught:
        checked(base_url="https://someone:secret@mirror.example")
    assert "secret" not in str(caught.value)
    with pytest.raises(FetchError, match="leave out"):
        checked(base_url="https://mirror.example/?a=b")


def test_addresses_below_a_mirror() -> None:
    request = checked(base_url="http://mirror.example/police/")
    assert request.archive_url("2026-07") == (
        "http://mirror.example/police/data/archive/2026-07.zip"
    )
    assert request.archive_url(None).endswith("/police/data/archive/latest.zip")


def test_checksum_is_md5_or_sha256() -> None:
    assert checked(checksum=" " + "AB" * 16).checksum == "ab" * 16
    assert checked(checksum="0f" * 32).checksum == "0f" * 32
    for wrong in ("", "ab" * 20, "xy" * 16, '"' + "ab" * 16 + '-5"'):
        with pytest.raises(FetchError, match="MD5"):
            checked(checksum=wrong)
