"""No personal data and no secret in Prefect, whatever the outcomes of this session's interactions."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.servers import AWS
from tests.support.bridge_feed import bridge_feed, delivered
from tests.support.malformed_events import BY_HAND, THROUGH_THE_BRIDGE, Person, malformed
from tests.support.prefect_contents import appearances, in_the_database, in_the_logs, through_the_api
from tests.support.prefect_runs import erase, logs_with
from tests.support.sandbox import PERSONAL, SandboxDriver

# Personal data of the events on the bus (`deployments.sample_events`), and secrets.
ON_THE_BUS = {"+15550100123", "15550100456", "Jane Q. Publicperson", "jane.q@example.com"}
BASIC = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
AWS_KEY = AWS["AWS_SECRET_ACCESS_KEY"]
SECRETS = {CLIENT_SECRET, BASIC, AWS_KEY, "Bearer ", "Authorization", "a-secret-that-only-a-block-holds"}
TOKEN = re.compile(r"sim-[0-9a-f]{64}")  # the simulator's access tokens
SHORT = 3_000  # characters of an event, so that all of them are one run's parameters
MIN_LENGTH = 5  # of a personal string; a shorter one may appear by chance


def every_outcome(driver: SandboxDriver) -> list[str]:
    """Process events to every outcome, with personal data in them; return the ids of those that have one."""
    person: dict[str, Any] = {
        "participantName": "Jane Q. Publicperson",
        "callbackNumbers": ["tel:+15550100123"],
    }
    saved = [driver.end(**person, subject="jane.q@example.com") for _ in range(5)]
    refused, unknown = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", reject_ids=[refused], unknown_ids=[unknown])
    driver.end(refused, **person)
    driver.end(unknown, **person)
    before = len(driver.quarantined(reason="rejected"))
    driver.end(conversationId={"to": "jane.q@example.com", "number": "+15550100123"}, **person)
    for id_ in saved:
        driver.until_settled(id_)
    driver.until(lambda: driver.quarantined(interactionId=refused, reason="failed"))
    driver.until(lambda: len(driver.quarantined(reason="rejected")) > before)
    driver.until(lambda: driver.row(unknown))
    run = erase(driver, interaction_ids=[saved[0]], dry_run=False)
    assert run["state_name"] == "Completed"
    for id_ in (*saved, refused):
        driver.until(partial(ended_runs, driver, id_))
    return [*saved, refused]


def every_failure(driver: SandboxDriver) -> dict[str, str]:
    """Process an interaction during each failure that involves a token or a key; return their ids."""
    failed = {
        "a revoked token": during(driver, driver.settled, revoke_tokens=True),
        "500s": during(driver, deferred(driver), error_rate=1, status=500),
        "401s": during(driver, deferred(driver), error_rate=1, status=401, strikes="api"),
        "403": during(driver, deferred(driver), missing_permission="analytics:conversationDetail:view"),
        "no token": during(driver, deferred(driver), error_rate=1, strikes="token", revoke_tokens=True),
        "a refused token": during(
            driver, deferred(driver), error_rate=1, status=401, strikes="token", revoke_tokens=True
        ),
        "answers of a wrong content type": during(driver, deferred(driver), wrong_content_type_rate=1),
    }
    return failed | {"a bug": with_unreadable_row(driver)}


def during(driver: SandboxDriver, look: Callable[[str], object], **faults: Any) -> str:
    """Process an interaction during these faults, until `look` sees it and a run of it has ended; return its id."""
    driver.simulator("faults", **faults)
    id_ = driver.end()
    driver.until(lambda: look(id_))
    driver.until(lambda: ended_runs(driver, id_))
    driver.simulator("reset", only=["faults"])
    return id_


def deferred(driver: SandboxDriver) -> Callable[[str], object]:
    """Return a function that says when an interaction's next attempt is due."""
    return lambda id_: (driver.row(id_) or {}).get("dueAt")


def ended_runs(driver: SandboxDriver, text: str) -> list[dict[str, Any]]:
    """Return the runs that have ended and whose parameters mention a text."""
    return [run for run in driver.runs_with(text) if run["state_type"] in ("FAILED", "CRASHED", "COMPLETED")]


def with_unreadable_row(driver: SandboxDriver) -> str:
    """Process an interaction whose row cannot be read, so that an unexpected error is raised; return its id."""
    id_ = str(uuid.uuid4())
    driver.sandbox.client("dynamodb").put_item(
        TableName=driver.addresses.interaction_table,
        Item={"interactionId": {"S": id_}, "version": {"L": []}, "attempt": {"S": "x"}},
    )
    driver.end(id_)
    driver.until(lambda: ended_runs(driver, id_))
    driver.sandbox.client("dynamodb").delete_item(
        TableName=driver.addresses.interaction_table, Key={"interactionId": {"S": id_}}
    )
    return id_


def test_no_secret_is_shown_after_failures(driver: SandboxDriver) -> None:
    """After failures that involve tokens and keys none of them is anywhere, nor their header."""
    failed = every_failure(driver)
    texts = everything(driver)
    for failure, id_ in failed.items():
        assert appearances({"runs": texts["runs"]}, {id_}), failure
    assert "a bug of ours" in texts["artifacts"]
    assert "AuthenticationFailed" in str(texts) or "refused the OAuth client" in str(texts)
    assert appearances(texts, SECRETS | {driver.addresses.customer_keys_secret}) == set()
    assert {place for place, text in texts.items() if TOKEN.search(text)} == set()


def a_part_of(person: Person, interaction_id: str) -> list[str]:
    """Return every third malformed event, and each with the card's number: test_bridge_personal.py has them all."""
    short = [body for body in malformed(person, interaction_id) if len(body) < SHORT]
    return [body for number, body in enumerate(short) if number % 3 == 0 or person.card in body]


@pytest.mark.timeout(600)
def test_malformed_events_leave_nothing_of_a_person_in_prefect(
    driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated JSON, texts, names as words, card numbers and telephone numbers as ids: the bridge sends none of them.

    Each has its outcome all the same, and the reasons of the rejected name the field.
    """
    id_ = str(uuid.uuid4())
    with bridge_feed(driver, monkeypatch) as bridge:
        ended = delivered(driver, bridge, a_part_of(THROUGH_THE_BRIDGE, id_), id_)
    assert all("ValidationFailed: " in run["state"]["message"] for run in ended)
    texts = everything(driver)
    assert re.search(r"conversationId is text of 19 characters that is not a UUID", texts["artifacts"])
    assert re.search(r"not-json: The event was text of \d+ characters", texts["artifacts"])
    assert appearances(texts, THROUGH_THE_BRIDGE.strings()) == set()
    rows = json.dumps(driver.quarantined(), default=str)
    assert "withheld" in rows
    assert appearances({"quarantine": rows}, THROUGH_THE_BRIDGE.strings()) == set()


@pytest.mark.timeout(600)
def test_a_run_made_by_hand_shows_nothing_of_its_events(driver: SandboxDriver) -> None:
    """Events that did not pass the bridge are in that run's parameters and nowhere else in Prefect: not in later runs.

    Their interaction has not ended, so that a later run carries what was read of them.
    """
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    bodies = a_part_of(BY_HAND, id_)
    run = driver.finished(driver.create_run(bodies), 300)
    assert "ValidationFailed: " in run["state"]["message"]
    later = driver.until(lambda: [each for each in driver.runs_with(id_) if each["id"] != run["id"]])
    shown = [{**each, "parameters": None} if each["id"] == run["id"] else each for each in [run, *later]]
    of_runs = {"flow_run_id": {"any_": [each["id"] for each in shown]}}
    logs = logs_with(driver, "validated", **of_runs)
    texts = {
        "runs": json.dumps(shown),
        "artifacts": json.dumps(driver.api("/artifacts/filter", {"artifacts": of_runs, "limit": 200})),
        "logs": json.dumps(logs),
        "task runs": json.dumps(
            driver.api("/task_runs/filter", {"flow_runs": {"id": of_runs["flow_run_id"]}})
        ),
        "events": through_the_api(driver.addresses.prefect_api_url)["events"],
    } | in_the_logs(driver.sandbox.folder / "logs")
    assert "that is not a UUID" in texts["artifacts"]
    assert appearances(texts, BY_HAND.strings()) == set()


def everything(driver: SandboxDriver) -> dict[str, str]:
    """Return everything in Prefect and the logs of the sandbox, by place."""
    api = through_the_api(driver.addresses.prefect_api_url)
    return api | in_the_database(driver.sandbox.database.url) | in_the_logs(driver.sandbox.folder / "logs")


def with_events_of(driver: SandboxDriver, runs: set[str]) -> dict[str, str] | None:
    """Return what the API has once it has an event of each of these runs: events come later than states."""
    api = through_the_api(driver.addresses.prefect_api_url)
    return api if {("events", run) for run in runs} <= appearances({"events": api["events"]}, runs) else None


def test_prefect_holds_no_personal_data(driver: SandboxDriver) -> None:
    """No number, address, name or subject from Genesys or the bus, no token and no secret is in Prefect.

    The search covers parameters, logs, artifacts and events through the API, every table of the server's database
    and the logs of the processes; it must find the interactions' ids, and events of their runs.
    """
    ids = every_outcome(driver)
    driver.note_personal()
    logs_with(driver, "validated", flow_run_id={"any_": [run["id"] for run in driver.runs_with(ids[0])]})
    runs = {ended_runs(driver, id_)[0]["id"] for id_ in ids}
    api = driver.until(lambda: with_events_of(driver, runs))
    for place in ("runs", "artifacts"):
        assert {(place, id_) for id_ in ids} <= appearances({place: api[place]}, set(ids)), place
    assert "validated" in api["logs"]
    texts = api | in_the_database(driver.sandbox.database.url) | in_the_logs(driver.sandbox.folder / "logs")
    personal = {string for string in PERSONAL if len(string) >= MIN_LENGTH}
    assert len(personal) > 20
    assert appearances(texts, personal | ON_THE_BUS | SECRETS) == set()
