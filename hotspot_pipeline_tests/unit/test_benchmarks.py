"""The races still run and still compare equal things: small inputs, once; no figure is looked at."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import main
from benchmarks.races import NAMES

TAKES_LONGER = {
    "county",
    "nightly",
    "gistar",
    "csv_to_validated",
    "history_night",
    "refresh_week",
    "dwell",
    "simulator",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in TAKES_LONGER else ()) for n in NAMES],
)
def test_race_runs_to_its_end(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", name]) == 0
    shown = capsys.readouterr().out
    assert name in shown
    assert "nothing written" in shown


def test_unknown_race_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "walking"])
    assert "invalid choice" in capsys.readouterr().err
