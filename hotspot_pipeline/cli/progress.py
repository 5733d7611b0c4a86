"""The bar that shows how far a job is, and what its running step last said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster import EventLogEntry
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from hotspot_pipeline.cli.common import console


def bars(*more: ProgressColumn, width: int, quiet: bool = False) -> Progress:
    """Bars with a name of `width` characters, steps done and time; nothing where nobody sees them move."""
    return Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.description:<{width}}}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        *more,
        console=console,
        disable=quiet or not console.is_terminal,
    )


@contextmanager
def progress(name: str, n_steps: int, *, quiet: bool) -> Iterator[Callable[[EventLogEntry], None]]:
    """A bar over the steps of a job, with what the running step last said."""
    doing = TextColumn("[dim]{task.fields[doing]}")
    with bars(doing, width=14, quiet=quiet) as bar:
        task = bar.add_task(name, total=n_steps, doing="")

        def told(entry: EventLogEntry) -> None:
            event = entry.dagster_event
            if event is None:
                bar.update(task, doing=entry.user_message[:90])
            elif event.is_step_start:
                bar.update(task, doing=step_words(event.step_key or ""))
            elif event.is_step_success:
                bar.advance(task)

        yield told
        bar.update(task, doing="")


def step_words(step_key: str) -> str:
    """`hexes.cell_scores` for the step that is called `force__hexes__cell_scores`."""
    return ".".join(step_key.split("__")[1:])
