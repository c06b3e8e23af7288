"""`python -m deployments inspect`: the state of an interaction, for a terminal and as JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import requests

from tests.support.events import event_text, oversize_event
from tests.support.prefect_runs import erase, replay
from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver
from tests.support.stored import put_former_object, staging_bucket


class Result(NamedTuple):
    """Exit code and output of the command."""

    code: int
    out: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        """The output as JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Inspect = Callable[..., Result]


@pytest.fixture
def inspect(driver: SandboxDriver) -> Inspect:
    """Return a function that runs the command in the sandbox's environment; None removes a variable."""

    def run(*arguments: str, **changes: str | None) -> Result:
        known = {**driver.sandbox.environment(), "COLUMNS": "200", **changes}
        done = run_python("-m", "deployments", "inspect", *arguments, environment=known)
        return Result(done.returncode, done.stdout, done.stderr)

    return run


def stored(driver: SandboxDriver) -> tuple[str, dict[str, Any]]:
    """Store an interaction; return its id and its row."""
    id_ = driver.end()
    row = driver.until_settled(id_)
    return id_, row


def test_a_stored_interaction_shows_its_record_and_its_run(driver: SandboxDriver, inspect: Inspect) -> None:
    """It shows the run that wrote the record, its state and a link to it, but no person's name."""
    id_, row = stored(driver)
    driver.until(lambda: [r for r in driver.runs_with(id_) if r["state_type"] == "COMPLETED"])
    result = inspect(id_.upper(), "--json")
    assert result.code == 0, result.errors
    found = result.json
    assert (found["state"], found["settled"]) == ("stored", True)
    assert (found["staged"], found["conversations"]) == (True, 0)
    assert found["record"]["mediaType"] == row["mediaType"]
    (run,) = found["runs"]
    assert (run["flow_run_id"], run["role"], run["state"]) == (row["flowRunId"], "changed it", "Completed")
    assert run["url"] == f"{driver.sandbox.ui_url}/runs/flow-run/{row['flowRunId']}"
    assert "agentName" not in row or row["agentName"] not in result.out


def test_where_the_whole_conversation_is_is_shown(driver: SandboxDriver, inspect: Inspect) -> None:
    """Staged only while the object that the row names holds its version; objects of a former release are counted."""
    id_, row = stored(driver)
    bucket = driver.addresses.conversation_bucket
    put_former_object(driver.sandbox.client("s3"), bucket, id_, {"conversationId": id_})
    assert "staged for the tables; objects of releases before 0.2: 1" in inspect(id_).out
    staging_bucket(driver).remove(frozenset({id_}), row["staged"])
    shown = inspect(id_).out
    assert "not staged; objects of releases before 0.2: 1" in shown
    assert "startDays" not in shown


def test_reveal_shows_names_of_persons(driver: SandboxDriver, inspect: Inspect) -> None:
    """Names of persons are shown with --reveal only; a row of an older version has them beside each agent."""
    id_ = str(uuid.uuid4())
    agent = {"M": {"userId": {"S": str(uuid.uuid4())}, "name": {"S": "Ada Example"}}}
    item = {"interactionId": {"S": id_}, "settled": {"BOOL": True}, "version": {"S": "1|2026"}}
    item |= {"agents": {"L": [agent]}, "agentName": {"S": "Ada Example"}}
    table = driver.sandbox.addresses.interaction_table
    driver.sandbox.client("dynamodb").put_item(TableName=table, Item=item)
    hidden, shown = inspect(id_), inspect(id_, "--reveal")
    assert "Ada Example" not in hidden.out
    assert "Stored, settled." in hidden.out
    assert "Ada Example" in shown.out


def test_agents_path_and_wrap_ups_are_tables(driver: SandboxDriver, inspect: Inspect) -> None:
    """A settled interaction with an agent shows who took part, through which queues, and with which wrap-ups."""
    id_, row = stored(driver)
    while not (row.get("queues") and any("wrapUps" in agent for agent in row.get("agents", []))):
        id_, row = stored(driver)
    shown = inspect(id_).out
    assert all(
        title in shown for title in ("Agents, times in seconds", "Path through the queues", "Wrap-ups")
    )
    assert all(agent["userId"][:8] in shown for agent in row["agents"])


def test_a_deferred_interaction_shows_its_next_attempt(driver: SandboxDriver, inspect: Inspect) -> None:
    """It shows when the next attempt is due, its number, and the run that deferred the interaction."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    driver.end(id_)
    driver.until(lambda: (driver.row(id_) or {}).get("dueAt"))
    found = inspect(id_, "--json").json
    assert found["state"] == "waiting"
    assert found["attempt"] >= 2
    assert found["due_at"] in found["answer"]
    assert any(run["role"] == "deferred it" for run in found["runs"])


def test_an_invalid_event_is_found_by_its_interaction(driver: SandboxDriver, inspect: Inspect) -> None:
    """It shows the quarantine row with its reason, and the run that wrote it."""
    id_ = str(uuid.uuid4())
    driver.create_run([oversize_event(id_)])
    driver.until(lambda: driver.quarantined(interactionId=id_))
    result = inspect(id_, "--json")
    (row,) = result.json["quarantine"]
    assert result.code == 0
    assert (row["reason"], row["code"]) == ("rejected", "oversize")
    assert "too large" in row["error"]
    assert "event" not in row
    assert "In quarantine as rejected" in result.json["answer"]
    assert "quarantined it" in [run["role"] for run in result.json["runs"]]


def test_an_event_without_an_interaction_is_found_by_its_own_id(
    driver: SandboxDriver, inspect: Inspect
) -> None:
    """The id of a rejected event finds its quarantine row."""
    event_id = str(uuid.uuid4())
    driver.create_run([json.dumps({"id": event_id, "detail-type": "conversation.end", "detail": {}})])
    driver.until(lambda: driver.quarantined(eventId=event_id))
    (row,) = inspect(event_id, "--json").json["quarantine"]
    assert (row["eventId"], row["code"]) == (event_id, "missing-conversation-id")


def test_an_erased_interaction_shows_its_tombstone(driver: SandboxDriver, inspect: Inspect) -> None:
    """It shows when the interaction was erased and by which run, and no record."""
    id_, _ = stored(driver)
    run = erase(driver, interaction_ids=[id_], dry_run=False)
    found = inspect(id_, "--json").json
    assert (found["state"], found["record"], found["receipt_id"]) == ("erased", None, run["id"])
    assert found["erased_at"] in found["answer"]
    assert [each["role"] for each in found["runs"] if each["flow_run_id"] == run["id"]] == ["erased it"]


def test_a_dead_letter_is_shown_and_stays(driver: SandboxDriver, inspect: Inspect) -> None:
    """The message in the dead-letter queue is shown, and is visible to the next receiver."""
    id_, sqs, url = str(uuid.uuid4()), driver.sandbox.client("sqs"), driver.addresses.dead_letter_queue_url
    reason = {"code": {"DataType": "String", "StringValue": "refused-by-prefect"}}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"conversationId": id_}), MessageAttributes=reason)
    try:
        found = inspect(id_, "--json").json
        assert [letter["code"] for letter in found["dead_letters"]["found"]] == ["refused-by-prefect"]
        assert "python -m infra redrive" in found["answer"]

        def received() -> bool:
            again = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            return any(id_ in each["Body"] for each in again.get("Messages", []))

        assert driver.until(received)
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_an_interaction_with_an_unfinished_run_shows_that_run(
    driver: SandboxDriver, inspect: Inspect
) -> None:
    """An interaction that is not stored yet is shown with its scheduled run's name and state."""
    id_ = str(uuid.uuid4())
    found = driver.api("/deployments/filter", {"deployments": {"name": {"any_": ["replay"]}}})
    details = {"scheduled_time": "2099-01-01T00:00:00Z"}
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "state_details": details}
    body = {"name": f"replay of {id_}", "state": state}
    run = driver.api(f"/deployments/{found[0]['id']}/create_flow_run", body)
    result = inspect(id_, "--json")
    requests.delete(
        f"{driver.addresses.prefect_api_url}/flow_runs/{run['id']}", timeout=60
    ).raise_for_status()
    assert (
        result.json["answer"]
        == f"Not stored. Its run replay of {id_} is AwaitingRetry and may still store it."
    )
    assert result.code == 0


def test_an_interaction_in_a_batch_that_waits_is_found(driver: SandboxDriver, inspect: Inspect) -> None:
    """Its run is named after the number of its interactions, and no store has heard of it yet."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    driver.pause_live(paused=True)
    try:
        run_id = driver.create_run([event_text(id_) for id_ in ids])
        result = inspect(ids[1], "--json")
    finally:
        driver.pause_live(paused=False)
    assert result.code == 0
    (run,) = result.json["runs"]
    assert (run["flow_run_id"], run["role"], run["under_way"]) == (run_id, "holds it", True)
    assert "may still store it" in result.json["answer"]


def test_why_an_interaction_waits_is_said(driver: SandboxDriver, inspect: Inspect) -> None:
    """The reason is stored with the time that it is due, and since when it waits."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
    driver.create_run([event_text(id_)])
    driver.until(lambda: (driver.row(id_) or {}).get("dueAt"))
    found = inspect(id_, "--json").json
    assert found["deferred_for"] == "throttled"
    assert f"It waits since {found['deferred_since']}: Genesys, or the request limit" in found["answer"]


def test_a_failed_replay_of_many_says_why(driver: SandboxDriver, inspect: Inspect) -> None:
    """The run is named after a number; the interaction's card leads to it."""
    unknown, other = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[unknown])
    run = replay(driver, interaction_ids=[unknown, other])
    result = inspect(unknown, "--json")
    assert [each["flow_run_id"] for each in result.json["runs"]] == [run["id"]]
    assert "unknown-to-genesys" in result.json["answer"]


def test_an_unknown_interaction_is_exit_code_1(inspect: Inspect) -> None:
    """The output says that nothing is known of it."""
    result = inspect(str(uuid.uuid4()))
    assert result.code == 1
    assert "Unknown: no store, no queue and no flow run is about it" in result.out


@pytest.mark.parametrize("wrong", ["7f3c", "12ab-34", "", "not-a-uuid"])
def test_an_invalid_id_is_exit_code_2(inspect: Inspect, wrong: str) -> None:
    """The error shows the form of a UUID."""
    result = inspect("--json", "--", wrong)
    assert result.code == 2
    assert "8-4-4-4-12" in result.json["error"]


def test_a_missing_setting_is_exit_code_2(inspect: Inspect) -> None:
    """The error names the variable of the missing table, without a traceback."""
    result = inspect(str(uuid.uuid4()), INTERACTION_TABLE=None)
    assert result.code == 2
    assert "INTERACTION_TABLE" in result.errors
    assert "Traceback" not in result.errors


def test_unreachable_parts_are_named(driver: SandboxDriver, inspect: Inspect) -> None:
    """Without Prefect, bucket or queue the tables' content is shown, with a note about each missing part."""
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


def test_an_unreachable_table_is_exit_code_2(inspect: Inspect) -> None:
    """An outage is reported as an error and not as an unknown interaction."""
    result = inspect(str(uuid.uuid4()), INTERACTION_TABLE="no-such-table")
    assert result.code == 2
    assert "no-such-table" in result.errors
