"""Genesys Cloud interactions in Prefect: set it up, see how it is, look at one, run it again, export, erase."""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version

from cyclopts import App

from deployments.cli import infrastructure
from deployments.cli.apply import apply
from deployments.cli.inspect import inspect
from deployments.cli.run import run
from deployments.cli.sql import sql, tables
from deployments.cli.starting import reconcile, replay, trigger
from deployments.cli.status import status
from deployments.cli.subjects import erase, export

app = App(name="interactions", help=__doc__, version=partial(version, "interactions"))
app.command(apply)
app.command(inspect)
app.command(status)
app.command(trigger)
app.command(replay)
app.command(reconcile)
app.command(erase)
app.command(export)
app.command(sql)
app.command(tables)
infrastructure.add_to(app)


def main(tokens: list[str] | None = None) -> None:
    """Run a command and exit with its code; without tokens, those of the process."""
    sys.exit(run(app, tokens))


if __name__ == "__main__":
    main()
