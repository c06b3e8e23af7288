"""The stack in an AWS emulator, a substitute for the bridge, and the command line `python -m infra`.

The fixtures are in the conftest of the tests that use them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.cli import main
from infra.stack.deploy import deploy
from tests.support.servers import running_emulator

ROOT = Path(__file__).parents[2]
CUSTOMER_END = "v2.detail.events.conversation.{id}.customer.end"
QUEUE = "7f3c1a1e-1111-4222-8333-944445555666"
OTHER_QUEUE = "00000000-1111-4222-8333-944445555666"
SOURCE = "genesys.com/cloud/00000000-0000-4000-8000-000000000000/sandbox"
SUBSTITUTE_BRIDGE = """
import json, os, urllib.request

def handler(event, context):
    if "watch" in event:
        return {}
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    data = json.dumps(bodies).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["PREFECT_API_URL"], data=data), timeout=60).read()
    return {"batchItemFailures": [
        {"itemIdentifier": record["messageId"]}
        for record, body in zip(event["Records"], bodies) if body["detail"].get("refuse")
    ]}
"""


@dataclass
class Receiver:
    """A loopback server that keeps what is posted to it, by path, and answers 201."""

    server: ThreadingHTTPServer
    posts: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address, ending as a Prefect API's does."""
        return f"http://127.0.0.1:{self.server.server_port}/api"

    def events(self) -> list[Any]:
        """Return every event that the substitute bridge posted."""
        return [event for _, body in self.posts for event in body]


@pytest.fixture
def received() -> Iterator[Receiver]:
    """Return a running receiver."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.headers.append(dict(self.headers.items()))
            receiver.posts.append((self.path, json.loads(body)))
            self.send_response(201)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    receiver = Receiver(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    threading.Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True).start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """Return the address of an AWS emulator, with the sandbox's patches, that runs as long as the session."""
    with running_emulator("deployments.sandbox.patches.emulator") as address:
        yield address


@pytest.fixture
def aws_environment(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the emulator the AWS of this process and its children."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PREFECT_", "GENESYS_", "INFRA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws(
    emulator: str,
    aws_environment: None,  # noqa: ARG001 - a fixture that the session needs
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> boto3.Session:
    """Return a session of an empty account; the current folder has no infra.toml."""
    urllib.request.urlopen(f"{emulator}/_ministack/reset", data=b"", timeout=60).close()  # noqa: S310
    monkeypatch.chdir(tmp_path)
    return boto3.Session()


@dataclass
class Deployed:
    """A stack with the substitute bridge, and the parameters that it was deployed with."""

    session: boto3.Session
    bridge: Path
    parameters: dict[str, Any]
    outputs: dict[str, str] = field(default_factory=dict)

    def deploy(self, **changes: Any) -> dict[str, str]:
        """Deploy with changed parameters and return the outputs."""
        self.parameters |= changes
        self.outputs = deploy(
            "interactions", self.parameters, session=self.session, bridge=self.bridge, poll=0.05
        )
        return self.outputs

    def put(self, detail: dict[str, Any], detail_type: str = "conversation.end") -> None:
        """Put an event on the bus."""
        answer = self.session.client("events").put_events(
            Entries=[
                {
                    "EventBusName": self.outputs["EventBusName"],
                    "Source": SOURCE,
                    "DetailType": detail_type,
                    "Detail": json.dumps(detail),
                }
            ]
        )
        assert answer["FailedEntryCount"] == 0


@pytest.fixture
def stack(aws: boto3.Session, received: Receiver, tmp_path: Path) -> Deployed:
    """Return the stack, not deployed yet, with a bridge that posts its batches to the receiver."""
    bridge = tmp_path / "bridge"
    bridge.mkdir()
    (bridge / "handler.py").write_text(SUBSTITUTE_BRIDGE)
    wanted = {
        "BusMode": "own",
        "BusName": "genesys",
        "EventSources": [SOURCE],
        "DetailTypes": [CUSTOMER_END, "conversation.end"],
        "SettleSeconds": 0,
        "PrefectApiUrl": received.url,
    }
    return Deployed(aws, bridge, wanted)


@dataclass(frozen=True)
class CommandResult:
    """The output of a command, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def infra(*words: str, typed: str = "") -> CommandResult:
    """Run `python -m infra` with these words; `typed` is what the user answers to its questions."""
    stdout, stderr, stdin = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(typed)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = main(list(words))
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    finally:
        sys.stdin = stdin
    return CommandResult(code, stdout.getvalue(), stderr.getvalue())


def eventually(holds: Callable[[], Any], seconds: float = 180.0, poll: float = 0.05) -> Any:
    """Return the first true result of a condition; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := holds():
            return answer
        time.sleep(poll)
    pytest.fail("the condition did not become true in time")
