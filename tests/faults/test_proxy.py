"""What the proxies do wrong is what they were told, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.faults.detours import Detours
from tests.faults.rules import Rule

ANSWER = b"x" * 1000
WAY = "aws"


class Upstream(ThreadingHTTPServer):
    """A server that remembers the bodies it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.given: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    """Answers every POST alike."""

    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        """Remember and answer."""
        self.server.given.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A server."""
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def detours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Detours]:
    """The proxies, one of them in front of the server."""
    with Detours(tmp_path_factory.mktemp("detours")) as running:
        yield running


@pytest.fixture
def url(detours: Detours, upstream: Upstream) -> str:
    """The way to the server."""
    upstream.given.clear()
    return detours.to(WAY, f"http://127.0.0.1:{upstream.server_port}/path")


def post(url: str, **headers: str) -> requests.Response:
    """A request that no rule need match."""
    return requests.post(url, data=b"body", headers=headers, timeout=10)


def test_without_a_rule_all_is_passed_on(url: str, upstream: Upstream) -> None:
    """Request and answer arrive as they were sent, several on one connection."""
    with requests.Session() as session:
        answers = [session.post(url, data=b"body", timeout=10).content for _ in range(3)]
    assert answers == [ANSWER] * 3
    assert upstream.given == [b"body"] * 3


def test_a_lost_answer_is_one_to_a_request_that_was_made(
    url: str, upstream: Upstream, detours: Detours
) -> None:
    """`drop`: the server has the request, the client no answer; afterwards the way is whole again."""
    with detours.wrong(WAY, Rule("drop", "POST /path")), pytest.raises(requests.ConnectionError):
        post(url)
    assert upstream.given == [b"body"]
    assert post(url).content == ANSWER


def test_a_refused_request_never_arrives(url: str, upstream: Upstream, detours: Detours) -> None:
    """`refuse`, and a way that is down: no answer, and the server hears nothing."""
    with detours.wrong(WAY, Rule("refuse")), pytest.raises(requests.ConnectionError):
        post(url)
    with detours.down(WAY), pytest.raises(requests.ConnectionError):
        post(url)
    assert upstream.given == []
    assert post(url).ok


def test_an_answer_of_the_proxys_own(url: str, upstream: Upstream, detours: Detours) -> None:
    """`answer`: as often as wanted, to requests whose AWS operation matches, without the server."""
    rule = Rule("answer", "UpdateItem", most=1, status=400, body="{}", headers={"content-type": "text/x"})
    with detours.wrong(WAY, rule):
        other = post(url, **{"X-Amz-Target": "DynamoDB.GetItem"})
        struck = post(url, **{"X-Amz-Target": "DynamoDB.UpdateItem"})
        after = post(url, **{"X-Amz-Target": "DynamoDB.UpdateItem"})
    assert [each.status_code for each in (other, struck, after)] == [200, 400, 200]
    assert (struck.text, struck.headers["Content-Type"]) == ("{}", "text/x")
    assert len(upstream.given) == 2


def test_half_an_answer(url: str, detours: Detours) -> None:
    """`half`: the body breaks off."""
    with detours.wrong(WAY, Rule("half")), pytest.raises(requests.RequestException):
        post(url)


def test_a_held_answer_comes_late(url: str, upstream: Upstream, detours: Detours) -> None:
    """`hold`: the server has the request at once, the client waits."""
    with detours.wrong(WAY, Rule("hold", seconds=5)), pytest.raises(requests.ReadTimeout):
        requests.post(url, data=b"body", timeout=1)
    assert upstream.given == [b"body"]
    assert detours.done(WAY)["hold"] == 1
