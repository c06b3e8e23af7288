"""What `replay` and `reconcile` have in common: start, follow, print, exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deployments.prefect_server import server_client
from deployments.starting.follow import follow, print_runs, with_progress
from deployments.starting.start import start


async def start_and_follow(
    deployment: str, parameters: Sequence[dict[str, Any]], *, wait: bool, as_json: bool
) -> int:
    """Start the runs, follow them unless not to be waited for; return the exit code. Raises CommandError."""
    async with server_client() as client:
        runs = await start(client, deployment, parameters)
        if wait:
            runs = await with_progress(lambda report: follow(client, runs, report), deployment)
    return print_runs(runs, as_json=as_json)
