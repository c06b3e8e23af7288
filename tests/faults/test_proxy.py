"""The proxies disturb the requests that a rule matches, and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.faults.proxies import Proxies
from tests.faults.proxy_rules import Rule
from tests.support.stack import eventually

ANSWER = b"x" * 1000
PROXY = "aws"


class Upstream(ThreadingHTTPServer):
    """A server that keeps the bodies of its requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.given: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    """Answers every POST with the same body."""

    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        """Keep the body and answer."""
        self.server.given.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """Return a server."""
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """Return running proxies."""
    with Proxies(tmp_path_factory.mktemp("proxies")) as running:
        yield running


@pytest.fixture
def url(proxies: Proxies, upstream: Upstream) -> str:
    """Return the server's address behind a proxy."""
    upstream.given.clear()
    return proxies.route(PROXY, f"http://127.0.0.1:{upstream.server_port}/path")


def post(url: str, **headers: str) -> requests.Response:
    """Send a POST."""
    return requests.post(url, data=b"body", headers=headers, timeout=60)


def test_without_a_rule_everything_is_passed_on(url: str, upstream: Upstream) -> None:
    """Requests and answers arrive as they were sent, several on one connection."""
    with requests.Session() as session:
        answers = [session.post(url, data=b"body", timeout=60).content for _ in range(3)]
    assert answers == [ANSWER] * 3
    assert upstream.given == [b"body"] * 3


def test_the_server_has_the_request_whose_answer_is_dropped(
    url: str, upstream: Upstream, proxies: Proxies
) -> None:
    """`drop`: the server gets the request, the client no answer; without the rule it gets one again."""
    with proxies.rules(PROXY, Rule("drop", "POST /path")), pytest.raises(requests.ConnectionError):
        post(url)
    assert upstream.given == [b"body"]
    assert post(url).content == ANSWER


def test_the_server_does_not_get_a_refused_request(url: str, upstream: Upstream, proxies: Proxies) -> None:
    """`refuse`, and a proxy that is down: the client gets no answer, the server no request."""
    with proxies.rules(PROXY, Rule("refuse")), pytest.raises(requests.ConnectionError):
        post(url)
    with proxies.down(PROXY), pytest.raises(requests.ConnectionError):
        post(url)
    assert upstream.given == []
    assert post(url).ok


def test_the_proxy_answers_in_place_of_the_server(url: str, upstream: Upstream, proxies: Proxies) -> None:
    """`answer`: as often as the rule says, to requests whose AWS operation matches."""
    rule = Rule(
        "answer", "UpdateItem", max_requests=1, status=400, body="{}", headers={"content-type": "text/x"}
    )
    with proxies.rules(PROXY, rule):
        other = post(url, **{"X-Amz-Target": "DynamoDB.GetItem"})
        matched = post(url, **{"X-Amz-Target": "DynamoDB.UpdateItem"})
        after = post(url, **{"X-Amz-Target": "DynamoDB.UpdateItem"})
    assert [each.status_code for each in (other, matched, after)] == [200, 400, 200]
    assert (matched.text, matched.headers["Content-Type"]) == ("{}", "text/x")
    assert len(upstream.given) == 2


def test_half_of_an_answer_is_an_error_of_the_client(url: str, proxies: Proxies) -> None:
    """`half`: the body ends before its Content-Length."""
    with proxies.rules(PROXY, Rule("half")), pytest.raises(requests.RequestException):
        post(url)


def test_the_answer_to_a_held_request_comes_late(url: str, upstream: Upstream, proxies: Proxies) -> None:
    """`hold`: the server gets the request at once, the client waits for its answer."""
    with proxies.rules(PROXY, Rule("hold", seconds=300)):
        with pytest.raises(requests.ReadTimeout):
            requests.post(url, data=b"body", timeout=1)
        eventually(lambda: upstream.given == [b"body"])
    assert proxies.applied(PROXY)["hold"] == 1
