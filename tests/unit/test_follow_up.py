"""The follow-up of an erasure: when it is due, and what happens when Prefect does not take it."""

from __future__ import annotations

import asyncio
import uuid
from types import SimpleNamespace

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.runs import follow_up
from flows.runs.timeouts import FLOWS, run_timeout
from tasks.errors import DependencyUnavailable
from tasks.operations.subject import Subject
from tasks.settings import TaskPolicy

NOWHERE = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}


def configure(monkeypatch: pytest.MonkeyPatch, policy: TaskPolicy, after: float | None = None) -> None:
    """Give the process these time-outs, and this ERASE_FOLLOW_UP_AFTER."""
    services = SimpleNamespace(settings=SimpleNamespace(erase_follow_up_after=after))
    monkeypatch.setattr(follow_up, "get_services", lambda: services)
    monkeypatch.setattr(follow_up, "task_policy", lambda: policy)


@pytest.mark.parametrize(
    "policy",
    [TaskPolicy(), TaskPolicy(background_timeout=60), TaskPolicy(flow_timeout=90_000)],
    ids=["defaults", "a short background", "a long flow"],
)
def test_no_run_of_before_is_left_when_it_is_due(monkeypatch: pytest.MonkeyPatch, policy: TaskPolicy) -> None:
    """It comes after the longest run of any flow, a replay of six hours included."""
    configure(monkeypatch, policy)
    assert all(follow_up.follow_up_delay() > run_timeout(flow, policy) for flow in FLOWS)


def test_a_configured_delay_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """ERASE_FOLLOW_UP_AFTER goes before the time-outs, 0 too."""
    configure(monkeypatch, TaskPolicy(), 0)
    assert follow_up.follow_up_delay() == 0


def test_a_prefect_that_does_not_answer_reschedules_the_erasure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tombstones stand already: the run goes back and goes on, instead of failing with the content still there."""
    configure(monkeypatch, TaskPolicy())
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", str(uuid.uuid4()))
    with temporary_settings(NOWHERE), pytest.raises(DependencyUnavailable, match="takes no follow-up"):
        asyncio.run(follow_up.schedule_follow_up([str(uuid.uuid4())], Subject(), "receipt"))
