"""`python -m benchmarks.calibration`: simulates, estimates, prints the table, writes `benchmarks/results/calibration.*`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

# one thread a process: the matrices are small, and processes are what the cores are for
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")

import polars as pl  # noqa: E402

from benchmarks.calibration import report, verdicts  # noqa: E402
from benchmarks.calibration.figures import figures  # noqa: E402
from benchmarks.calibration.row import Row  # noqa: E402
from benchmarks.calibration.worlds import GROUPS, SCENARIOS, worlds  # noqa: E402
from benchmarks.machine import machine_facts  # noqa: E402

Task = tuple[int, Sequence[int], bool]


def main(arguments: list[str] | None = None) -> int:
    """0 where every target is met, 1 otherwise; a run under 200 seeds judges nothing and is not written."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    groups = [k for k, group in enumerate(GROUPS) if any(n in options.only for n, _, _ in group)]
    tasks: list[Task] = [(seed, groups, options.quick) for seed in seeds]
    rows = [row for row in _all(tasks, options.jobs) if row.scenario in options.only]
    rows.sort(key=lambda r: (SCENARIOS.index(r.scenario), r.seed))
    found = verdicts.table(pl.DataFrame(rows, schema=list(Row._fields), orient="row"))
    targets = verdicts.targets(found)
    facts = {
        "n_seeds": options.seeds, "n_jobs": options.jobs, "minutes": (time.monotonic() - started) / 60,
        "machine": machine_facts(),
    }  # fmt: skip
    print(report.markdown(found, targets, facts))
    if options.quick or options.seeds < 200:
        print("under 200 seeds or quick: nothing is judged, nothing written")
        return 0
    print(f"written: benchmarks/results/{report.write(found, targets, facts).name}")
    return 0 if all(t.is_met for t in targets) else 1


def one_seed(task: Task) -> list[Row]:
    """All figures of one seed and some groups of forces."""
    return [row for world in worlds(*task) for row in figures(world)]


def _all(tasks: list[Task], n_jobs: int) -> Iterable[Row]:
    if n_jobs == 1:
        for task in tasks:
            yield from one_seed(task)
        return
    with ProcessPoolExecutor(n_jobs) as pool:
        waiting = [pool.submit(one_seed, task) for task in tasks]
        for n, done in enumerate(as_completed(waiting), 1):
            if n % 100 == 0:
                print(f"{n} of {len(tasks)}", file=sys.stderr, flush=True)
            yield from done.result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="simulated forces of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="FORCE"
    )
    parser.add_argument("--quick", action="store_true", help="smaller forces: does it run at all?")
    return parser


if __name__ == "__main__":
    sys.exit(main())
