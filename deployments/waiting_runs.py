"""Flow runs that have not ended, with the interactions in them: Prefect itself cannot search parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from flows.runs.timeouts import PROCESS, REPLAY
from infra.prefect_health import AWAITING_RETRY, LATE_AFTER
from tasks.events import interaction_ids
from tasks.values import canonical_id

HOLDING = (PROCESS, REPLAY)
"""The flows whose runs hold interactions that wait to be stored; neither has a schedule."""
UNFINISHED = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
_PAGE, _PAGES = 20, 50  # runs looked at: a page may hold 4 MB of parameters


@dataclass(frozen=True)
class WaitingRun:
    """A run that has not ended; `due` is when it should start, `since` when it first started or got its state."""

    id: UUID
    name: str
    state: str
    started: bool
    due: datetime | None
    since: datetime | None
    queue: str | None
    message: str | None
    interaction_ids: frozenset[str]

    @classmethod
    def of(cls, run: FlowRun) -> WaitingRun:
        """Return what matters of a flow run."""
        state = run.state
        return cls(
            run.id,
            run.name,
            run.state_name or "",
            state is not None and not state.is_scheduled(),
            run.next_scheduled_start_time or run.expected_start_time,
            run.start_time or (state.timestamp if state else None),
            run.work_queue_name,
            state.message if state else None,
            ids_of(run.parameters),
        )

    @property
    def awaits_retry(self) -> bool:
        """Whether the run could not work and gave itself back."""
        return self.state == AWAITING_RETRY

    def is_late(self, now: datetime) -> bool:
        """Return whether no worker has taken the run up in time."""
        return not self.started and self.due is not None and now - self.due > LATE_AFTER


@dataclass(frozen=True)
class WaitingRuns:
    """The runs that were looked at, those due first; `complete` unless there are more."""

    runs: tuple[WaitingRun, ...]
    complete: bool

    def holding(self, interaction_id: str) -> list[WaitingRun]:
        """Return the runs that an interaction is in."""
        return [run for run in self.runs if interaction_id in run.interaction_ids]


def ids_of(parameters: Mapping[str, Any]) -> frozenset[str]:
    """Return the interactions that a run's parameters name: in its events, or by id."""
    events = [text for text in parameters.get("events") or () if isinstance(text, str)]
    given = parameters.get("interaction_ids") or ()
    named = {canonical_id(each) for each in given} if isinstance(given, list) else set()
    return frozenset({*interaction_ids(events), *(id_ for id_ in named if id_)})


def interactions_in(runs: Sequence[WaitingRun]) -> int:
    """Return how many interactions are in these runs, each counted once."""
    return len(frozenset[str]().union(*(run.interaction_ids for run in runs)))


async def waiting_runs(
    client: PrefectClient, flows: Sequence[str], due_before: datetime | None = None
) -> WaitingRuns:
    """Return the unfinished runs of these flows, 1,000 at the most. Raises httpx's errors.

    With `due_before` those only that are due by then: a schedule's flow has a hundred later ones.
    """
    found: list[WaitingRun] = []
    flow_filter = FlowFilter(name=FlowFilterName(any_=list(flows)))
    due = {"expected_start_time": {"before_": due_before}} if due_before else {}
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": UNFINISHED}}, **due})
    for page in range(_PAGES):
        runs = await client.read_flow_runs(
            flow_filter=flow_filter,
            flow_run_filter=unfinished,
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=_PAGE,
            offset=page * _PAGE,
        )
        found += map(WaitingRun.of, runs)
        if len(runs) < _PAGE:
            return WaitingRuns(tuple(found), complete=True)
    return WaitingRuns(tuple(found), complete=False)
