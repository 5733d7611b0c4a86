"""`hotspots fetch`: public data into the landing folder."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from hotspot_pipeline.cli.common import console, json_option, say, settings, table
from hotspot_pipeline.raw.fetching import DEFAULT_BASE_URL, fetch_police_uk


@click.group()
def fetch() -> None:
    """Download public data."""


@fetch.command("police-uk")
@click.option(
    "--force",
    "slug",
    required=True,
    help="The force as data.police.uk writes it: warwickshire, city-of-london …",
)
@click.option("--from", "first", required=True, metavar="YYYY-MM", help="First month.")
@click.option("--to", "last", required=True, metavar="YYYY-MM", help="Last month.")
@click.option(
    "--release", metavar="YYYY-MM", help="Which monthly release; the newest when not given."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder; the force's landing folder when not given.",
)
@click.option("--base-url", help="A mirror of data.police.uk.")
@click.option(
    "--checksum",
    help="MD5 or SHA-256 of the whole archive; then all of it is downloaded and checked.",
)
@json_option
def police_uk(
    slug: str,
    first: str,
    last: str,
    release: str | None,
    out: Path | None,
    base_url: str | None,
    checksum: str | None,
    as_json: bool,
) -> None:
    """Street-level crime from the public archive: only the months asked for, resumed and checked."""
    target = (
        out or settings().data / "forces" / slug.replace("-", "_") / "landing" / "police_uk_street"
    )
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console, disable=as_json or not console.is_terminal,
    ) as bar:  # fmt: skip
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        report = fetch_police_uk(
            slug,
            first,
            last,
            target,
            release=release,
            base_url=base_url or DEFAULT_BASE_URL,
            checksum=checksum,
            progress=progress,
        )
    if as_json:
        say(True, report.as_dict())
        return
    table(
        f"release {report.release}: {report.directory}",
        ["month", "status", "note"],
        [[row.month, row.status, row.note] for row in report.coverage],
    )
    console.print(
        f"{report.n_files_fetched} files, {report.n_bytes_downloaded:,} bytes downloaded. {report.attribution}"
    )
    console.print("Next: hotspots run")
