"""Lost runs of the warm pool are found by its workers: a real server without automations, SIGKILLs, scaled times."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prefect.states import Pending, Running

from flows.runs.losses import LOSSES, RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.runs.recovery import count_losses
from tests.support.prefect_server import PrefectServer
from tests.support.worker import Stand, eventually, new_stand

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.client.schemas.objects import State


async def losses(stand: Stand, run: UUID) -> list[str]:
    """Return the names under which the run was scheduled again."""
    return [name for name in await stand.history(run) if name in LOSSES]


async def force(stand: Stand, run: UUID, state: Any) -> None:
    """Set a run's state as a person or a restored database would, without a worker."""
    async with stand.client() as client:
        await client.set_flow_run_state(run, state, force=True)


async def limit_queue(stand: Stand, limit: int) -> None:
    """Let only so many runs of the pool's queue be in hand."""
    async with stand.client() as client:
        queue = await client.read_work_queue_by_name("default", work_pool_name=stand.pool)
        await client.update_work_queue(queue.id, concurrency_limit=limit)


async def test_runs_of_a_killed_worker_are_completed_by_the_next(server: PrefectServer) -> None:
    """Killed with a queue's every slot in hand, and no hand to help: the next worker completes the runs."""
    stand = await new_stand(server)
    await limit_queue(stand, 2)
    with stand.worker(limit=2) as worker:
        runs = [await stand.start("slow", seconds=6) for _ in range(2)]
        for run in runs:
            await stand.until(run, "Running")
        worker.kill()
    with stand.worker(limit=2):
        for run in runs:
            await stand.until(run, "Completed")
    for run in runs:
        assert count_losses(each for each in await stand.states(run) if each.name != "Completed") == 1
        assert count_losses(await stand.states(run)) == 0, "it ended by itself since"


async def test_a_worker_that_is_started_again_under_its_name_takes_its_runs_up_at_once(
    server: PrefectServer,
) -> None:
    """Its predecessor of the same name cannot be there any more: no silence is waited for."""
    stand = await new_stand(server)
    with stand.worker(options=("--name", "the-only-one")) as worker:
        run = await stand.start("slow", seconds=6)
        await stand.until(run, "Running")
        worker.kill()
    with stand.worker(options=("--name", "the-only-one"), WORKER_LOST_SECONDS="3600"):
        await stand.until(run, "Completed")
    assert await losses(stand, run) == [WORKER_LOST]


async def test_a_run_in_hand_is_left_alone_however_long_it_lasts(server: PrefectServer) -> None:
    """Of two live workers none takes the other's run, nor one that a person keeps Running."""
    stand = await new_stand(server)
    kept = await stand.start("quick", datetime.now(UTC) + timedelta(hours=1))
    await force(stand, kept, Running())
    with stand.worker(), stand.worker():
        run = await stand.start("slow", seconds=16)
        blocking = await stand.start("blocks", seconds=10)
        for each in (run, blocking):
            assert (await stand.until(each, "Completed")).run_count == 1
    assert await losses(stand, run) == []
    assert (await stand.read(kept)).state_name == "Running"


async def test_a_worker_that_drains_keeps_its_runs(server: PrefectServer) -> None:
    """After SIGTERM a worker that lets its runs end is not gone, though it takes none up."""
    stand = await new_stand(server)
    with stand.worker(WORKER_DRAIN_SECONDS="60") as worker:
        run = await stand.start("slow", seconds=16)
        await stand.until(run, "Running")
        with stand.worker():
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait, 120) == 0
    assert (await stand.read(run)).state_name == "Completed"
    assert (await stand.read(run)).run_count == 1
    assert await losses(stand, run) == []


@pytest.mark.parametrize(("state", "loss"), [(Running, WORKER_LOST), (Pending, STUCK_PENDING)])
async def test_a_run_that_its_worker_does_not_know_is_scheduled_again(
    server: PrefectServer, state: Callable[..., State], loss: str
) -> None:
    """The server is back from an older state: it believes that a live worker has a run that it has not."""
    stand = await new_stand(server)
    with stand.worker(WORKER_STUCK_SECONDS="6"):
        known = await stand.start("slow", seconds=60)
        message = (await stand.until(known, "Running")).state.message  # type: ignore[union-attr]
        forgotten = await stand.start("quick", datetime.now(UTC) + timedelta(hours=1))
        await force(stand, forgotten, state(message=message))
        await stand.until(forgotten, "Completed")
        assert (await stand.read(known)).state_name == "Running"
    assert await losses(stand, forgotten) == [loss]


async def test_a_run_that_crashed_is_scheduled_again(server: PrefectServer) -> None:
    """A run whose process ended without a result is tried again after WORKER_CRASHED_SECONDS."""
    stand = await new_stand(server)
    with stand.worker(WORKER_STUCK_SECONDS="6", WORKER_CRASHED_SECONDS="2"):
        crashes = await stand.start("raises", what="SystemExit")

        async def taken_up_again() -> bool:
            names = await stand.history(crashes)
            return RUN_CRASHED in names and "Running" in names[names.index(RUN_CRASHED) :]

        await eventually(taken_up_again, 120)


async def test_takes_up_what_was_claimed_and_never_begun(server: PrefectServer) -> None:
    """Of a run that no worker says it has, Pending is believed for WORKER_STUCK_SECONDS; two workers count one loss."""
    stand = await new_stand(server)
    stuck = [await stand.start("quick") for _ in range(3)]
    for run in stuck:
        await force(stand, run, Pending())
    with stand.worker(WORKER_STUCK_SECONDS="3"), stand.worker(WORKER_STUCK_SECONDS="3"):
        for run in stuck:
            await stand.until(run, "Completed")
    for run in stuck:
        states = [state for state in await stand.states(run) if not state.is_completed()]
        assert STUCK_PENDING in {state.name for state in states}
        assert count_losses(states) == 1


async def test_leaves_alone_what_is_claimed_for_a_moment_or_for_another_pool(server: PrefectServer) -> None:
    """A run that is Pending for less than WORKER_STUCK_SECONDS stays so, and so does one of another pool."""
    stand, elsewhere = await new_stand(server), await new_stand(server)
    other = await elsewhere.start("quick")
    await force(elsewhere, other, Pending())
    with stand.worker(WORKER_STUCK_SECONDS="6"):
        stuck = await stand.start("quick", datetime.now(UTC) + timedelta(hours=1))
        await force(stand, stuck, Pending())
        began = (await stand.read(stuck)).state
        done = await stand.until(stuck, "Completed")
    assert began is not None
    assert done.start_time is not None
    assert done.start_time - began.timestamp >= timedelta(
        seconds=4
    )  # by heartbeats, which are a second apart
    assert (await stand.read(other)).state_name == "Pending"
