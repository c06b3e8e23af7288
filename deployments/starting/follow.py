"""Following runs to their end: a progress bar meanwhile, then each run's message and its link."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort
from prefect.utilities.urls import url_for
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from flows.reports.refusal import is_done

POLL = 1.0  # seconds
COMPLETED, NOT_COMPLETED = 0, 1  # exit codes
_STARTS_WITHIN = 20.0  # seconds; then it is said where to look
_LOOK = "not begun yet: `interactions status` says why"

Report = Callable[[str, float | None], None]
"""Called with a text and, if it is known, how many percent are done."""


async def follow(client: PrefectClient, runs: Sequence[FlowRun], report: Report) -> list[FlowRun]:
    """Return the runs when all have ended. Raises httpx's errors."""
    ended: list[FlowRun] = []
    for number, run in enumerate(runs, start=1):
        began, now = time.monotonic(), run
        while not _is_final(now):
            text = _doing(now, waited=time.monotonic() - began)
            report(
                text if len(runs) == 1 else f"run {number} of {len(runs)}: {text}",
                await _percent(client, now),
            )
            await asyncio.sleep(POLL)
            now = await client.read_flow_run(run.id)
        ended.append(now)
    return ended


def _is_final(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _doing(run: FlowRun, waited: float) -> str:
    state = run.state_name or "unknown"
    if run.state and run.state.is_scheduled():
        why = run.state.message or (_LOOK if waited > _STARTS_WITHIN else "")
        return f"{state}: {why}" if why else state
    return state


async def _percent(client: PrefectClient, run: FlowRun) -> float | None:
    """Return how far a run says that it is, by its progress artifact; None for a run without."""
    if not (run.state and run.state.is_running()):
        return None
    found = await client.read_artifacts(
        artifact_filter=ArtifactFilter.model_validate({"type": {"any_": ["progress"]}}),
        flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [run.id]}}),
        sort=ArtifactSort.CREATED_DESC,
        limit=1,
    )
    values = [each.data for each in found if isinstance(each.data, int | float)]
    return float(values[0]) if values else None


async def with_progress(work: Callable[[Report], Awaitable[list[FlowRun]]], what: str) -> list[FlowRun]:
    """Do the work behind a bar on standard error; where that is no terminal nothing is drawn."""
    console = Console(stderr=True, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def report(text: str, percent: float | None) -> None:
            bar.update(
                task, description=text, total=None if percent is None else 100.0, completed=percent or 0
            )

        return await work(report)


def print_runs(runs: Sequence[FlowRun], *, as_json: bool, console: Console | None = None, **more: Any) -> int:
    """Print each run's state, message and link; return 0 when all did what was asked or were only started."""
    if as_json:
        sys.stdout.write(json.dumps({**more, "runs": [_plain(run) for run in runs]}, indent=2) + "\n")
    else:
        for run in runs:
            _print(run, console or Console(emoji=False))
    bad = [run for run in runs if run.state and run.state.is_final() and not is_done(run.state)]
    return NOT_COMPLETED if bad else COMPLETED


def _print(run: FlowRun, console: Console) -> None:
    message = run.state.message if run.state else None
    text = f"{run.state_name}: {message}" if message else f"{run.state_name}"
    for line in (text, f"{run.name}", url_for("flow-run", obj_id=run.id) or str(run.id)):
        console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _plain(run: FlowRun) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "name": run.name,
        "state": run.state_name,
        "message": run.state.message if run.state else None,
        "url": url_for("flow-run", obj_id=run.id),
    }
