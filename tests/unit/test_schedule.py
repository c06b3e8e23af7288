"""Later runs: what they are called, and the key under which Prefect makes each only once."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.runs.current_run import batch_name
from flows.runs.schedule import create_deferred_run, idempotency_key
from tasks.events import InteractionEvent, parse
from tasks.pipeline.work import InteractionWork
from tasks.stores import Deferral

ONE, TWO = (f"{number:08d}-1111-4222-8333-444455556666" for number in (1, 2))
DUE = Deferral(datetime(2026, 1, 15, 10, tzinfo=UTC), 2)
DEPLOYMENT = uuid.UUID(int=1, version=4)


@dataclass
class Run:
    """A run as the server answers with it."""

    id: uuid.UUID
    state: State[Any]


@dataclass
class Server:
    """A Prefect server as far as runs go: one run for each key; the first few have ended already."""

    endings: list[StateType] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def create_flow_run_from_deployment(self, deployment_id: uuid.UUID, **given: Any) -> Run:
        """Return the run of a key; a new one unless there is one."""
        self.asked.append(given | {"deployment_id": deployment_id})
        key = given["idempotency_key"]
        if key not in self.runs:
            ending = self.endings[len(self.runs)] if len(self.runs) < len(self.endings) else None
            state: State[Any] = State(type=ending) if ending else given["state"]
            self.runs[key] = Run(uuid.uuid4(), state)
        return self.runs[key]


def works(*interaction_ids: str) -> list[InteractionWork]:
    """One event each."""
    return [
        InteractionWork(
            id_,
            [
                InteractionEvent(
                    interaction_id=id_,
                    event_id=id_,
                    event_type="conversation.end",
                    source="com.genesyscloud.platform",
                    detail_type="conversation.end",
                    media_type="voice",
                )
            ],
        )
        for id_ in interaction_ids
    ]


async def create(
    server: Server, *interaction_ids: str, deferral: Deferral = DUE, queue: str | None = None
) -> None:
    """Create a later run on a server."""
    client: Any = server
    await create_deferred_run(client, DEPLOYMENT, works(*interaction_ids), deferral, queue)


@pytest.mark.parametrize(
    ("ids", "attempt", "expected"),
    [
        ([ONE], 1, ONE),
        ([ONE], 3, f"{ONE}, attempt 3"),
        ([ONE, TWO], 1, "2 interactions"),
        ([ONE] * 500, 2, "500 interactions, attempt 2"),
    ],
)
def test_a_runs_name(ids: list[str], attempt: int, expected: str) -> None:
    """The interaction when there is one, otherwise how many; from the second attempt on, which."""
    assert batch_name(ids, attempt) == expected


def test_the_key_is_ids_attempt_and_time() -> None:
    """The same three make the same key, in whatever time zone the time is written; any other is another run."""
    eastern = datetime.fromisoformat("2026-01-15T05:00:00-05:00")
    assert idempotency_key([ONE, TWO], DUE) == idempotency_key([ONE, TWO], Deferral(eastern, 2))
    later = Deferral(DUE.due_at + timedelta(seconds=1), 2)
    others = [
        idempotency_key([ONE], DUE),
        idempotency_key([ONE, TWO], Deferral(DUE.due_at, 3)),
        idempotency_key([ONE, TWO], later),
    ]
    assert len({idempotency_key([ONE, TWO], DUE), *others}) == 4


async def test_a_later_run_says_what_it_is() -> None:
    """Scheduled for the due time, named and tagged after the attempt, on the queue of the run that made it."""
    server = Server()
    await create(server, ONE, queue="replay")
    (asked,) = server.asked
    assert asked["state"].state_details.scheduled_time == DUE.due_at
    assert (asked["name"], asked["tags"]) == (f"{ONE}, attempt 2", ["deferred", "attempt-2"])
    assert (asked["deployment_id"], asked["work_queue_name"]) == (DEPLOYMENT, "replay")
    assert asked["parameters"]["attempt"] == 2


async def test_the_event_travels_as_it_came() -> None:
    """The later run reads the same event: its id, kind and media; ASCII text only."""
    server = Server()
    await create(server, ONE, TWO)
    texts = server.asked[0]["parameters"]["events"]
    assert [parse(text) for text in texts] == [list(work.events) for work in works(ONE, TWO)]
    assert json.dumps(texts).isascii()


async def test_making_it_twice_makes_one_run() -> None:
    """A run that is executed again finds the later run that it made the first time."""
    server = Server()
    await create(server, ONE)
    await create(server, ONE)
    assert len(server.runs) == 1


@pytest.mark.parametrize(
    "ending", [StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED]
)
async def test_a_run_that_has_ended_is_no_acceptance(ending: StateType) -> None:
    """Nobody would ask again: another run is made under a key that follows from the first."""
    server = Server([ending, ending])
    await create(server, ONE)
    await create(server, ONE)
    assert len(server.runs) == 3
    assert [run.state.type for run in server.runs.values()] == [ending, ending, StateType.SCHEDULED]


async def test_a_chain_of_ended_runs_has_an_end() -> None:
    """Ten ended runs in a row are somebody's loop: it is given up, and reconcile finds the interaction."""
    server = Server([StateType.CANCELLED] * 50)
    with pytest.raises(RuntimeError, match="ten finished runs"):
        await create(server, ONE)
    assert len(server.asked) == 10
