"""`python -m deployments inspect`: what happened to an interaction, in a terminal and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import requests

from deployments.sandbox import servers
from tests.integration.operations import conversations, erase
from tests.integration.sandbox import Driver


class Ended(NamedTuple):
    """How the command ended."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Inspect = Callable[..., Ended]


@pytest.fixture
def inspect(driver: Driver) -> Inspect:
    """The command, in the sandbox's environment; None leaves a variable out."""

    def run(*arguments: str, **changes: str | None) -> Ended:
        known: dict[str, str | None] = {**driver.sandbox.environment(), "COLUMNS": "200", **changes}
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "deployments", "inspect", *arguments],
            env={name: value for name, value in known.items() if value is not None},
            cwd=servers.ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def stored(driver: Driver) -> tuple[str, dict[str, Any]]:
    """An interaction that was stored, and its row."""
    id_ = driver.end()
    row = driver.until(lambda: driver.settled(id_))
    driver.until(lambda: next(conversations(driver).keys(id_), None))
    return id_, row


def test_a_stored_interaction_shows_its_record_and_its_run(driver: Driver, inspect: Inspect) -> None:
    """Stored and settled, with the run that wrote it, its state and a link to it; persons are hidden."""
    id_, row = stored(driver)
    driver.until(lambda: [r for r in driver.runs_with(id_) if r["state_type"] == "COMPLETED"])
    ended = inspect(id_.upper(), "--json")
    assert ended.code == 0, ended.errors
    found = ended.json
    assert (found["state"], found["settled"], found["conversations"]) == ("stored", True, 1)
    assert found["record"]["mediaType"] == row["mediaType"]
    (run,) = found["runs"]
    assert (run["flow_run_id"], run["role"], run["state"]) == (row["flowRunId"], "changed it", "Completed")
    assert run["url"] == f"{driver.sandbox.ui_url}/runs/flow-run/{row['flowRunId']}"
    names = [agent["name"] for agent in row.get("agents", [])]
    assert not any(name in ended.out for name in names)


def test_reveal_shows_persons_too(driver: Driver, inspect: Inspect) -> None:
    """Names are shown only to whoever asks for them."""
    id_, row = stored(driver)
    while not row.get("agentName"):  # some conversations have no agent
        id_, row = stored(driver)
    hidden, shown = inspect(id_), inspect(id_, "--reveal")
    assert row["agentName"] not in hidden.out
    assert "Stored, settled." in hidden.out
    assert row["agentName"] in shown.out


def test_a_deferred_interaction_shows_when_it_is_asked_for_again(driver: Driver, inspect: Inspect) -> None:
    """Not stored yet: until when it waits, which attempt is next, and the run that put it off."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    driver.end(id_)
    driver.until(lambda: (driver.row(id_) or {}).get("dueAt"))
    found = inspect(id_, "--json").json
    assert found["state"] == "waiting"
    assert found["attempt"] >= 2
    assert found["due_at"] in found["answer"]
    assert any(run["role"] == "put it off" for run in found["runs"])


def test_an_invalid_event_is_found_by_its_interaction(driver: Driver, inspect: Inspect) -> None:
    """In quarantine with the reason, which names the field, and the run that put it there."""
    id_ = driver.end(mediaType=True)
    driver.until(lambda: driver.quarantined(interactionId=id_))
    ended = inspect(id_, "--json")
    (row,) = ended.json["quarantine"]
    assert ended.code == 0
    assert (row["reason"], row["code"]) == ("rejected", "wrong-type")
    assert "mediaType" in row["error"]
    assert "event" not in row
    assert "In quarantine as rejected" in ended.json["answer"]
    assert "quarantined it" in [run["role"] for run in ended.json["runs"]]


def test_an_event_without_an_interaction_is_found_by_its_own_id(driver: Driver, inspect: Inspect) -> None:
    """Whoever has only the rejected event's id finds its quarantine row under that."""
    event_id = str(uuid.uuid4())
    driver.create_run([json.dumps({"id": event_id, "detail-type": "conversation.end", "detail": {}})])
    driver.until(lambda: driver.quarantined(eventId=event_id))
    (row,) = inspect(event_id, "--json").json["quarantine"]
    assert (row["eventId"], row["code"]) == (event_id, "missing-conversation-id")


def test_an_erased_interaction_shows_its_tombstone(driver: Driver, inspect: Inspect) -> None:
    """Erased at a time, with the run whose receipt tells of it, and no record."""
    id_, _ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    found = inspect(id_, "--json").json
    assert (found["state"], found["record"], found["receipt_id"]) == ("erased", None, run["id"])
    assert found["erased_at"] in found["answer"]
    assert [each["role"] for each in found["runs"] if each["flow_run_id"] == run["id"]] == ["erased it"]


def test_a_dead_letter_is_seen_and_stays(driver: Driver, inspect: Inspect) -> None:
    """A look into the dead-letter queue finds the message, and whoever comes next still finds it there."""
    id_, sqs, url = str(uuid.uuid4()), driver.sandbox.client("sqs"), driver.addresses.dead_letter_queue_url
    reason = {"code": {"DataType": "String", "StringValue": "refused-by-prefect"}}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"conversationId": id_}), MessageAttributes=reason)
    try:
        found = inspect(id_, "--json").json
        assert [letter["code"] for letter in found["dead_letters"]["found"]] == ["refused-by-prefect"]
        assert "python -m infra redrive" in found["answer"]
        again = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
        assert id_ in again["Messages"][0]["Body"]
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_an_interaction_whose_run_has_not_ended_is_said_to_be_on_its_way(
    driver: Driver, inspect: Inspect
) -> None:
    """Not stored, but its run is on the way: by name and state, so that nobody takes it for lost."""
    id_ = str(uuid.uuid4())
    found = driver.api("/deployments/filter", {"deployments": {"name": {"any_": ["replay"]}}})
    body = {"name": f"replay of {id_}", "state": {"type": "SCHEDULED", "name": "AwaitingRetry"}}
    body["state"]["state_details"] = {"scheduled_time": "2099-01-01T00:00:00Z"}  # type: ignore[index]
    run = driver.api(f"/deployments/{found[0]['id']}/create_flow_run", body)
    ended = inspect(id_, "--json")
    requests.delete(
        f"{driver.addresses.prefect_api_url}/flow_runs/{run['id']}", timeout=10
    ).raise_for_status()
    assert (
        ended.json["answer"] == f"Not stored. Its run replay of {id_} is AwaitingRetry: it may yet be stored."
    )
    assert ended.code == 0


def test_an_unknown_interaction_is_said_to_be_unknown(inspect: Inspect) -> None:
    """Nobody has heard of it: exit code 1, and what to do."""
    ended = inspect(str(uuid.uuid4()))
    assert ended.code == 1
    assert "Nothing here has ever heard of it" in ended.out


@pytest.mark.parametrize("wrong", ["7f3c", "+15550100123", "", "not-a-uuid"])
def test_what_is_no_id_is_said_to_be_none(inspect: Inspect, wrong: str) -> None:
    """Exit code 2 and the form that is wanted."""
    ended = inspect("--json", "--", wrong)
    assert ended.code == 2
    assert "8-4-4-4-12" in ended.json["error"]


def test_a_missing_setting_is_named(inspect: Inspect) -> None:
    """Without a table there is no answer, and the variable is named; without a traceback."""
    ended = inspect(str(uuid.uuid4()), INTERACTION_TABLE=None)
    assert ended.code == 2
    assert "INTERACTION_TABLE" in ended.errors
    assert "Traceback" not in ended.errors


def test_what_could_not_be_looked_at_is_named(driver: Driver, inspect: Inspect) -> None:
    """Without Prefect, bucket and queue the tables still answer, and the rest is said to be missing."""
    id_, row = stored(driver)
    missing = dict.fromkeys(("PREFECT_API_URL", "CONVERSATION_BUCKET", "DEAD_LETTER_QUEUE_URL"))
    found = inspect(id_, "--json", **missing).json
    assert found["state"] == "stored"
    assert [run["flow_run_id"] for run in found["runs"]] == [row["flowRunId"]]
    assert all(any(name in note for note in found["notes"]) for name in missing)
    down = inspect(
        id_, "--json", PREFECT_API_URL="http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES="0"
    ).json
    assert any("Prefect did not answer" in note for note in down["notes"])


def test_a_store_that_does_not_answer_is_an_error_and_not_an_unknown(inspect: Inspect) -> None:
    """An outage is never taken for an absence."""
    ended = inspect(str(uuid.uuid4()), INTERACTION_TABLE="no-such-table")
    assert ended.code == 2
    assert "no-such-table" in ended.errors
