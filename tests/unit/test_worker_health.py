"""The health check's exit code is the worker's answer."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from deployments.sandbox.processes import free_port
from deployments.worker.health import is_healthy


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the port of a server that answers with the given status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("answering", "expected"), [(200, True), (503, False), (500, False)], indirect=["answering"]
)
def test_only_a_worker_that_is_well_is_well(answering: int, expected: bool) -> None:
    """200 is well; 503 is a worker that has not looked for runs for long."""
    assert is_healthy(answering) is expected


def test_no_worker_is_not_well() -> None:
    """Nobody listens."""
    assert not is_healthy(free_port())
