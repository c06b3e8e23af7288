"""The flows by name, and the seconds that a run of each may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tasks.errors import DependencyUnavailable
from tasks.settings import TaskPolicy

PROCESS = "process-interactions"
REPLAY = "replay-interactions"
RECONCILE = "reconcile-interactions"
ERASE = "erase-interactions"
REFRESH = "refresh-directory"
PUBLISH = "publish-interactions"
FLOWS = (PROCESS, REPLAY, RECONCILE, ERASE, REFRESH, PUBLISH)

_TIMEOUT_FRACTION = 0.9  # of a time-out, after which a run is rescheduled rather than taken for abandoned


def run_timeout(flow: str, policy: TaskPolicy) -> float:
    """Return the seconds that a run of a flow may take; an erasure by contact reads the whole table."""
    timeouts = {PROCESS: policy.flow_timeout, ERASE: 4 * policy.flow_timeout}
    return timeouts.get(flow, policy.background_timeout)


def longest_run(policy: TaskPolicy) -> float:
    """Return the seconds that a run of any flow may take."""
    return max(run_timeout(flow, policy) for flow in FLOWS)


@asynccontextmanager
async def rescheduled_after(seconds: float) -> AsyncIterator[None]:
    """Raise DependencyUnavailable when nine tenths of a time-out have passed; what is saved stays saved."""
    try:
        async with asyncio.timeout(seconds * _TIMEOUT_FRACTION):
            yield
    except TimeoutError:
        raise DependencyUnavailable("the batch was not done in time; what was saved stays saved") from None
