"""`python -m deployments`: prepare the Prefect server, and look at an interaction."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from importlib.metadata import version

from cyclopts import App
from rich.console import Console
from rich.table import Table

from deployments.apply import Change, apply
from deployments.errors import CommandError
from deployments.prefect_server import server

WRONG = 2  # the exit code for what could not be done; 1 is inspect's for an unknown interaction

app = App(name="deployments", help=__doc__, version=partial(version, "interactions"))


@app.command(name="apply")
def apply_command(
    *,
    lost_after: float = 90,
    stuck_after: float = 300,
    crashed_after: float = 60,
    notify: str | None = None,
) -> None:
    """Create what the deployments stand on: pools, queues, limits, automations. Repeatable.

    Args:
        lost_after: Seconds without a heartbeat after which a run's worker is taken for dead: three heartbeats.
        stuck_after: Seconds that a run may be Pending.
        crashed_after: Seconds until a crashed run is scheduled again.
        notify: A notification block, as in slack-webhook/operations; nobody is told without one.
    """
    changes = asyncio.run(_apply(lost_after, stuck_after, crashed_after, notify))
    console, table = Console(), Table("what", "name", "done")
    for change in changes:
        table.add_row(change.kind, change.name, change.done)
    console.print(table)
    if all(change.done == "unchanged" for change in changes):
        console.print("nothing changed")


@app.command(name="inspect")
def inspect_command(interaction_id: str, *, reveal: bool = False, json: bool = False) -> None:
    """Say what has become of an interaction: record, quarantine, dead letters, runs.

    Ends with 0 when it is known, 1 when it is not, 2 when it could not be looked for.

    Args:
        interaction_id: The interaction's UUID.
        reveal: Show names and addresses of persons, too.
        json: Print JSON.
    """
    from deployments.inspect_view import show  # noqa: PLC0415 - applying needs no AWS

    raise SystemExit(asyncio.run(show(interaction_id, reveal=reveal, as_json=json)))


async def _apply(
    lost_after: float, stuck_after: float, crashed_after: float, notify: str | None
) -> list[Change]:
    async with server() as client:
        return await apply(
            client,
            lost_after=lost_after,
            stuck_after=stuck_after,
            crashed_after=crashed_after,
            notify=notify,
        )


def main(tokens: list[str] | None = None) -> None:
    """Run a command; an expected failure is a line and exit code 2, not a traceback."""
    try:
        app(tokens)
    except CommandError as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(WRONG)


if __name__ == "__main__":
    main()
