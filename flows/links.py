"""Links from an artifact to the run that left it."""

from __future__ import annotations

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for


def run_url(flow_run_id: str) -> str | None:
    """Where the Prefect UI shows a run."""
    return url_for("flow-run", flow_run_id)


def run_link() -> str:
    """Return this run as a Markdown link, or its id where no UI is known."""
    if flow_run.id is None:
        return "not in a run"
    url = run_url(str(flow_run.id))
    return f"[run {flow_run.id}]({url})" if url else f"run `{flow_run.id}`"
