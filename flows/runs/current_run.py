"""The current flow run: its id, its link, its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from tasks.errors import DependencyUnavailable
from tasks.events import interaction_ids, unpacked
from tasks.values import UUID_PATTERN

_SAYS_WHAT = re.compile(
    rf"(?:\d+ interactions|{UUID_PATTERN})(?:, attempt \d+)?|\d+ events? without an interaction"
)


def run_id() -> str:
    """Return this flow run's id."""
    return str(flow_run.id)


def run_link() -> str:
    """Return this run as a Markdown link, or its id where no UI is known."""
    if flow_run.id is None:
        return "not in a run"
    url = url_for("flow-run", run_id())
    return f"[run {run_id()}]({url})" if url else f"run `{run_id()}`"


async def requester(given: str) -> str:
    """Return who created this run, where the server knows it (Prefect Cloud does), else who the caller says it is.

    Raises DependencyUnavailable.
    """
    try:
        async with get_client() as client:
            creator = (await client.read_flow_run(UUID(run_id()))).created_by if flow_run.id else None
    except HTTPError as error:
        raise DependencyUnavailable(f"Prefect does not say who asks ({type(error).__name__})") from None
    return (creator.display_value if creator else None) or given.strip()


def batch_name(ids: Sequence[str], attempt: int) -> str:
    """Return the interaction's id when there is one, else how many; with the attempt from the second on."""
    name = ids[0] if len(ids) == 1 else f"{len(ids)} interactions"
    return name if attempt == 1 else f"{name}, attempt {attempt}"


def batch_run_name() -> str:
    """Return the name of a run of process-interactions: its creator's, if that says what it is about; else its events'.

    Reading a thousand events takes 40 ms, and the bridge has read them.
    """
    if _SAYS_WHAT.fullmatch(given := str(flow_run.name)):
        return given
    parameters = flow_run.parameters
    events = unpacked(text for text in parameters.get("events") or [] if isinstance(text, str))
    if ids := sorted(interaction_ids(events)):
        return batch_name(ids, int(parameters.get("attempt") or 1))
    return f"{len(events)} event{'' if len(events) == 1 else 's'} without an interaction"
