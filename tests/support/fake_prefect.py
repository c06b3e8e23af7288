"""A fake of Prefect's API with state and with faults: a real HTTP server on the loopback.

It responds to the bridge's requests as Prefect 3.8 does; `test_bridge_prefect.py` tests the bridge against a
real server.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tasks.events import unpacked
from tasks.events.packed import PREFIX


@dataclass
class FakePrefect:
    """The state and the faults; each request that creates a run uses up one of `faults`.

    A fault is an HTTP status, "drop" (close without a response), "drop after" (create the run, then close without a
    response), "page" (a proxy's HTML with status 200), "half" (a response that breaks off), a number of seconds
    before a good response (a float), or None for a good response. `poison` maps a text to the status of a batch that
    contains it.
    """

    deployments: dict[str, str] = field(default_factory=lambda: {"process-interactions/live": _new_id()})
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    poison: dict[str, int] = field(default_factory=dict)
    faults: deque[Any] = field(default_factory=deque)
    waiting: int = 0
    waits_for_runs: bool = False
    count_status: int = 200
    workers: int = 1
    request_limit: int = 300
    authorization: str | None = None
    closes_idle: bool = False
    largest: int = 524_288
    reads_packed: bool = True
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    @property
    def texts(self) -> list[str]:
        """Every event of every run, as text."""
        return [text for run in self.runs.values() for text in unpacked(run["parameters"]["events"])]

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakePrefect]:
        """Serve on a free port of the loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"fake": self}))
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/api"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def create(self, body: dict[str, Any], deployment_id: str) -> tuple[int, dict[str, Any]]:
        """Return the response of create_flow_run."""
        self.posted.append(body)
        if deployment_id not in self.deployments.values():
            return 404, {"detail": "Deployment not found"}
        if len(json.dumps(body["parameters"], separators=(",", ":"))) > self.largest:
            return 422, {"exception_message": "Invalid request received.", "exception_detail": []}
        for text in unpacked(body["parameters"]["events"]):
            for mark, status in self.poison.items():
                if mark in text:
                    return status, {"detail": f"Error creating flow run: {text}"}
        return self._upsert(body)

    def deployment(self, id_: str | None) -> dict[str, Any]:
        """Return a deployment, whose flow says whether it reads packed events."""
        events = {"type": "array", "items": {"type": "string"}} | (
            {"packed": PREFIX} if self.reads_packed else {}
        )
        schema = {"type": "object", "properties": {"events": events}}
        return {"id": id_, "work_pool_name": "interactions", "parameter_openapi_schema": schema}

    def _upsert(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = body["idempotency_key"]
        if key in self.runs:
            return 200, self.runs[key]
        self.runs[key] = {"id": _new_id(), "state_type": "SCHEDULED", **body}
        self.waiting += self.waits_for_runs
        return 201, self.runs[key]


def _new_id() -> str:
    return str(uuid.uuid4())


class _Handler(BaseHTTPRequestHandler):
    """The HTTP side of the fake that a subclass is bound to."""

    fake: FakePrefect
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        self.fake.connections += 1

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        if not self._is_authorized("GET"):
            return
        if self.path.startswith("/api/v2/concurrency_limits/"):
            known = {"id": _new_id(), "name": self.path.rpartition("/")[2], "active_slots": 0}
            self._answer(
                200, known | {"limit": self.fake.request_limit, "active": True, "slot_decay_per_second": 0}
            )
        else:
            found = self.fake.deployments.get(self.path.partition("/deployments/name/")[2])
            self._answer(200 if found else 404, self.fake.deployment(found))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_authorized("POST"):
            return
        if self.path.endswith("/flow_runs/count"):
            self._answer(self.fake.count_status, self.fake.waiting)
            return
        if self.path.endswith("/workers/filter"):
            self._answer(200, [{"status": "ONLINE"}] * self.fake.workers)
            return
        fault = self.fake.faults.popleft() if self.fake.faults else None
        self._create(body, fault)

    def _create(self, body: dict[str, Any], fault: Any) -> None:
        if isinstance(fault, float):
            time.sleep(fault)
        if fault == "drop" or (isinstance(fault, int) and not isinstance(fault, bool)):
            self._refuse(fault)
            return
        status, answer = self.fake.create(body, self.path.split("/")[-2])
        if fault == "drop after":
            self.close_connection = True
        elif fault == "page":
            self._send(200, b"<html>Sign in</html>")
        elif fault == "half":
            self._send(status, json.dumps(answer).encode(), cut=True)
        else:
            self._answer(status, answer)

    def _refuse(self, fault: Any) -> None:
        if fault == "drop":
            self.close_connection = True
        else:
            self._answer(fault, {"detail": "a fault of the test"})

    def _is_authorized(self, method: str) -> bool:
        self.fake.seen.append((method, self.path))
        self.fake.headers.append(dict(self.headers.items()))
        expected = self.fake.authorization
        if expected is None or self.headers.get("Authorization") == expected:
            return True
        self._answer(401, {"exception_message": "Unauthorized"})
        return False

    def _answer(self, status: int, answer: object) -> None:
        self._send(status, json.dumps(answer).encode())

    def _send(self, status: int, payload: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.fake.url}/elsewhere")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        # The client may have closed the connection after its time-out.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(payload[: len(payload) // 2] if cut else payload)
        self.close_connection = self.close_connection or cut or self.fake.closes_idle
