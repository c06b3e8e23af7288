"""Which workers count as gone: their heartbeats ceased while one's own went on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from prefect.client.schemas.objects import Worker
from prefect.states import Running

from deployments.worker.owner import Owner
from deployments.worker.silences import Silences

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def listed(**heartbeats: float) -> list[Worker]:
    """Return workers whose last heartbeats came so many seconds after the beginning."""
    return [
        Worker(
            name=name,
            created=BEGAN,
            updated=BEGAN,
            work_pool_id=uuid4(),
            last_heartbeat_time=BEGAN + timedelta(seconds=seconds),
        )
        for name, seconds in heartbeats.items()
    ]


def test_a_worker_is_gone_whose_heartbeats_cease() -> None:
    """Three of one's own heartbeats without one of another: it is gone; with one it is back."""
    silences = Silences("own", 3)
    for second in range(3):
        assert silences.note(listed(own=second, other=0, well=second)) == BEGAN + timedelta(seconds=second)
        assert silences.gone == frozenset()
    silences.note(listed(own=3, other=0, well=3))
    assert silences.gone == {"other"}
    assert not silences.is_gone("well")
    silences.note(listed(own=4, other=4, well=4))
    assert silences.gone == frozenset()


def test_no_silence_grows_while_the_server_hears_nobody() -> None:
    """However often it is asked: what a server does not note of oneself it may not note of others either."""
    silences = Silences("own", 3)
    for _ in range(50):
        silences.note(listed(own=0, other=0))
    assert silences.note([]) is None
    silences.note(listed(own=600, other=0))
    assert not silences.is_gone("other")


def test_a_worker_that_is_not_listed_is_gone_after_as_long() -> None:
    """Its record was deleted, or it is too old to be listed; one that is new may not be listed yet."""
    silences = Silences("own", 3)
    for second in range(3):
        assert not silences.is_gone("deleted")
        silences.note(listed(own=second))
    assert silences.is_gone("deleted")


def test_a_state_names_its_worker() -> None:
    """Whatever characters the worker's name has; any other message names none."""
    owner = Owner.new("InteractionsWorker (a)\n (01234567)")
    assert Owner.of(Running(message=owner.message)) == owner
    assert Owner.of(Running(message="In hand")) is None
    assert Owner.of(Running()) is None
    assert Owner.of(None) is None
    assert Owner.new("a") != Owner.new("a")
