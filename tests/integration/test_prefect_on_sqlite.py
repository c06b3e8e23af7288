"""The aid that lets Prefect's transactions on SQLite wait for each other."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from deployments.sandbox.servers import ROOT, inherited
from tests.integration.prefect_server import PrefectServer, running_server
from tests.integration.writers_storm import WAITING


def test_a_transaction_finds_a_second_connection_however_many_wait_for_it(tmp_path: Path) -> None:
    """More transactions wait than Prefect's pool has connections, and all of them are made."""
    done = _run("writers_storm", tmp_path, seconds=120)
    assert done.stdout == str(WAITING), done.stderr[-2000:]


def test_who_finds_the_database_locked_is_not_held_for_a_minute(tmp_path: Path) -> None:
    """A wait within SQLite can stop the whole server, so it is short."""
    done = _run("locked_database", tmp_path, seconds=50)
    assert done.stdout == "database is locked", done.stderr[-2000:]


def _run(module: str, folder: Path, *, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a module of this folder, which patches Prefect, in a process of its own on a new database."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", f"tests.integration.{module}", str(folder / "new.db")],
        env=inherited() | {"PREFECT_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def test_an_event_that_comes_again_does_not_cost_others(tmp_path: Path) -> None:
    """A client that has not heard sends its events again, to a server that was started anew; those are passed over."""
    often = {"PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.1"}
    again, new = _event(), _event()
    with running_server(tmp_path, **often) as server:
        _post(server, again)
        _await_stored(server, again)
    with running_server(tmp_path, **often) as server:
        _post(server, again)
        time.sleep(2)  # many times as long as it takes until it has been written, or dropped
        _post(server, new)
        _await_stored(server, new)
    assert "dropping" not in (tmp_path / "server.log").read_text()


def _event() -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    resource = {"prefect.resource.id": f"test.{uuid4()}"}
    return {"occurred": now, "event": "test.happened", "resource": resource, "id": str(uuid4())}


def _post(server: PrefectServer, event: dict[str, Any]) -> None:
    requests.post(f"{server.api_url}/events", json=[event], timeout=10).raise_for_status()


def _await_stored(server: PrefectServer, event: dict[str, Any]) -> None:
    deadline = time.monotonic() + 20
    wanted = {"filter": {"id": {"id": [event["id"]]}}}
    while requests.post(f"{server.api_url}/events/filter", json=wanted, timeout=10).json()["total"] != 1:
        assert time.monotonic() < deadline, "the event was not stored"
        time.sleep(0.2)
