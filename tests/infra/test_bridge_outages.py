"""Delivery during an outage: everything is returned, nothing is dead-lettered, the secret stays secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from connection import Connection
from delivery import summary
from errors import DeliveryHalted

from tests.support.bridge import OUTAGES, Bridge, names
from tests.support.bridge_messages import interaction, messages
from tests.support.fake_prefect import FakePrefect


@pytest.mark.parametrize("fault", [*OUTAGES, 301, 307, 418, 501, "drop", "drop after", "page", "half"])
def test_an_outage_returns_everything_and_dead_letters_nothing(
    bridge: Bridge, prefect: FakePrefect, fault: Any
) -> None:
    """A fault of Prefect, the key or the network is never taken for that of an event."""
    prefect.faults.extend([fault] * 10)

    report = bridge.deliver(messages(*range(20)))

    assert set(report.returned) == names(messages(*range(20)))
    assert not report.accepted
    assert not bridge.letters.sent
    assert len(prefect.posted) <= 2


def test_an_outage_half_way_returns_only_the_rest(bridge: Bridge, prefect: FakePrefect) -> None:
    """What was accepted before the outage stays accepted."""
    prefect.faults.extend([None, None, *[503] * 10])

    report = bridge.deliver(messages(*range(40)), max_events=10)

    assert len(report.accepted) == len(prefect.texts) == 20
    assert len(report.returned) == 20
    assert summary(report)["stopped"] == {"code": "outage", "status": 503}


def test_a_503_is_retried_for_a_moment(bridge: Bridge, prefect: FakePrefect) -> None:
    """A server on SQLite that is briefly busy does not cost a batch its visibility time-out."""
    prefect.faults.extend([503, 503])

    assert len(bridge.deliver(messages(1, 2)).accepted) == 2
    assert len(prefect.runs) == 1


def test_an_unreachable_server_returns_everything(bridge: Bridge, prefect: FakePrefect) -> None:
    """A port that nothing listens on is an outage."""
    bridge.connection = Connection(urlsplit("http://127.0.0.1:9/api"))

    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"no-answer"}
    assert prefect.seen == []


def test_a_slow_response_ends_at_the_time_out(bridge: Bridge, prefect: FakePrefect) -> None:
    """The bridge waits no longer than its request time-out: the run is created minutes after it has gone on."""
    prefect.faults.append(300.0)

    report = bridge.deliver(messages(1), timeout=1)

    assert report.returned == {"m0-1": "time-out"}
    assert prefect.posted == []


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_count_that_fails_is_an_outage(bridge: Bridge, prefect: FakePrefect, status: int) -> None:
    """While the number of waiting runs is unknown nothing is posted."""
    prefect.count_status = status

    assert set(bridge.deliver(messages(1)).returned.values()) == {"waiting-runs-unknown"}
    assert prefect.posted == []


def test_a_deployment_that_was_created_again_is_found_by_its_name(
    bridge: Bridge, prefect: FakePrefect
) -> None:
    """An id that no longer exists is looked up once more by the deployment's name."""
    process = bridge.process()
    process.deliver(messages(1), bridge.remaining)
    prefect.deployments = {"process-interactions/live": interaction(99)}

    assert process.deliver(messages(2), bridge.remaining).accepted == {"m0-2"}


def test_the_deployment_is_looked_up_once_per_process(bridge: Bridge, prefect: FakePrefect) -> None:
    """The id is kept between invocations."""
    process = bridge.process()
    for number in range(3):
        process.deliver(messages(number), bridge.remaining)

    assert [method for method, _ in prefect.seen].count("GET") == 1


def test_a_missing_deployment_is_an_outage(bridge: Bridge, prefect: FakePrefect) -> None:
    """Events stay in the queue until the deployment exists."""
    prefect.deployments = {}

    assert set(bridge.deliver(messages(1)).returned.values()) == {"deployment-not-found"}


def test_a_rotated_key_is_read_again_once(bridge: Bridge, prefect: FakePrefect) -> None:
    """The secret is read when first needed and again when it is refused, not more often."""
    secrets = ["old", "new", "never"]
    reads: list[str] = []

    def read() -> str:
        reads.append(secrets[len(reads)])
        return reads[-1]

    bridge.secret = read
    prefect.authorization = "Bearer new"

    assert bridge.deliver(messages(1)).accepted == {"m0-1"}
    assert reads == ["old", "new"]


def test_a_key_that_stays_wrong_is_an_outage(bridge: Bridge, prefect: FakePrefect) -> None:
    """A refused key returns everything; it is tried twice and no more."""
    bridge.secret = lambda: "wrong"
    prefect.authorization = "Bearer right"

    assert set(bridge.deliver(messages(*range(9))).returned.values()) == {"not-authorized"}
    assert len(prefect.seen) == 2


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ("pnu_1\n", "Bearer pnu_1"),
        ('{"api_key": "pnu_2"}', "Bearer pnu_2"),
        ('{"auth_string": "admin:pässword"}', "Basic YWRtaW46cMOkc3N3b3Jk"),
    ],
)
def test_every_form_of_the_secret_is_understood(
    bridge: Bridge, prefect: FakePrefect, secret: str, header: str
) -> None:
    """A plain API key, a JSON object with one, or the server's basic-auth string."""
    bridge.secret = lambda: secret
    prefect.authorization = header

    assert bridge.deliver(messages(1)).accepted == {"m0-1"}


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "{oops", "{}", '{"api_key": 4}', "kéy"])
def test_a_malformed_secret_is_an_outage_that_keeps_it_secret(bridge: Bridge, secret: str) -> None:
    """No request is sent with it, and neither the outcome nor the error's chain quotes it."""
    bridge.secret = lambda: secret

    report = bridge.deliver(messages(1))

    assert report.returned == {"m0-1": "secret-malformed"}
    assert isinstance(report.halted, DeliveryHalted)
    assert report.halted.__cause__ is None
    assert report.halted.__suppress_context__ or report.halted.__context__ is None


def test_a_redirect_is_not_followed(bridge: Bridge, prefect: FakePrefect) -> None:
    """The key is sent to the configured address only."""
    bridge.secret = lambda: "key"
    prefect.faults.append(307)

    bridge.deliver(messages(1))

    assert not [path for _, path in prefect.seen if "elsewhere" in path]
