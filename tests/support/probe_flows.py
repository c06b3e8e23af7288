"""Flows that behave in every way a worker must bear; deployed by the worker's tests, never by the product."""

from __future__ import annotations

import asyncio
import os
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, get_client, get_run_logger, runtime, task
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.states import AwaitingRetry

LOADED = time.time_ns()
MARK: ContextVar[str] = ContextVar("MARK", default="")


@task
async def step() -> int:
    """Do as little as a task can."""
    return 1


@flow
async def quick() -> None:
    """Run one task, and say in the log which load of this module ran it."""
    await step()
    get_run_logger().info("loaded %s in %s", LOADED, os.getpid())


@flow
def synchronous() -> None:
    """Be a flow that is no coroutine."""


def note_cancelled(flow: Any, flow_run: Any, state: Any) -> None:
    """Leave a file that proves the hook ran."""
    del flow, state
    with open(flow_run.parameters["witness"], "a", encoding="utf-8") as witness:  # noqa: PTH123
        witness.write(str(flow_run.id))


@flow(on_cancellation=[note_cancelled])
async def slow(seconds: float = 600, witness: str = os.devnull) -> None:
    """Wait, as for an answer."""
    get_run_logger().info("waiting, and leaving notes in %s", witness)
    await asyncio.sleep(seconds)


@flow
async def blocks(seconds: float) -> None:
    """Block the event loop, as a sync call in an async flow does."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point


@flow(timeout_seconds=1)
async def late() -> None:
    """Take longer than it may."""
    await asyncio.sleep(600)


class Unforeseen(BaseException):
    """Something that is no Exception."""


@flow
async def raises(what: str) -> None:
    """Raise what a flow should not."""
    if what == "child":
        await asyncio.gather(_exit())
    raise {
        "SystemExit": SystemExit(3),
        "KeyboardInterrupt": KeyboardInterrupt(),
        "Unforeseen": Unforeseen(),
    }.get(what, ValueError(what))


async def _exit() -> None:
    raise SystemExit(4)


@flow
async def alone(mark: str) -> None:
    """Fail when another run's context is seen."""
    assert MARK.get() == ""
    MARK.set(mark)
    me = runtime.flow_run.id
    await asyncio.sleep(1)
    assert (MARK.get(), runtime.flow_run.id) == (mark, me)


@flow
async def postpones(seconds: float) -> None:
    """Put itself back the first time, and complete the second time."""
    async with get_client() as client:
        states = await client.read_flow_run_states(runtime.flow_run.id)
        if not any(state.name == "AwaitingRetry" for state in states):
            due: State[Any] = AwaitingRetry(scheduled_time=datetime.now(UTC) + timedelta(seconds=seconds))
            await client.set_flow_run_state(runtime.flow_run.id, due, force=True)
            raise Abort("later")


@flow
async def stranger(seconds: float = 600) -> None:
    """Be a flow that no automation of ours knows."""
    await asyncio.sleep(seconds)
