"""A question in SQL to a sandbox: publishes what is stored, asks as a user would, and shows the answer."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import requests
from rich.table import Table

from deployments.sandbox.outcomes import POLL, STALL_TIMEOUT
from deployments.sandbox.processes import SandboxError, run_to_end
from deployments.sandbox.sandbox import Sandbox
from deployments.sandbox.servers import ROOT

PUBLISH = "publish-interactions/publish"
QUESTION = (
    "select media_type, count(*) as interactions, cast(median(duration_ms) / 1000 as int) as median_s "
    "from interactions group by 1 order by 2 desc, 1"
)
_TIMEOUT = 120.0  # seconds; importing the extra takes most of it on a busy machine
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

Row = dict[str, Any]


def published(sandbox: Sandbox) -> str:
    """Publish, and return what the run says. Raises SandboxError when it does not complete."""
    api = sandbox.addresses.prefect_api_url
    deployment = _json(requests.get(f"{api}/deployments/name/{PUBLISH}", timeout=30))
    created = requests.post(f"{api}/deployments/{deployment['id']}/create_flow_run", json={}, timeout=30)
    state = _last_state(f"{api}/flow_runs/{_json(created)['id']}")
    said = str(state.get("message") or state["name"])
    if state["type"] != "COMPLETED":
        raise SandboxError(f"{PUBLISH} is {state['name']}: {said}")
    return said


def answer(sandbox: Sandbox) -> list[Row]:
    """Return the answer to QUESTION, as a shell with the sandbox's addresses gets it. Raises SandboxError for none."""
    command = [sys.executable, "-m", "deployments.cli", "sql", QUESTION, "--format", "json"]
    found: list[Row] = json.loads(
        run_to_end("`interactions sql`", command, sandbox.environment(), _TIMEOUT, ROOT)
    )
    return found


def answer_table(found: list[Row]) -> Table:
    """Return an answer as a table: numbers to the right."""
    table = Table()
    for name, value in (found[0] if found else {}).items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in found:
        table.add_row(*map(str, row.values()))
    return table


def _last_state(run_url: str) -> dict[str, Any]:
    """Return the state that a run has ended in, or has when it takes too long."""
    deadline = time.monotonic() + STALL_TIMEOUT
    while True:
        state: dict[str, Any] = _json(requests.get(run_url, timeout=30))["state"]
        if state["type"] in _ENDED or time.monotonic() > deadline:
            return state
        time.sleep(POLL)


def _json(answered: requests.Response) -> dict[str, Any]:
    answered.raise_for_status()
    found: dict[str, Any] = answered.json()
    return found
