"""The request budget where a person can see it: the artifact `genesys-requests`, renewed by the runs."""

from __future__ import annotations

import time

from prefect.artifacts import acreate_markdown_artifact

from tasks.bootstrap import services
from tasks.genesys import Usage
from tasks.limits import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND
from tasks.process import in_thread

EVERY = 30.0  # seconds between two looks of one worker: each costs a read and an API call
_last: list[float] = []


async def show_budget() -> None:
    """Show how much of the request budget is used, unless this process did so a moment ago."""
    if _last and time.monotonic() - _last[0] < EVERY:
        return
    _last[:] = [time.monotonic()]
    given = services()
    usage = await in_thread(given.fetching, given.budgets["background"].usage)
    await acreate_markdown_artifact(
        table(usage), key=GENESYS_REQUESTS, description=f"{usage.used} of {usage.allowance} requests used"
    )


def table(usage: Usage) -> str:
    """The usage as a Markdown table, with where to change it."""
    return "\n".join(
        [
            f"Requests to Genesys Cloud, by all workers together, in the last {usage.seconds:.0f} s:",
            "",
            "| | used | allowed |",
            "|---|---|---|",
            f"| all | {usage.used} | {usage.allowance} |",
            f"| replay and reconcile | {usage.background_used} | {usage.background_allowance} |",
            "",
            f"Allowed is the lesser of the limit `{GENESYS_REQUESTS}` (see Concurrency in this UI; for replay and",
            f"reconcile `{GENESYS_REQUESTS_BACKGROUND}`) and of what Genesys's own headers say.",
        ]
    )
