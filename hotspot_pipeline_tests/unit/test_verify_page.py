"""The page of `make verify`: what was not measured this time stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

from hotspot_pipeline_tests.integration.figures import render


def test_sections_not_measured_again_stay(tmp_path: Path) -> None:
    def measured(run: str, **seconds: float) -> Path:
        folder = tmp_path / run
        folder.mkdir()
        lines = [json.dumps({"test": t, "figures": {"seconds": s}}) for t, s in seconds.items()]
        (folder / "1.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return folder

    first = render(measured("first", kills=1.0, restarts=2.0))
    second = render(measured("second", kills=3.0), first)
    assert "newest run of each test" in second and "newest run of each test" not in first
    assert second.index("## kills") < second.index("## restarts") < second.index("## Measured on")
    assert "| 3.0 |" in second and "| 2.0 |" in second and "| 1.0 |" not in second
    assert second.count("## ") == first.count("## ") == 3
    # all measured again: nothing is left of the earlier page
    again = measured("third", kills=1.0, restarts=2.0)
    assert render(again, second) == first
