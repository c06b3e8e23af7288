"""The warm worker, from outside: a real server, a real `prefect worker start`, flows that behave badly."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prefect.states import Cancelling

from deployments.sandbox.processes import free_port
from tests.support.prefect_server import PrefectServer, running_server
from tests.support.worker import PROBES, Stand, new_stand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""What a shell does to a command that ends in `&`."""


@pytest.fixture(scope="module")
def stand(server: PrefectServer) -> Iterator[Stand]:
    """A pool with one warm worker that takes four runs at once."""
    stand = asyncio.run(new_stand(server))
    with stand.worker(limit=4):
        yield stand


async def test_takes_a_run_up_when_it_is_announced(stand: Stand) -> None:
    """A run starts long before the next poll, which is a minute away."""
    run = await stand.start("quick")
    await stand.until(run, "Completed")  # the worker may still have been starting, and polls when it has
    await stand.until(await stand.start("quick"), "Completed", seconds=10)


async def test_starts_a_future_run_when_it_is_due(stand: Stand) -> None:
    """A run that is due in some seconds starts then, not at the next poll and not before."""
    due = datetime.now(UTC) + timedelta(seconds=4)
    run = await stand.until(await stand.start("quick", due), "Completed", seconds=20)
    assert run.start_time is not None
    assert run.start_time >= due


async def test_later_runs_of_a_queue_that_goes_first_hide_none_that_is_due(server: PrefectServer) -> None:
    """The server names runs by their queue's priority, and only then by their time."""
    stand = await new_stand(server)
    await stand.create_queue("first", 1)
    await stand.create_queue("second", 2)
    with stand.worker(limit=2):
        first, second = [
            await stand.deploy("quick", queue, entrypoint=f"{PROBES}.quick") for queue in ("first", "second")
        ]
        await stand.until(await stand.run(first), "Completed")
        soon = datetime.now(UTC) + timedelta(seconds=9)
        later = [await stand.run(first, soon) for _ in range(6)]
        run = await stand.until(await stand.run(second), "Completed")
        for each in later:
            await stand.until(each, "Completed")
    assert run.end_time is not None
    assert run.end_time < soon


async def test_loads_a_flow_once(stand: Stand) -> None:
    """Two runs share the process and the module, so what a module holds lives as long as the worker."""
    first, second = await stand.start("quick"), await stand.start("quick")
    assert await stand.logged(first, "loaded") == await stand.logged(second, "loaded")


ELSEWHERE = """
from pathlib import Path
from prefect import flow
Path(__file__).with_name("imported").touch()

@flow
async def stranger():
    pass
"""


@pytest.mark.parametrize("way", ["file", "module on a path", "pull step", "variables", "no entrypoint"])
async def test_refuses_code_that_is_not_the_projects(stand: Stand, tmp_path: Path, way: str) -> None:
    """Whoever may create a deployment cannot have this process import code: the run says why, and nothing was."""
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    step = {"prefect.deployments.steps.run_shell_script": {"script": f"touch {tmp_path}/imported"}}
    cases: dict[str, dict[str, Any]] = {
        "file": {"entrypoint": f"{tmp_path}/elsewhere.py:stranger"},
        "module on a path": {"entrypoint": "elsewhere.stranger", "path": str(tmp_path)},
        "pull step": {"entrypoint": f"{PROBES}.quick", "pull_steps": [step]},
        "variables": {
            "entrypoint": f"{PROBES}.quick",
            "job_variables": {"env": {"PYTHONPATH": str(tmp_path)}},
        },
        "no entrypoint": {},
    }
    says = {"pull step": "wants its code from elsewhere", "variables": "has job variables"}
    of = cases[way]
    run = await stand.until(await stand.run(await stand.deploy("stranger", way, **of)), "Crashed")
    assert run.state is not None
    assert says.get(way, "(WORKER_FLOW_PACKAGES)") in (run.state.message or "")
    assert not (tmp_path / "imported").exists()


async def test_refuses_a_flow_that_is_not_async(stand: Stand) -> None:
    """A sync flow would need a thread that cannot be interrupted: it belongs on a process work pool."""
    run = await stand.until(await stand.start("synchronous"), "Crashed")
    assert run.state is not None
    assert "no async flow: run it on a process work pool" in (run.state.message or "")


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("ValueError", "Failed"),
        ("SystemExit", "Crashed"),
        ("KeyboardInterrupt", "Crashed"),
        ("Unforeseen", "Crashed"),
        ("child", "Crashed"),
    ],
)
async def test_survives_what_a_flow_raises(stand: Stand, what: str, state: str) -> None:
    """Whatever a flow raises ends its own run, in the state that the stock worker gives it, and no other."""
    bystander = await stand.start("slow", seconds=3)
    await stand.until(bystander, "Running")
    await stand.until(await stand.start("raises", what=what), state)
    await stand.until(bystander, "Completed")


async def test_cancels_a_run(stand: Stand, tmp_path: Path) -> None:
    """A run that is cancelled in the UI is interrupted, runs its hooks once, and ends Cancelled."""
    witness = tmp_path / "witness"
    run = await stand.start("slow", witness=str(witness))
    await stand.until(run, "Running")
    async with stand.client() as client:
        await client.set_flow_run_state(run, Cancelling())
    await stand.until(run, "Cancelled")
    assert witness.read_text() == str(run)


async def test_times_a_flow_out(stand: Stand) -> None:
    """A flow that takes longer than its time-out ends TimedOut."""
    await stand.until(await stand.start("late"), "TimedOut")


async def test_keeps_contexts_apart(stand: Stand) -> None:
    """Runs that execute at the same time see neither each other's context variables nor run ids."""
    runs = [await stand.start("alone", mark=str(number)) for number in range(4)]
    for run in runs:
        await stand.until(run, "Completed")


async def test_keeps_to_its_limit_and_uses_it(stand: Stand) -> None:
    """Never more runs at once than --limit says, and a free place is taken at once."""
    runs = await asyncio.gather(*(stand.start("slow", seconds=4) for _ in range(6)))
    done = [await stand.until(run, "Completed") for run in runs]
    spans = [(run.start_time, run.end_time) for run in done if run.start_time and run.end_time]
    together = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
    assert max(together) <= 4
    assert max(together) > 1


@pytest.mark.parametrize(
    ("type_", "seconds"),
    [
        ("interactions", 0),
        ("process", 8),  # a stock worker that meets a run whose old process is still ending stops for good
    ],
)
async def test_a_flow_may_put_itself_back(server: PrefectServer, type_: str, seconds: float) -> None:
    """A flow that sets AwaitingRetry and raises Abort runs again, on both kinds of pool."""
    stand = await new_stand(server, type_)
    polls: dict[str, Any] = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_PREFETCH_SECONDS": "0"}
    with stand.worker(**polls):
        run = await stand.start("postpones", seconds=seconds)
        done = await stand.until(run, "Completed")
    names = [name for name in await stand.history(run) if name not in {"Submitting", "Late"}]
    assert names == ["Scheduled", "Pending", "Running", "AwaitingRetry", "Pending", "Running", "Completed"]
    assert done.run_count == 2


@pytest.mark.long
async def test_outlives_an_outage_of_the_server(tmp_path: Path) -> None:
    """A worker whose server is away for longer than it usually bears works when it is back, and cancels runs."""
    often: dict[str, Any] = {"PREFECT_WORKER_QUERY_SECONDS": "0.5"}
    port = free_port()
    with ExitStack() as until_the_end:
        with running_server(tmp_path, port) as server:
            stand = await new_stand(server)
            worker = until_the_end.enter_context(stand.worker(**often, PREFECT_CLIENT_MAX_RETRIES="0"))
            await stand.until(await stand.start("quick"), "Completed")
            in_hand = await stand.start("slow", seconds=600)
            await stand.until(in_hand, "Running")
        await asyncio.sleep(45)  # twelve failures, at growing intervals, are the end of Prefect's own
        assert worker.poll() is None
        with running_server(tmp_path, port):
            await stand.until(await stand.start("quick"), "Completed", seconds=30)
            run = await stand.start("slow", seconds=600)
            await stand.until(run, "Running")
            for each in (in_hand, run):
                async with stand.client() as client:
                    await client.set_flow_run_state(each, Cancelling())
                await stand.until(each, "Cancelled")


async def test_drains_when_it_is_told_to_stop(server: PrefectServer) -> None:
    """SIGTERM: nothing more is taken up, what ends in time ends, what does not is scheduled again.

    In the background of a script, where interrupts are ignored; Prefect's command makes them of SIGTERM.
    """
    stand = await new_stand(server)
    with stand.worker(limit=2, within=IN_BACKGROUND, WORKER_DRAIN_SECONDS="5") as worker:
        ends, lasts = await stand.start("slow", seconds=3), await stand.start("slow", seconds=600)
        for run in (ends, lasts):
            await stand.until(run, "Running")
        waits = await stand.start("quick")
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 40) == 0
    assert (await stand.read(ends)).state_name == "Completed"
    assert (await stand.read(lasts)).state_name == "AwaitingRetry"
    assert (await stand.read(waits)).state_name in {"Scheduled", "Late"}
    with stand.worker():
        await stand.until(waits, "Completed")
        await stand.until(lasts, "Running")
