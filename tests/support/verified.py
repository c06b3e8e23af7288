"""A deployed stack whose path works from Genesys to the table, and what `verify` finds there.

The fixtures are in the conftest of the tests that use them.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from deployments.sandbox.genesys.process import running
from infra.stack.change_set import Stack
from infra.verify.check import CheckResult
from infra.verify.run import verify
from tests.support.stack import Deployed

POOL = {"is_paused": False}


def worker(name: str, seconds: float) -> dict[str, Any]:
    """Return a worker that was heard of so many seconds ago, as Prefect has it: online for three heartbeats."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return {
        "name": name,
        "status": "ONLINE" if seconds < 90 else "OFFLINE",
        "last_heartbeat_time": at.isoformat(),
        "heartbeat_interval_seconds": 15,
    }


class FakePrefectServer:
    """The part of Prefect's API that is checked; it also writes a row for each event that the bridge posts.

    An answer that is a function is made when it is asked for: its times are then so long ago, however slow the test is.
    """

    def __init__(self) -> None:
        self.table = ""
        self.runs: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {
            "/api/deployments/count": 4,
            "/api/deployments/name/process-interactions/live": {
                "id": "d",
                "paused": False,
                "work_pool_name": "interactions",
                "work_queue_name": "live",
            },
            "/api/work_pools/interactions": POOL,
            "/api/work_pools/interactions/queues/live": POOL,
            "/api/work_pools/interactions/workers/filter": lambda: [worker("a", 1), worker("b", 9000)],
            "/api/deployments/name/publish-interactions/publish": {"id": "p", "paused": False},
        }

    def answer(self, path: str, body: Any) -> Any:
        """Return the response to a path, None for 404; a status as it is.

        Runs are those of `runs` whose state a filter names.
        """
        if path == "/api" and self.table:
            for event in body:
                item = {"interactionId": {"S": event["detail"]["eventBody"]["conversationId"]}}
                boto3.client("dynamodb").put_item(
                    TableName=self.table, Item=item | {"settled": {"BOOL": True}}
                )
            return {}
        if path == "/api/flow_runs/filter" and path not in self.answers:
            return [run for run in self.runs if _matches(run, body["flow_runs"]["state"])]
        found = self.answers.get(path)
        return found() if callable(found) else found


def _matches(run: dict[str, Any], state: dict[str, Any]) -> bool:
    names, types = (state.get(each, {}).get("any_") for each in ("name", "type"))
    return run["state_name"] in (names or ()) or run["state_type"] in (types or ())


@pytest.fixture
def prefect() -> Iterator[tuple[FakePrefectServer, str]]:
    """Return a running API and its address."""
    api = FakePrefectServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(None)

        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or b"null"))

        def reply(self, body: Any) -> None:
            found = api.answer(self.path, body)
            content = json.dumps(found).encode()
            status = found if isinstance(found, HTTPStatus) else HTTPStatus.OK
            self.send_response(404 if found is None else status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield api, f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """Return the address of a Genesys simulator that runs as long as the module."""
    with running() as found:
        yield found


@pytest.fixture
def genesys(
    simulator: str,
    aws: boto3.Session,  # noqa: ARG001 - it clears the environment first
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Return a function that changes the behaviour of Genesys; its credentials are in the environment."""
    monkeypatch.setenv("GENESYS_LOGIN_URL", simulator)
    monkeypatch.setenv("GENESYS_API_URL", simulator)
    monkeypatch.setenv("GENESYS_CLIENT_ID", "sandbox-client")
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "sandbox-secret")

    def change(path: str, body: Any) -> None:
        request = urllib.request.Request(f"{simulator}/_sim/{path}", json.dumps(body).encode(), method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310

    change("reset", {"only": ["faults", "all"]})
    return change


@pytest.fixture
def working(
    stack: Deployed,
    prefect: tuple[FakePrefectServer, str],
    genesys: Callable[..., None],  # noqa: ARG001 - it configures Genesys
) -> Deployed:
    """Return a deployed stack whose path works from Genesys to the table."""
    api, url = prefect
    stack.deploy(PrefectApiUrl=url)
    api.table = stack.outputs["InteractionTableName"]
    return stack


def checked(working: Deployed) -> dict[str, CheckResult]:
    """Return the results by name, without the synthetic event."""
    stack = Stack(working.session.client("cloudformation"), "interactions")
    return {each.name: each for each in verify(working.session, stack, send=False)}


def failures(working: Deployed) -> set[str]:
    """Return the names of the checks that fail, without the synthetic event."""
    results = checked(working).values()
    assert all(result.hint for result in results if result.failed)
    return {result.name for result in results if result.failed}
