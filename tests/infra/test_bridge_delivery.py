"""The bridge's reaction to Prefect's responses, over real HTTP."""

from __future__ import annotations

import random
from typing import Any

import pytest
from batching import idempotency_key
from delivery import summary
from prefect_api import refusal_reason

from tests.support.bridge import Bridge, names
from tests.support.bridge_messages import customer_end, interaction, messages
from tests.support.fake_prefect import FakePrefect


def test_a_batch_is_one_post_of_texts(bridge: Bridge, prefect: FakePrefect) -> None:
    """All events are sent as texts in one run, whose key is that of the messages."""
    given = messages(*range(40))

    report = bridge.deliver(given)

    assert report.accepted == names(given)
    assert not report.returned
    (run,) = prefect.runs.values()
    assert run["parameters"] == {"events": [each.text for each in given]}
    assert run["idempotency_key"] == idempotency_key(given)
    assert report.runs == {run["id"]: 40}


def test_an_empty_batch_sends_no_request(bridge: Bridge, prefect: FakePrefect) -> None:
    """Nothing to deliver needs no request."""
    assert summary(bridge.deliver([]))["received"] == 0
    assert prefect.seen == []


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_event_is_dead_lettered_alone(bridge: Bridge, prefect: FakePrefect, status: int) -> None:
    """Splitting finds the three offenders among 50; the other 47 are accepted, each once."""
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


def test_an_event_that_breaks_prefect_is_returned_alone(bridge: Bridge, prefect: FakePrefect) -> None:
    """A 500 may be temporary: the offender is returned to the queue, the others are accepted."""
    given = messages(*range(50))
    prefect.poison = {interaction(17): 500}

    report = bridge.deliver(given)

    assert report.returned == {given[17].message_id: "refused-with-500"}
    assert len(report.accepted) == 49
    assert not bridge.letters.sent


def test_a_refused_event_is_returned_when_the_dead_letter_queue_is_down(
    bridge: Bridge, prefect: FakePrefect
) -> None:
    """A message counts as handled only when the dead-letter queue has it."""
    bridge.letters.works = False
    prefect.poison = {interaction(1): 422}

    report = bridge.deliver(messages(0, 1))

    assert report.returned == {"m1-1": "no-dead-letter-queue"}
    assert report.accepted == {"m0-0"}


def test_a_lost_response_makes_no_second_run(bridge: Bridge, prefect: FakePrefect) -> None:
    """A batch that is delivered again after a lost response gets the run that it has."""
    prefect.faults.extend(["drop after"] * 2)
    given = messages(1, 2)

    first, second = bridge.deliver(given), bridge.deliver(given)

    assert set(first.returned) == second.accepted == names(given)
    assert len(prefect.runs) == 1


@pytest.mark.parametrize("state", ["FAILED", "CRASHED", "CANCELLED", "CANCELLING"])
def test_a_failed_run_does_not_count_as_accepted(bridge: Bridge, prefect: FakePrefect, state: str) -> None:
    """A repeated key whose runs have all failed creates a new run, with the last one's id in its key."""
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
def test_a_run_that_has_not_failed_counts_as_accepted(
    bridge: Bridge, prefect: FakePrefect, state: str
) -> None:
    """A repeated key whose run is under way or completed is accepted without another run."""
    given = messages(1)
    bridge.deliver(given)
    next(iter(prefect.runs.values()))["state_type"] = state

    assert bridge.deliver(given).accepted == names(given)
    assert len(prefect.runs) == 1


def test_the_chain_of_failed_runs_is_bounded(bridge: Bridge, prefect: FakePrefect) -> None:
    """After 20 failed runs of a batch it is returned."""

    class Failing(dict[str, Any]):
        def __contains__(self, key: object) -> bool:
            self.setdefault(str(key), {"id": interaction(len(self)), "state_type": "FAILED"})
            return True

    prefect.runs = Failing()

    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"every-run-failed"}
    assert len(prefect.posted) == 20


def test_a_part_of_a_split_batch_has_the_key_of_its_messages(bridge: Bridge, prefect: FakePrefect) -> None:
    """After a split, each run's key is that of its own messages."""
    given = messages(*range(4))
    prefect.poison = {interaction(3): 409}

    bridge.deliver(given)

    assert list(prefect.runs) == [idempotency_key(given[:2]), idempotency_key([given[2]])]


def test_nothing_is_posted_while_too_many_runs_wait(bridge: Bridge, prefect: FakePrefect) -> None:
    """51 waiting runs stop the bridge, 50 do not."""
    prefect.waiting = 51
    assert set(bridge.deliver(messages(1, 2)).returned.values()) == {"too-many-waiting-runs"}
    assert prefect.runs == {}

    prefect.waiting = 50
    assert len(bridge.deliver(messages(1, 2)).accepted) == 2


def test_the_bridge_stops_when_its_own_runs_fill_the_queue(bridge: Bridge, prefect: FakePrefect) -> None:
    """An invocation with many batches counts the waiting runs again while it posts, and stops at the limit."""
    prefect.waits_for_runs = True
    prefect.waiting = 45

    report = bridge.deliver(messages(*range(40)), max_events=1)

    assert prefect.waiting == 51
    assert len(report.accepted) == 6
    assert len(report.returned) == 34


def test_waiting_runs_are_counted_every_ten_runs(bridge: Bridge, prefect: FakePrefect) -> None:
    """Other bridges post, too, so the count is repeated."""
    bridge.deliver(messages(*range(30)), max_events=1)

    assert [path for _, path in prefect.seen].count("/api/flow_runs/count") == 3


def test_the_rest_is_returned_when_the_time_is_short(bridge: Bridge, prefect: FakePrefect) -> None:
    """No request is started that may outlast the invocation."""
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
    """After a server closed the idle connection, every run is created once."""
    prefect.closes_idle = True

    report = bridge.deliver(messages(*range(5)), max_events=1)

    assert len(report.accepted) == len(prefect.runs) == 5


@pytest.mark.parametrize("status", [409, 500])
def test_a_deployment_that_refuses_everything_stops_the_bridge(
    bridge: Bridge, prefect: FakePrefect, status: int
) -> None:
    """Twenty lone refusals in a row halt the delivery: the rest is returned instead of dead-lettered."""
    prefect.poison = {"conversationId": status}

    report = bridge.deliver(messages(*range(300)))

    assert len(report.dead) == (20 if status == 409 else 0)
    assert len(report.returned) + len(report.dead) == 300
    assert len(prefect.posted) < 100
    assert summary(report)["stopped"] == {"code": "everything-refused", "status": status}


def test_the_reason_of_a_refusal_is_short_and_quotes_nothing(bridge: Bridge, prefect: FakePrefect) -> None:
    """Prefect's error may quote an event; its words up to the first value are passed on."""
    prefect.poison = {interaction(1): 409}

    bridge.deliver(messages(1))

    assert bridge.letters.sent["m0-1"].reason == "Error creating flow run"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {"detail": "Validation failed for field 'events'. Reason: 'Ada' is not"},
            "Validation failed for field",
        ),
        (
            {
                "exception_message": "Invalid request received.",
                "exception_detail": [
                    {"loc": ["body", "tags", 3], "type": "string_type", "msg": "not Ada", "input": "Ada"},
                    {"loc": ["body", "Ada Example"], "type": "Ada"},
                    "Ada",
                ],
            },
            "Invalid request received: body.tags.3.string_type: body",
        ),
        ({"exception_detail": "Ada"}, "no reason given"),
        (["Ada"], "no reason given"),
    ],
)
def test_a_reason_names_errors_by_field_and_type(answer: object, reason: str) -> None:
    """What was refused is named as Prefect names it, without the value that it quotes."""
    assert refusal_reason(answer) == reason


@pytest.mark.parametrize("seed", range(12))
def test_after_random_faults_every_message_is_in_one_place(
    bridge: Bridge, prefect: FakePrefect, seed: int
) -> None:
    """Delivered until done, each event is in a run or dead-lettered, never in neither and never in both."""
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
    """The log has counts, runs and message ids, but no interaction's id and no word of an event."""
    prefect.poison = {interaction(1): 422, interaction(2): 500}

    logged = str(summary(bridge.deliver(messages(1, 2, 3))))

    event = customer_end(1)
    assert event["id"] not in logged
    assert not any(interaction(n) in logged for n in (1, 2, 3))
    assert "Error creating" not in logged
