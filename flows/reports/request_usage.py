"""How much of the request limit is used: the artifact `genesys-requests`, published by the runs."""

from __future__ import annotations

import time

from prefect.artifacts import acreate_markdown_artifact

from tasks.concurrency import GENESYS_REQUESTS, GENESYS_REQUESTS_BACKGROUND
from tasks.genesys import Usage
from tasks.services import get_services, in_thread

PUBLISH_INTERVAL = 30.0  # seconds between two publications of one worker: each costs a read and an API call
_published: list[float] = []


async def publish_request_usage() -> None:
    """Publish how much of the request limit is used, unless this process did so within PUBLISH_INTERVAL seconds."""
    if _published and time.monotonic() - _published[0] < PUBLISH_INTERVAL:
        return
    _published[:] = [time.monotonic()]
    services = get_services()
    usage = await in_thread(services.fetch_pool, services.rate_limiters["background"].usage)
    await acreate_markdown_artifact(
        table(usage), key=GENESYS_REQUESTS, description=f"{usage.used} of {usage.limit} requests used"
    )


def table(usage: Usage) -> str:
    """Return the usage as a Markdown table, with where to change the limits."""
    return "\n".join(
        [
            f"Requests to Genesys Cloud, by all workers together, in the last {usage.seconds:.0f} s:",
            "",
            "| | used | allowed |",
            "|---|---|---|",
            f"| all | {usage.used} | {usage.limit} |",
            f"| replay and reconcile | {usage.background_used} | {usage.background_limit} |",
            "",
            f"Allowed is the lesser of the limit `{GENESYS_REQUESTS}` (see Concurrency in this UI; for replay and",
            f"reconcile `{GENESYS_REQUESTS_BACKGROUND}`) and of what Genesys's own headers say.",
        ]
    )
