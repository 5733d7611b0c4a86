"""One child process: makes a race's input, runs one repeat of one side, or compares the outputs.

    python -m benchmarks.child <race> prepare|verify|<side> <folder> <answer file> [--quick]

The answer is a JSON file. Everything heavy is imported here, never in the parent.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.races import find
from benchmarks.stopwatch import Stopwatch


def main(arguments: list[str]) -> None:
    name, what, folder, answer_file, *options = arguments
    race, where = find(name), Path(folder)
    answer: dict[str, Any]
    if what == "prepare":
        answer = race.prepare(where, "--quick" in options)
    elif what == "verify":
        answer = race.verify(where)
    else:
        watch = Stopwatch()
        facts = race.side(what).run(where, watch)
        answer = {**asdict(watch), "facts": facts}
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
