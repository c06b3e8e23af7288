"""How tasks retry: back-off 2 with jitter, only what can pass, and not at all slowly under test.

The counts and first delays mirror the states of the tutorial: validate 3 from 2 s, process 3 from 5 s, save 5
from 2 s.
"""

from __future__ import annotations

from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import MissingResult

from tasks.errors import TransientError
from tasks.settings import task_policy


class Policy(TypedDict):
    """The keyword arguments of `@task` that all our tasks share."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float | None
    retry_condition_fn: Any
    timeout_seconds: float
    cache_policy: Any
    persist_result: bool


def policy(retries: int, first_delay: float, timeout: float | None = None) -> Policy:
    """Retries with doubling delays from `first_delay` seconds, times the setting RETRY_SCALE.

    `timeout` is in seconds, TASK_TIMEOUT without one.
    """
    settings = task_policy()
    return Policy(
        retries=retries,
        retry_delay_seconds=[first_delay * 2**n * settings.retry_scale for n in range(retries)],
        retry_jitter_factor=0.5 if settings.retry_scale else None,
        retry_condition_fn=is_transient,
        timeout_seconds=timeout or settings.task_timeout,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


async def is_transient(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again can help: transient errors and time-outs, nothing else."""
    del task, task_run
    try:
        error = await state.aresult(raise_on_failure=False)
    except MissingResult:  # a crash leaves no exception behind
        return False
    return isinstance(error, (TransientError, TimeoutError))
