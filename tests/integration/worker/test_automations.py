"""The automations: recovery of the stock pool's runs on a real server, in scaled times, and notifications."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.objects import State, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed, Pending, Running

from deployments.automations import apply_automations, notifier_id
from deployments.recovery import RecoveryDelays
from deployments.resources import AppliedResource
from flows.reports.events import OUTCOMES_FAILED
from flows.runs.losses import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.runs.recovery import count_losses, state_before_loss
from tests.support.prefect_server import PrefectServer, running_server
from tests.support.worker import Stand, eventually, new_stand

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWS = ("slow", "quick", "raises")
POLLS: dict[str, Any] = {"PREFECT_WORKER_QUERY_SECONDS": "2", "PREFECT_WORKER_PREFETCH_SECONDS": "0"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server of its own, which looks for silent runs every second, with the automations applied."""
    home = tmp_path_factory.mktemp("prefect")
    with running_server(home, settings={"PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S"}) as server:
        changes = asyncio.run(_apply(server))
        assert {change.result for change in changes} == {"created"}
        yield server


async def _apply(
    server: PrefectServer, lost_after: float = 0, notification_block: str | None = None
) -> list[AppliedResource]:
    delays = RecoveryDelays(lost_after=lost_after, stuck_after=0, crashed_after=0)  # 10 s is Prefect's least
    stand = Stand(server, "")
    async with stand.client() as client:
        notifier = notification_block and await notifier_id(client, notification_block)
        return await apply_automations(client, delays, notifier or None, flows=FLOWS)


async def test_applying_twice_changes_nothing(server: PrefectServer) -> None:
    """The second time everything is unchanged; what differs is updated, under the same id, and back."""
    assert {change.result for change in await _apply(server)} == {"unchanged"}
    changes = await _apply(server, lost_after=90)
    assert [change.result for change in changes] == ["updated", "unchanged", "unchanged"]
    assert [change.result for change in await _apply(server)] == ["updated", "unchanged", "unchanged"]


async def test_a_run_that_falls_silent_is_completed_by_the_next_worker(server: PrefectServer) -> None:
    """A run of which no heartbeat comes was lost; one of a flow that is not ours stays as it is."""
    stand = await new_stand(server, "process")
    silent, strange = await stand.start("quick"), await stand.start("stranger")
    async with stand.client() as client:
        for run in (silent, strange):
            await client.set_flow_run_state(run, Running(), force=True)

    async def lost() -> bool:
        return WORKER_LOST in await stand.history(silent)

    await eventually(lost)
    with stand.worker(**POLLS):
        await stand.until(silent, "Completed")
    assert (await stand.read(strange)).state_name == "Running"


async def test_a_run_stuck_in_pending_is_scheduled_again(server: PrefectServer) -> None:
    """A run that a worker claimed and never began is taken up by the next worker; so is a crashed one."""
    stand = await new_stand(server, "process")
    stuck, crashed = await stand.start("quick"), await stand.start("quick")
    async with stand.client() as client:
        await client.set_flow_run_state(stuck, Pending())
        await client.set_flow_run_state(crashed, Crashed(), force=True)

    async def scheduled_again() -> bool:
        return STUCK_PENDING in await stand.history(stuck) and RUN_CRASHED in await stand.history(crashed)

    await eventually(scheduled_again)
    with stand.worker(**POLLS):
        for run in (stuck, crashed):
            await stand.until(run, "Completed")


async def test_the_warm_pool_has_no_automation_of_recovery(server: PrefectServer) -> None:
    """Its workers do that: what an earlier version or the stock pool needed is deleted, once."""
    async with Stand(server, "").client() as client:
        deleted = await apply_automations(client, None, flows=FLOWS)
        assert [change.result for change in deleted] == ["deleted"] * 3
        assert await apply_automations(client, None, flows=FLOWS) == []
    assert {change.result for change in await _apply(server)} == {"created"}


async def test_someone_is_told_when_a_block_is_named(server: PrefectServer) -> None:
    """With a notification block, an event of failed outcomes reaches it; applying again changes nothing."""
    heard: list[str] = []
    with _listener(heard) as url, temporary_settings({PREFECT_API_URL: server.api_url}):
        block = CustomWebhookNotificationBlock(name="operations", url=url, json_data={"text": "{{subject}}"})
        await block.save("operations")
        for done in ("created", "unchanged"):
            changes = await _apply(server, notification_block="custom-webhook/operations")
            assert {change.result for change in changes if "notify" in change.name} == {done}
        async with Stand(server, "").client() as client:

            async def told() -> bool:
                await client.request("POST", "/events", json=[_failed_event()])
                return bool(heard)

            await eventually(told)
    assert "failed outcomes" in heard[0]


def _failed_event() -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": OUTCOMES_FAILED,
        "resource": {"prefect.resource.id": "interactions.outcomes"},
        "payload": {"failed": 2},
    }


@contextmanager
def _listener(heard: list[str]) -> Iterator[str]:
    """Listen where a webhook would, and keep what is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()


def test_losses_are_counted_from_the_state_before_loss() -> None:
    """A person's Retry gives a run its full number of tries again; a crash is no ending."""
    names = [
        *(RUNNING, LOST, FAILED),
        *(RUNNING, LOST, ("Crashed", StateType.CRASHED)),
        *((STUCK_PENDING, StateType.SCHEDULED), ("AwaitingRetry", StateType.SCHEDULED)),
    ]
    states = states_of(*names)
    assert count_losses(states[:2]) == 1
    assert count_losses(states[:3]) == 0
    assert count_losses(reversed(states)) == 2


RUNNING, LOST = ("Running", StateType.RUNNING), (WORKER_LOST, StateType.SCHEDULED)
PENDING, FAILED = ("Pending", StateType.PENDING), ("Failed", StateType.FAILED)


def states_of(*names: tuple[str, StateType]) -> list[State]:
    """A run's states, one after the other."""
    return [State(id=uuid4(), type=type_, name=name) for name, type_ in names]


@pytest.mark.parametrize(
    ("names", "losses"),
    [
        ([RUNNING, LOST, LOST, LOST, LOST, LOST], 1),
        ([RUNNING, LOST, PENDING, LOST, LOST], 1),
        ([RUNNING, LOST, PENDING, RUNNING, LOST], 2),
        ([PENDING, (STUCK_PENDING, StateType.SCHEDULED), (STUCK_PENDING, StateType.SCHEDULED)], 1),
    ],
)
def test_a_silence_that_is_noticed_again_is_one_loss(names: list[tuple[str, StateType]], losses: int) -> None:
    """A server that is behind with its events reports one dead worker many times: no reason for quarantine."""
    assert count_losses(states_of(*names)) == losses


def test_an_ending_is_found_behind_a_loss_that_was_noticed_twice() -> None:
    """The run had ended, and is not executed again; once it was scheduled since, it is."""
    ended = state_before_loss(states_of(RUNNING, FAILED, LOST, LOST, PENDING, RUNNING))
    assert ended is not None
    assert ended.name == "Failed"
    again = ("AwaitingRetry", StateType.SCHEDULED)
    assert state_before_loss(states_of(RUNNING, FAILED, LOST, LOST, again, RUNNING)) is None
    assert state_before_loss(states_of(RUNNING, LOST, PENDING)) is None
    assert state_before_loss(states_of(PENDING, RUNNING, FAILED)) is None
