"""`apply`: create on the Prefect server what the deployments need."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments.recovery import RecoveryDelays
from infra.output import write_json

if TYPE_CHECKING:
    from deployments.resources import AppliedResource

Json = Annotated[bool, Parameter(negative=())]
Delays = Annotated[RecoveryDelays, Parameter(name="*")]
DEFAULT_DELAYS = RecoveryDelays()


def apply(*, delays: Delays = DEFAULT_DELAYS, notify: str | None = None, json: Json = False) -> None:
    """Create what the deployments need: pools, queues, limits, automations. Repeatable.

    Args:
        delays: When runs are scheduled again.
        notify: A notification block, as in slack-webhook/operations; without one, no notifications.
        json: Print JSON.
    """
    applied = asyncio.run(_apply(delays, notify))
    if json:
        write_json([{"what": each.kind, "name": each.name, "done": each.result} for each in applied])
        return
    console, table = Console(emoji=False), Table("what", "name", "done")
    for resource in applied:
        table.add_row(resource.kind, escape(resource.name), resource.result)
    console.print(table)
    if all(resource.result == "unchanged" for resource in applied):
        console.print("nothing changed")


async def _apply(delays: RecoveryDelays, notify: str | None) -> list[AppliedResource]:
    # Prefect takes seconds to import, and most commands do not need it.
    from deployments.apply import apply as apply_resources  # noqa: PLC0415
    from deployments.prefect_server import server_client  # noqa: PLC0415

    async with server_client() as client:
        return await apply_resources(client, delays, notify)
