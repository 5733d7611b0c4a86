"""What the simulated force wrote down about its trial before anyone looked: a file for the folder `trials`.

Belongs here: the decisions that a force in its place would know (windows, places and arms, the lot). Does not belong here: anything of the
truth, such as the effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl
import yaml

from hotspot_pipeline.simulator.profiles import END, Profile
from hotspot_pipeline.simulator.trial.programme import Options

TRIALS, FILE = "trials", "hotspot_trial.yml"
OUTCOME_GROUPS = ("ASB", "VAP", "PUBLIC_ORDER", "CRIM_DAMAGE", "ROBBERY")
RINGS_M = (300,)
SMALLEST_WORTHWHILE_PERCENT = 15
_HEAD = """\
# What was decided before outcomes were looked at; changed later, its estimates are exploratory. Days are police days, both ends
# included. The fields: docs/methods.md, Effects.
"""


def write_registration(out: Path, profile: Profile, options: Options, places: pl.DataFrame) -> Path:
    """Writes `out/trials/hotspot_trial.yml`, the same bytes for the same trial."""
    path = out / TRIALS / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(registration(profile, options, places)), sort_keys=False)
    path.write_text(_HEAD + text, encoding="utf-8")
    return path


def registration(profile: Profile, options: Options, places: pl.DataFrame) -> Mapping[str, object]:
    """The fields. `places`: `frames.PLACES`. The window before lies between the days the places were chosen on and the first patrol."""
    arms = {arm: places.filter(pl.col("arm") == arm).sort("pair") for arm in ("treat", "control")}
    treated, controls = (arms[a]["hotspot_id"].to_list() for a in ("treat", "control"))
    is_by_lot = options.controls == "paired"
    begins = profile.start + timedelta(days=profile.patrol_day)
    chosen = profile.start + timedelta(days=profile.selection_days)
    found: dict[str, object] = {
        "name": "Hotspot patrols against places of the same rank",
        "outcome_groups": list(OUTCOME_GROUPS),
        "primary_measure": "rate_ratio",
        "model": "rate_ratio",
        "before_from": chosen,
        "before_to": begins - timedelta(days=1),
        "after_from": begins,
        "after_to": END - timedelta(days=1),
        "rings_m": list(RINGS_M),
        "known_at": END,
        "smallest_worthwhile_percent": SMALLEST_WORTHWHILE_PERCENT,
        "places": "lot_in_pairs" if is_by_lot else "chosen",
        "treated": treated,
        "controls": controls,
    }
    if is_by_lot:
        found["pairs"] = [list(two) for two in zip(treated, controls, strict=True)]
    found["days"] = {"ops": "days", "spells": "spells"}[options.trial or profile.trial]
    found |= {"selected_from": profile.start, "selected_to": chosen - timedelta(days=1)}
    return found
