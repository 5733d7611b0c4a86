"""The group of commands, and how errors are said: one line naming what, where and what to do; no traceback."""

from __future__ import annotations

import sys

import click

from hotspot_pipeline.cli.asking import as_known
from hotspot_pipeline.cli.backfilling import backfill
from hotspot_pipeline.cli.deciding import release, signoff, withdraw
from hotspot_pipeline.cli.effects import effects
from hotspot_pipeline.cli.explaining import explain
from hotspot_pipeline.cli.fetch import fetch
from hotspot_pipeline.cli.keys import keys
from hotspot_pipeline.cli.look import sql, status
from hotspot_pipeline.cli.making import init
from hotspot_pipeline.cli.running import run, ui
from hotspot_pipeline.cli.simulating import demo, simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hotspot-pipeline", prog_name="hotspots")
def hotspots() -> None:
    """The data platform for hotspot policing: deliveries in, hotspots out, every row accounted for."""


for command in (
    init,
    demo,
    simulate,
    fetch,
    run,
    ui,
    backfill,
    as_known,
    status,
    explain,
    effects,
    sql,
    signoff,
    release,
    withdraw,
    keys,
):
    hotspots.add_command(command)


def main() -> None:
    try:
        code = hotspots(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "stopped; what was not finished is not there, and the next run goes on from here",
            err=True,
        )
        sys.exit(130)
    except (ValueError, RuntimeError, OSError) as error:
        # our own errors are of these kinds and say file, value, rule and what to do
        click.secho(f"error: {error}", fg="red", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
