"""What the server announces about the flow runs of a work pool, so that nobody waits for the next poll."""

from __future__ import annotations

import asyncio
from uuid import UUID

from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.logging import get_logger

from deployments.worker.compat import get_events_subscriber
from flows.runs.losses import LOSSES

_CANCELLING = "prefect.flow-run.Cancelling"
# The states after which there may be something to take up: a run that is due, or a slot that came free.
_WORK = [
    f"prefect.flow-run.{name}"
    for name in (
        *("Scheduled", "AwaitingRetry", "AwaitingConcurrencySlot", "Late", "Resuming"),
        *sorted(LOSSES),
        *("Completed", "Failed", "Crashed", "Cancelled", "TimedOut"),
    )
]
_RECONNECT_SECONDS = 5.0
_log = get_logger("worker.interactions")


async def listen(work_pool_id: UUID, work: asyncio.Event, cancelling: asyncio.Event) -> None:
    """Set `work` and `cancelling` when the server announces either; both when a connection is made. Never returns."""
    wanted = EventFilter(
        event=EventNameFilter(name=[*_WORK, _CANCELLING]),
        any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{work_pool_id}"]),
    )
    connected = True
    while True:
        try:
            async with get_events_subscriber(filter=wanted, reconnection_attempts=0) as announcements:
                connected = True
                work.set()
                cancelling.set()
                async for event in announcements:
                    (cancelling if event.event == _CANCELLING else work).set()
        except Exception as error:  # noqa: BLE001 - without announcements the worker polls
            if connected:
                _log.warning("No announcements of flow runs, polling only: %s", type(error).__name__)
        connected = False
        await asyncio.sleep(_RECONNECT_SECONDS)
