"""Heartbeats of all flow runs in hand: the server's automations take a silent run for lost and run it again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from deployments.worker.compat import emit_event

if TYPE_CHECKING:
    from deployments.worker.execution import FlowRunExecution


class HeartbeatNotSent(RuntimeError):
    """Prefect did not accept a heartbeat: healthy runs would count as lost, so the worker must not go on."""


async def send_heartbeats(seconds: float, executions: Collection[FlowRunExecution]) -> None:
    """Send a heartbeat every `seconds` for each execution that is running, for ever. Raises HeartbeatNotSent.

    A run's first heartbeat comes one interval after its beginning: short runs need none.
    """
    while True:
        await asyncio.sleep(seconds / 10)
        for execution in tuple(executions):
            now = time.monotonic()
            if execution.is_running and now - execution.last_heartbeat >= seconds:
                execution.last_heartbeat = now
                _send(execution)


def _send(execution: FlowRunExecution) -> None:
    run = execution.flow_run
    sent = emit_event(
        event="prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name},
        related=[
            _related("flow", f"prefect.flow.{run.flow_id}") | {"prefect.resource.name": execution.flow_name},
            _related("deployment", f"prefect.deployment.{run.deployment_id}"),
            *(_related("tag", f"prefect.tag.{tag}") for tag in run.tags),
        ],
    )
    if sent is None:  # an error is logged by Prefect and not raised
        raise HeartbeatNotSent(f"no heartbeat could be sent for flow run {run.id}")


def _related(role: str, resource_id: str) -> dict[str, str]:
    return {"prefect.resource.role": role, "prefect.resource.id": resource_id}
