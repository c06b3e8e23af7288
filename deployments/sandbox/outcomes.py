"""The outcomes of a sandbox's events, as the finished runs of process-interactions tell them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import requests

from tasks.pipeline.outcomes import OutcomeKind, count_summaries

POLL = 0.25  # seconds
STALL_TIMEOUT = 300.0  # seconds without a new outcome, after which nobody waits any longer

Outcomes = Counter[OutcomeKind]


def wait_for_outcomes(
    prefect_api_url: str, are_there: Callable[[Outcomes], bool], heard: Callable[[Outcomes], None]
) -> Outcomes:
    """Count outcomes until they are there, or STALL_TIMEOUT is over; `heard` is told each count."""
    counts: Outcomes = Counter()
    deadline = time.monotonic() + STALL_TIMEOUT
    while not are_there(counts) and time.monotonic() < deadline:
        before, counts = counts, last_outcomes(finished_runs(prefect_api_url))
        heard(counts)
        if counts != before:
            deadline = time.monotonic() + STALL_TIMEOUT
        time.sleep(POLL)
    return counts


def last_outcomes(runs: Iterable[dict[str, Any]]) -> Outcomes:
    """Return the sum of the outcomes in runs' state messages, each event counted once, by its last outcome.

    An event of a run that asks again was deferred in the run before.
    """
    counts: Outcomes = Counter()
    for run in runs:
        told = count_summaries([run["state"].get("message")])
        counts.update(told)
        if "deferred" in run["tags"]:
            counts[OutcomeKind.DEFERRED] -= told.total()
    return counts


def finished_runs(prefect_api_url: str) -> list[dict[str, Any]]:
    """All runs of process-interactions that are Completed or Failed."""
    found: dict[str, dict[str, Any]] = {}  # by id: a run can be on two pages when others finish meanwhile
    offset = 0
    while True:
        query = {
            "flows": {"name": {"any_": ["process-interactions"]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED"]}}},
            "sort": "START_TIME_ASC",
            "offset": offset,
        }
        answer = requests.post(f"{prefect_api_url}/flow_runs/filter", json=query, timeout=30)
        answer.raise_for_status()
        page = answer.json()
        found |= {run["id"]: run for run in page}
        offset += len(page)
        if not page:
            return list(found.values())
