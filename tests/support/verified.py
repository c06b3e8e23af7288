"""A deployed stack whose path works from Genesys to the table, and what `verify` finds there.

The fixtures are in the conftest of the tests that use them.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
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


class FakePrefectServer:
    """The part of Prefect's API that is checked; it also writes a row for each event that the bridge posts."""

    def __init__(self) -> None:
        self.table = ""
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
            "/api/work_pools/interactions/workers/filter": [{"status": "ONLINE"}, {"status": "OFFLINE"}],
            "/api/flow_runs/filter": [],
            "/api/deployments/name/publish-interactions/publish": {"id": "p", "paused": False},
        }

    def answer(self, path: str, body: Any) -> Any:
        """Return the response to a path, None for 404."""
        if path == "/api" and self.table:
            for event in body:
                item = {"interactionId": {"S": event["detail"]["eventBody"]["conversationId"]}}
                boto3.client("dynamodb").put_item(
                    TableName=self.table, Item=item | {"settled": {"BOOL": True}}
                )
            return {}
        return self.answers.get(path)


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
            self.send_response(404 if found is None else 200)
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
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310

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
