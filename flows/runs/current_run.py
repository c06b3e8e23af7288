"""The current flow run: its id, its link, its name."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from tasks.events import interaction_ids


def run_id() -> str:
    """Return this flow run's id."""
    return str(flow_run.id)


def run_link() -> str:
    """Return this run as a Markdown link, or its id where no UI is known."""
    if flow_run.id is None:
        return "not in a run"
    url = url_for("flow-run", run_id())
    return f"[run {run_id()}]({url})" if url else f"run `{run_id()}`"


def batch_name(ids: Sequence[str], attempt: int) -> str:
    """Return the interaction's id when there is one, else how many; with the attempt from the second on."""
    name = ids[0] if len(ids) == 1 else f"{len(ids)} interactions"
    return name if attempt == 1 else f"{name}, attempt {attempt}"


def batch_run_name() -> str:
    """Return the name of a run of process-interactions, from its parameters."""
    parameters = flow_run.parameters
    events = [text for text in parameters.get("events") or [] if isinstance(text, str)]
    if ids := sorted(interaction_ids(events)):
        return batch_name(ids, int(parameters.get("attempt") or 1))
    return f"{len(events)} event{'' if len(events) == 1 else 's'} without an interaction"
