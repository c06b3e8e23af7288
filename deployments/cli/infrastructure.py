"""The commands of `python -m infra`: the same functions, flags, INFRA_ variables and infra.toml."""

from __future__ import annotations

from collections.abc import Callable

from cyclopts import App

from infra import cli

COMMANDS: dict[str, Callable[..., int | None]] = {
    "deploy": cli.deploy,
    "plan": cli.plan,
    "rollback": cli.rollback,
    "outputs": cli.outputs,
    "delete": cli.delete,
    "verify": cli.verify,
    "redrive": cli.redrive,
    "tombstones": cli.tombstones,
    "archive-replay": cli.replay,  # of events of the bus; replaying interactions is another thing
}


def add_to(app: App) -> None:
    """Add the commands to an app. Only they read the variables and the file, not the app's other commands."""
    for name, command in COMMANDS.items():
        app.command(command, name=name, config=cli.app.config, default_parameter=cli.app.default_parameter)
