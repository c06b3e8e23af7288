"""Running a command line: an expected failure is one line on standard error and an exit code."""

from __future__ import annotations

from cyclopts import App
from rich.console import Console

from deployments.errors import CommandError
from infra import cli

BAD_INPUT = 2  # the exit code for what could not be done; 1 is inspect's for an unknown interaction


def run(app: App, tokens: list[str] | None = None) -> int:
    """Run a command and return its exit code: 2 for a CommandError, and infra's codes for infra's errors."""
    try:
        return cli.run(app, tokens)
    except CommandError as error:
        Console(stderr=True, emoji=False).print(str(error), markup=False, highlight=False, soft_wrap=True)
        return BAD_INPUT
