"""`python -m benchmarks`: runs the races, prints them, writes `benchmarks/results/latest.*`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.machine import machine_facts
from benchmarks.races import NAMES, find
from benchmarks.running import RaceFailed, run_race


def main(arguments: list[str] | None = None) -> int:
    """0 where every race ran to its end, whatever its targets; 1 where one failed."""
    options = _parser().parse_args(arguments)
    outcomes, failed = [], 0
    for name in options.only or NAMES:
        race = find(name)
        n_repeats = options.repeats or (1 if options.quick else race.repeats)
        with tempfile.TemporaryDirectory(prefix="hotspots-bench-") as folder:
            try:
                outcome = run_race(
                    race,
                    Path(folder),
                    n_repeats=n_repeats,
                    is_quick=options.quick,
                    say=lambda text: print(text, file=sys.stderr, flush=True),
                )
            except RaceFailed as error:
                print(error, file=sys.stderr)
                failed += 1
                continue
        outcomes.append(outcome)
        print("\n".join(report.printed(outcome)), flush=True)
    if options.quick:
        print("\nquick: small inputs, figures mean nothing, nothing written")
    elif outcomes:
        page = report.write(outcomes, machine_facts())
        print(f"\nwritten: benchmarks/results/{page.name} and latest.json")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}"
    )
    parser.add_argument("--repeats", type=_positive, help="repeats of each side in place of each race's own number")  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="small inputs, one repeat: does it run at all?"
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
