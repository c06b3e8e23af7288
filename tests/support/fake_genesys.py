"""A small HTTP server whose replies a test scripts.

The simulator behaves as Genesys does; this server is for replies that Genesys should never give.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """A scripted reply. `cut` closes after so many bytes of the body; `drip` is the pause after each, in seconds.

    `claims` is the Content-Length, if not the body's; an `endless` one sends the body again and again, in chunks.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int | None = None
    drip: float = 0.0
    delay: float = 0.0
    reset: bool = False
    chunked: bool = False
    claims: int | None = None
    endless: bool = False

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return json.dumps(self.body).encode() if self.raw is None else self.raw


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    at: float
    port: int


Responder = Callable[[ReceivedRequest], Reply]


class FakeGenesys:
    """Replies from `script` while it lasts, then with `default`; to token requests from `tokens`, then a new token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[ReceivedRequest] = []
        self.script: deque[Reply] = deque()
        self.tokens: deque[Reply] = deque()
        self.token_life = 86_400.0
        self.default: Responder = lambda _: Reply(body={"conversations": []})
        self._lock = threading.Lock()
        self._issued = 0

    @property
    def api(self) -> list[ReceivedRequest]:
        """The requests to the API, without those for a token."""
        return [each for each in self.requests if each.path != "/oauth/token"]

    @property
    def logins(self) -> list[ReceivedRequest]:
        """The requests for a token."""
        return [each for each in self.requests if each.path == "/oauth/token"]

    def answer(self, request: ReceivedRequest) -> Reply:
        """Record a request and choose its reply."""
        with self._lock:
            self.requests.append(request)
            if request.path == "/oauth/token":
                return self.tokens.popleft() if self.tokens else self._token()
            if self.script:
                return self.script.popleft()
        return self.default(request)

    def _token(self) -> Reply:
        self._issued += 1
        body = {"access_token": f"tok-{self._issued}", "token_type": "bearer", "expires_in": self.token_life}
        return Reply(body=body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeGenesys

    def do_GET(self) -> None:
        """Reply to a GET or POST."""
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query, port = parse_qs(url.query), self.client_address[1]
        request = ReceivedRequest(self.command, url.path, query, headers, body, time.monotonic(), port)
        with suppress(OSError):
            self._send(self.fake.answer(request))

    do_POST = do_GET  # noqa: N815 - the library's name

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay)
        if reply.reset:  # RST instead of a reply
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self._send_head(reply)
        content = reply.content[: reply.cut]
        if reply.chunked:
            content = b"%x\r\n%b\r\n" % (len(reply.content), content)
            while reply.endless:  # until the client closes the connection
                self.wfile.write(content)
            content += b"" if reply.cut else b"0\r\n\r\n"
        for start in range(len(content)) if reply.drip else [0]:
            time.sleep(reply.drip)
            self.wfile.write(content[start : start + 1] if reply.drip else content)
            self.wfile.flush()
        self.close_connection = self.close_connection or reply.cut is not None or reply.claims is not None

    def _send_head(self, reply: Reply) -> None:
        headers = {"Content-Type": "application/json", "Date": self.date_time_string(), **reply.headers}
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(reply.claims or len(reply.content))
        self.send_response_only(reply.status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Print nothing: tests break connections on purpose."""


@contextmanager
def fake_genesys() -> Iterator[FakeGenesys]:
    """Run a server on a free loopback port."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    fake = FakeGenesys(f"http://127.0.0.1:{server.server_address[1]}")
    handler.fake = fake  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
