"""The options of the tasks: retries, delays and time-outs, read at a task's first call and not at import.

And how often Prefect's client itself repeats a request: by default it retries for a minute.

The counts and first delays mirror the states of the tutorial: validate 3 from 2 s, process 3 from 5 s, save 5
from 2 s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import MissingResult
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings

from tasks.errors import InternalError, PipelineError, TransientError
from tasks.settings import TaskPolicy, task_policy

NO_RESULTS = Path(os.devnull)
"""The `result_storage` of flows, of which none persists its result: without one a run asks the server twice for its
default, and makes a client for each question: a small run then costs a worker 140 ms of CPU instead of 81."""

P = ParamSpec("P")
R = TypeVar("R")

Async = Callable[P, Coroutine[Any, Any, R]]


def pipeline_task(
    *, name: str, retries: int, first_delay: float, timeout: Callable[[TaskPolicy], float] | None = None
) -> Callable[[Async[P, R]], Async[P, R]]:
    """Make a Prefect task that retries transient errors and time-outs, and nothing else.

    The delays double from `first_delay` seconds, with jitter, times RETRY_SCALE. `timeout` picks the seconds that
    one try may take out of the settings; TASK_TIMEOUT without it.
    """

    def decorate(function: Async[P, R]) -> Async[P, R]:
        plain: Task[P, Coroutine[Any, Any, R]] = task(name=name)(without_values(function))

        @lru_cache(maxsize=1)
        def configured() -> Task[P, Coroutine[Any, Any, R]]:
            policy = task_policy()
            return plain.with_options(
                retries=retries,
                retry_delay_seconds=[
                    first_delay * 2**number * policy.retry_scale for number in range(retries)
                ],
                retry_jitter_factor=0.5 if policy.retry_scale else None,  # type: ignore[arg-type]  # None is "none"
                retry_condition_fn=is_transient,
                timeout_seconds=timeout(policy) if timeout else policy.task_timeout,
                cache_policy=NO_CACHE,
                persist_result=False,
            )

        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return await configured()(*args, **kwargs)

        return call

    return decorate


def without_values(function: Async[P, R]) -> Async[P, R]:
    """Let expected errors pass; raise any other as InternalError: Prefect logs its text and puts it into the state."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except (PipelineError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - any other text may quote a person
            raise InternalError.from_exception(error) from None

    return call


def whole_run(policy: TaskPolicy) -> float:
    """Return the time-out of a task that works on all chunks of a run: FLOW_TIMEOUT, in seconds."""
    return policy.flow_timeout


def background_run(policy: TaskPolicy) -> float:
    """Return the time-out of a task that may wait as long as a reconcile: BACKGROUND_TIMEOUT, in seconds."""
    return policy.background_timeout


async def is_transient(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Return whether a retry can help: after transient errors and time-outs only."""
    del task, task_run
    try:
        error = await state.aresult(raise_on_failure=False)
    except MissingResult:  # a crash leaves no exception behind
        return False
    return isinstance(error, (TransientError, TimeoutError))


@contextmanager
def limited_client_retries(times: int) -> Iterator[None]:
    """Set PREFECT_CLIENT_MAX_RETRIES to `times` inside the block; the default is 5."""
    with SettingsContext(profile=get_settings_context().profile, settings=_client_settings(times)):
        yield


@lru_cache
def _client_settings(times: int) -> Settings:
    # Cached: a copy of all settings takes 35 ms, and a worker polls several times a second.
    return get_settings_context().settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: times})
