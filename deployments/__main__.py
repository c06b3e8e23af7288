"""`python -m deployments`: prepare the Prefect server, and look at an interaction."""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version

from cyclopts import App

from deployments.cli.apply import apply
from deployments.cli.inspect import inspect
from deployments.cli.run import run

app = App(name="deployments", help=__doc__, version=partial(version, "interactions"))
app.command(apply)
app.command(inspect)


def main(tokens: list[str] | None = None) -> None:
    """Run a command and exit with its code; without tokens, those of the process."""
    sys.exit(run(app, tokens))


if __name__ == "__main__":
    main()
