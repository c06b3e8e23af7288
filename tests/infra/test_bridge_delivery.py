"""What the bridge does with Prefect's answers, over real HTTP."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from connection import Connection
from credentials import Credentials
from delivery import Delivery, Report, summary
from outcomes import Stopped
from packing import Message, idempotency_key
from prefect_api import PrefectApi

from tests.infra.bridge_messages import Letters, customer_end, interaction, messages
from tests.infra.fake_prefect import FakePrefect

OUTAGES = [429, 401, 403, 404, 408, 502, 503, 504]


@dataclass
class Bridge:
    """The bridge against the fake, with a clock to set."""

    prefect: FakePrefect
    connection: Connection
    letters: Letters = field(default_factory=Letters)
    secret: Callable[[], str] | None = None
    remaining: Callable[[], float] = lambda: 100.0

    def deliver(self, given: list[Message], *, timeout: float = 5, **bounds: int) -> Report:
        """Deliver as one invocation of a new process does."""
        return self.process(timeout=timeout, **bounds).deliver(given, self.remaining)

    def process(self, *, timeout: float = 5, **bounds: int) -> Delivery:
        """Return a process that can be invoked several times."""
        name = "process-interactions/live"
        api = PrefectApi(self.connection, Credentials(self.secret), deployment_name=name, timeout=timeout)
        limits = {"max_events": 1000, "max_bytes": 500_000, "max_waiting_runs": 50, **bounds}
        return Delivery(api, self.letters, **limits)


@pytest.fixture
def prefect() -> Iterator[FakePrefect]:
    """Return a Prefect that behaves, until told otherwise."""
    with FakePrefect().serving() as fake:
        yield fake


@pytest.fixture
def bridge(prefect: FakePrefect) -> Iterator[Bridge]:
    """Return the bridge in front of it."""
    connection = Connection(urlsplit(prefect.url))
    yield Bridge(prefect, connection)
    connection.close()


def names(given: list[Message]) -> set[str]:
    """Return the ids of messages."""
    return {each.message_id for each in given}


def test_a_batch_is_one_post_of_texts(bridge: Bridge, prefect: FakePrefect) -> None:
    """All events go as text in one run, whose key is that of the messages."""
    given = messages(*range(40))

    report = bridge.deliver(given)

    assert report.accepted == names(given)
    assert not report.returned
    (run,) = prefect.runs.values()
    assert run["parameters"] == {"events": [each.text for each in given]}
    assert run["idempotency_key"] == idempotency_key(given)
    assert report.runs == {run["id"]: 40}


def test_nothing_to_deliver_asks_nothing(bridge: Bridge, prefect: FakePrefect) -> None:
    """An empty batch leaves Prefect alone."""
    assert summary(bridge.deliver([]))["received"] == 0
    assert prefect.seen == []


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_event_is_dead_lettered_and_costs_its_neighbours_nothing(
    bridge: Bridge, prefect: FakePrefect, status: int
) -> None:
    """Halving finds the three offenders among 50; the other 47 are accepted, each once."""
    given = messages(*range(50))
    bad = [given[n].message_id for n in (0, 1, 33)]
    prefect.poison = {interaction(n): status for n in (0, 1, 33)}

    report = bridge.deliver(given)

    assert sorted(bridge.letters.sent) == sorted(report.dead) == sorted(bad)
    assert report.accepted == names(given) - set(bad)
    assert not report.returned
    assert len(prefect.texts) == 47
    assert all(refused.status == status for refused in bridge.letters.sent.values())
    assert summary(report)["refusals"] == dict.fromkeys(bad, f"dead-lettered-{status}")


def test_an_event_that_breaks_prefect_goes_back_alone(bridge: Bridge, prefect: FakePrefect) -> None:
    """500 may pass: the offender goes back to the queue, its neighbours are accepted."""
    given = messages(*range(50))
    prefect.poison = {interaction(17): 500}

    report = bridge.deliver(given)

    assert report.returned == {given[17].message_id: "refused-with-500"}
    assert len(report.accepted) == 49
    assert not bridge.letters.sent


def test_poison_goes_back_when_the_dead_letter_queue_is_down(bridge: Bridge, prefect: FakePrefect) -> None:
    """A message is handled when the dead-letter queue has it, not before."""
    bridge.letters.works = False
    prefect.poison = {interaction(1): 422}

    report = bridge.deliver(messages(0, 1))

    assert report.returned == {"m1-1": "no-dead-letter-queue"}
    assert report.accepted == {"m0-0"}


@pytest.mark.parametrize("fault", [*OUTAGES, 301, 307, 418, 501, "drop", "drop after", "page", "half"])
def test_an_outage_sends_everything_back_and_nothing_to_the_dead(
    bridge: Bridge, prefect: FakePrefect, fault: Any
) -> None:
    """Whatever is wrong with Prefect, the key or the way there is never an event's fault."""
    prefect.faults.extend([fault] * 10)

    report = bridge.deliver(messages(*range(20)))

    assert set(report.returned) == names(messages(*range(20)))
    assert not report.accepted
    assert not bridge.letters.sent
    assert len(prefect.posted) <= 2


def test_an_outage_half_way_sends_back_the_rest_alone(bridge: Bridge, prefect: FakePrefect) -> None:
    """What was accepted before the outage stays accepted."""
    prefect.faults.extend([None, None, *[503] * 10])

    report = bridge.deliver(messages(*range(40)), max_events=10)

    assert len(report.accepted) == len(prefect.texts) == 20
    assert len(report.returned) == 20
    assert summary(report)["stopped"] == {"code": "outage", "status": 503}


def test_a_moment_of_being_busy_is_waited_out(bridge: Bridge, prefect: FakePrefect) -> None:
    """A server on SQLite that is busy for a moment costs no batch its visibility time-out."""
    prefect.faults.extend([503, 503])

    assert len(bridge.deliver(messages(1, 2)).accepted) == 2
    assert len(prefect.runs) == 1


def test_no_prefect_at_all_sends_everything_back(bridge: Bridge, prefect: FakePrefect) -> None:
    """A port that nobody listens on is an outage."""
    bridge.connection = Connection(urlsplit("http://127.0.0.1:9/api"))

    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"no-answer"}
    assert prefect.seen == []


def test_a_slow_answer_ends_at_the_time_out(bridge: Bridge, prefect: FakePrefect) -> None:
    """The bridge waits as long as it was told and not as long as the server likes."""
    prefect.faults.append(1.5)
    started = time.monotonic()

    report = bridge.deliver(messages(1), timeout=0.2)

    assert time.monotonic() - started < 1.2
    assert report.returned == {"m0-1": "time-out"}


def test_a_lost_answer_makes_no_second_run(bridge: Bridge, prefect: FakePrefect) -> None:
    """A batch delivered again after a lost answer is answered with the run it has."""
    prefect.faults.extend(["drop after"] * 2)
    given = messages(1, 2)

    first, second = bridge.deliver(given), bridge.deliver(given)

    assert set(first.returned) == second.accepted == names(given)
    assert len(prefect.runs) == 1


@pytest.mark.parametrize("state", ["FAILED", "CRASHED", "CANCELLED", "CANCELLING"])
def test_an_old_run_that_failed_is_no_acceptance(bridge: Bridge, prefect: FakePrefect, state: str) -> None:
    """A repeated key whose runs have all failed makes a new run under the last one's id."""
    given = messages(1)
    key = idempotency_key(given)
    ids = []
    for _ in range(3):
        assert bridge.deliver(given).accepted == names(given)
        for run in prefect.runs.values():
            run["state_type"] = state
        ids.append(list(prefect.runs.values())[-1]["id"])

    assert list(prefect.runs) == [key, f"{key}:{ids[0]}", f"{key}:{ids[1]}"]


@pytest.mark.parametrize("state", ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "PAUSED"])
def test_an_old_run_that_lives_is_an_acceptance(bridge: Bridge, prefect: FakePrefect, state: str) -> None:
    """A repeated key whose run is under way or done is accepted without another."""
    given = messages(1)
    bridge.deliver(given)
    next(iter(prefect.runs.values()))["state_type"] = state

    assert bridge.deliver(given).accepted == names(given)
    assert len(prefect.runs) == 1


def test_endless_failed_runs_end(bridge: Bridge, prefect: FakePrefect) -> None:
    """A chain of failed runs is followed a bounded way, then the batch goes back and others go on."""

    class Failing(dict[str, Any]):
        def __contains__(self, key: object) -> bool:
            self.setdefault(str(key), {"id": interaction(len(self)), "state_type": "FAILED"})
            return True

    prefect.runs = Failing()

    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"every-run-failed"}
    assert len(prefect.posted) == 20


def test_a_half_has_the_key_of_its_own_messages(bridge: Bridge, prefect: FakePrefect) -> None:
    """After halving, each run's key is that of the messages it really has."""
    given = messages(*range(4))
    prefect.poison = {interaction(3): 409}

    bridge.deliver(given)

    assert list(prefect.runs) == [idempotency_key(given[:2]), idempotency_key([given[2]])]


def test_nothing_is_accepted_while_too_many_runs_wait(bridge: Bridge, prefect: FakePrefect) -> None:
    """51 waiting runs close the bridge, 50 do not."""
    prefect.waiting = 51
    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"too-many-waiting-runs"}
    assert prefect.runs == {}

    prefect.waiting = 50
    assert len(bridge.deliver(messages(1, 2)).accepted) == 2


def test_the_bridge_closes_as_its_own_runs_fill_the_queue(bridge: Bridge, prefect: FakePrefect) -> None:
    """One invocation with many batches looks again as it posts, and stops at the bound."""
    prefect.waits_for_runs = True
    prefect.waiting = 45

    report = bridge.deliver(messages(*range(40)), max_events=1)

    assert prefect.waiting == 51
    assert len(report.accepted) == 6
    assert len(report.returned) == 34


def test_a_busy_prefect_is_looked_at_every_ten_runs(bridge: Bridge, prefect: FakePrefect) -> None:
    """Other bridges post too: the count is taken anew every ten runs."""
    bridge.deliver(messages(*range(30)), max_events=1)

    assert [path for _, path in prefect.seen].count("/api/flow_runs/count") == 3


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_count_that_fails_is_an_outage(bridge: Bridge, prefect: FakePrefect, status: int) -> None:
    """Not knowing how many wait is no licence to post."""
    prefect.count_status = status

    assert set(bridge.deliver(messages(1)).returned.values()) == {"waiting-runs-unknown"}
    assert prefect.posted == []


def test_the_rest_goes_back_when_time_is_short(bridge: Bridge, prefect: FakePrefect) -> None:
    """No request is begun that the invocation may not see the end of."""
    bridge.remaining = lambda: 3.5 if len(prefect.runs) >= 3 else 30.0

    report = bridge.deliver(messages(*range(9)), max_events=1)

    assert len(report.accepted) == len(prefect.runs) == 3
    assert set(report.returned.values()) == {"out-of-time"}


def test_all_requests_share_one_connection(bridge: Bridge, prefect: FakePrefect) -> None:
    """The connection is kept between batches and invocations, and no request is sent twice."""
    process = bridge.process(max_events=1)
    for number in range(3):
        process.deliver(messages(number, number + 10), bridge.remaining)

    assert prefect.connections == 1
    assert len(prefect.seen) == 1 + 3 + 6


def test_a_kept_connection_that_was_closed_is_opened_again(bridge: Bridge, prefect: FakePrefect) -> None:
    """A server that closes idle connections without a word costs nothing and doubles nothing."""
    prefect.closes_idle = True

    report = bridge.deliver(messages(*range(5)), max_events=1)

    assert len(report.accepted) == len(prefect.runs) == 5


def test_a_deployment_made_anew_is_found_by_its_name(bridge: Bridge, prefect: FakePrefect) -> None:
    """An id that no longer exists is resolved once more by the deployment's name."""
    process = bridge.process()
    process.deliver(messages(1), bridge.remaining)
    prefect.deployments = {"process-interactions/live": interaction(99)}

    assert process.deliver(messages(2), bridge.remaining).accepted == {"m0-2"}


def test_the_deployment_is_resolved_once_per_process(bridge: Bridge, prefect: FakePrefect) -> None:
    """The id is kept between invocations."""
    process = bridge.process()
    for number in range(3):
        process.deliver(messages(number), bridge.remaining)

    assert [method for method, _ in prefect.seen].count("GET") == 1


def test_a_missing_deployment_is_an_outage(bridge: Bridge, prefect: FakePrefect) -> None:
    """Events wait in the queue until somebody deploys."""
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
    """A refused key sends everything back; it is tried twice and no more."""
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
    """Nothing is sent with it, and neither the outcome nor the error's chain quotes it."""
    bridge.secret = lambda: secret

    report = bridge.deliver(messages(1))

    assert report.returned == {"m0-1": "secret-malformed"}
    assert isinstance(report.stopped, Stopped)
    assert report.stopped.__cause__ is None
    assert report.stopped.__suppress_context__ or report.stopped.__context__ is None


def test_a_redirect_is_not_followed(bridge: Bridge, prefect: FakePrefect) -> None:
    """The key goes to the configured address and nowhere an answer points to."""
    bridge.secret = lambda: "key"
    prefect.faults.append(307)

    bridge.deliver(messages(1))

    assert not [path for _, path in prefect.seen if "elsewhere" in path]


@pytest.mark.parametrize("status", [409, 500])
def test_a_deployment_that_refuses_everything_stops_the_bridge(
    bridge: Bridge, prefect: FakePrefect, status: int
) -> None:
    """Twenty lone refusals in a row are a broken deployment: the rest waits in the queue instead of dying."""
    prefect.poison = {"conversationId": status}

    report = bridge.deliver(messages(*range(300)))

    assert len(report.dead) == (20 if status == 409 else 0)
    assert len(report.returned) + len(report.dead) == 300
    assert len(prefect.posted) < 100
    assert summary(report)["stopped"] == {"code": "everything-refused", "status": status}


def test_the_reason_of_a_refusal_is_short_and_masked(bridge: Bridge, prefect: FakePrefect) -> None:
    """Prefect's answer may quote an event; no digit and no control character of it is passed on."""
    prefect.poison = {interaction(1): 409}

    bridge.deliver(messages(1))

    reason = bridge.letters.sent["m0-1"].reason
    assert reason.startswith("Error creating flow run: ")
    assert len(reason) <= 200
    assert reason.isprintable()
    assert not any(character.isdigit() for character in reason)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_breaks_every_message_ends_in_one_place(
    bridge: Bridge, prefect: FakePrefect, seed: int
) -> None:
    """Random faults, delivered again until done: each event is in a run or dead, none lost, none in both."""
    chance = random.Random(seed)
    pending = messages(*[chance.randrange(60) for _ in range(100)])
    texts = {each.message_id: each.text for each in pending}
    poisoned = {interaction(n) for n in chance.sample(range(60), 5)}
    prefect.poison = dict.fromkeys(poisoned, 409)
    faults = [502, "drop", "drop after", "half", "page", 500, 404, 401, None, None, None]
    for _ in range(200):
        prefect.faults.extend(chance.choice(faults) for _ in range(20))
        report = bridge.deliver(pending, max_events=chance.choice([1, 7, 1000]))
        assert not report.accepted & set(report.dead)
        assert report.accepted | set(report.dead) | set(report.returned) == names(pending)
        pending = [each for each in pending if each.message_id in report.returned]
        chance.shuffle(pending)
        if not pending:
            break

    assert not pending
    bad = {name for name, text in texts.items() if any(each in text for each in poisoned)}
    assert set(bridge.letters.sent) == bad
    assert set(prefect.texts) == {text for name, text in texts.items() if name not in bad}


def test_the_summary_holds_nothing_of_an_event(bridge: Bridge, prefect: FakePrefect) -> None:
    """Counts, runs and message ids are logged; ids of interactions and words of events are not."""
    prefect.poison = {interaction(1): 422, interaction(2): 500}

    told = str(summary(bridge.deliver(messages(1, 2, 3))))

    event = customer_end(1)
    assert event["id"] not in told
    assert not any(interaction(n) in told for n in (1, 2, 3))
    assert "Error creating" not in told
