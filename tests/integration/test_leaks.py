"""Nothing personal and nothing secret in Prefect, whatever happened to the interactions of this session."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployments.sandbox.servers import AWS
from deployments.sandbox.stack import CLIENT_ID, CLIENT_SECRET
from tests.integration.everything import appearances, in_the_database, in_the_logs, through_the_api
from tests.integration.operations import erase
from tests.integration.sandbox import PERSONAL, Driver

# What the events on the bus carry themselves (`deployments.sandbox.samples`), and secrets.
ON_THE_BUS = {"+15550100123", "15550100456", "Jane Q. Publicperson", "jane.q@example.com"}
BASIC = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
AWS_KEY = AWS["AWS_SECRET_ACCESS_KEY"]
SECRETS = {CLIENT_SECRET, BASIC, AWS_KEY, "Bearer ", "Authorization", "a-secret-that-only-a-block-holds"}
TOKEN = re.compile(r"sim-[0-9a-f]{64}")  # what the simulator gives out as access tokens
LEAST = 5  # letters; a shorter string proves nothing by appearing


def every_outcome(driver: Driver) -> list[str]:
    """Interactions that end in every way there is, with everything personal that an event can carry."""
    person = {"participantName": "Jane Q. Publicperson", "callbackNumbers": ["tel:+15550100123"]}
    saved = [driver.end(**person, subject="jane.q@example.com") for _ in range(5)]
    refused, unknown = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", reject_ids=[refused], unknown_ids=[unknown])
    driver.end(refused, **person)
    driver.end(unknown, **person)
    rejected = driver.end(
        mediaType=True, queueId={"to": "jane.q@example.com", "number": "+15550100123"}, **person
    )
    for id_ in saved:
        driver.until(lambda id_=id_: driver.settled(id_))  # type: ignore[misc]
    driver.until(lambda: driver.quarantined(interactionId=refused, reason="failed"))
    driver.until(lambda: driver.quarantined(interactionId=rejected, reason="rejected"))
    driver.until(lambda: driver.row(unknown))
    run = erase(driver, interaction_ids=[saved[0]], dry_run=False)
    assert run["state_name"] == "Completed"
    driver.until(lambda: [r for r in driver.runs_with(saved[0]) if r["state_type"] == "COMPLETED"])
    return [*saved, refused, rejected]


def every_failure(driver: Driver) -> dict[str, str]:
    """Interactions whose runs met every failure with a token or a key in play, by what their runs said of it."""
    met = {
        "a token that is dead": during(driver, driver.settled, revoke_tokens=True),
        "500s": during(driver, waiting(driver), error_rate=1, status=500),
        "401s": during(driver, waiting(driver), error_rate=1, status=401, strikes="api"),
        "403": during(driver, waiting(driver), missing_permission="analytics:conversationDetail:view"),
        "no token": during(driver, waiting(driver), error_rate=1, strikes="token", revoke_tokens=True),
        "a token that is refused": during(
            driver, waiting(driver), error_rate=1, status=401, strikes="token", revoke_tokens=True
        ),
        "answers that are none": during(driver, waiting(driver), wrong_content_type_rate=1),
    }
    return met | {"a bug": struck_by_a_bug(driver)}


def during(driver: Driver, look: Callable[[str], object], **faults: Any) -> str:
    """The id of an interaction that ended while Genesys was like this, once its run came to something."""
    driver.simulator("faults", **faults)
    id_ = driver.end()
    driver.until(lambda: look(id_))
    driver.simulator("reset", only=["faults"])
    return id_


def waiting(driver: Driver) -> Callable[[str], object]:
    """What tells whether an interaction waits for a later attempt."""
    return lambda id_: (driver.row(id_) or {}).get("dueAt")


def struck_by_a_bug(driver: Driver) -> str:
    """The id of an interaction whose row is such as no release ever wrote: reading it raises."""
    id_ = str(uuid.uuid4())
    driver.sandbox.client("dynamodb").put_item(
        TableName=driver.addresses.interaction_table,
        Item={"interactionId": {"S": id_}, "version": {"L": []}, "attempt": {"S": "x"}},
    )
    driver.end(id_)
    driver.until(
        lambda: [
            run for run in driver.runs_with(id_) if run["state_type"] in ("FAILED", "CRASHED", "COMPLETED")
        ]
    )
    driver.sandbox.client("dynamodb").delete_item(
        TableName=driver.addresses.interaction_table, Key={"interactionId": {"S": id_}}
    )
    return id_


def test_no_secret_shows_after_failures(driver: Driver) -> None:
    """Failures with a token and keys in play leave none of them anywhere, nor the header that carries them."""
    met = every_failure(driver)
    texts = everything(driver)
    for failure, id_ in met.items():
        assert appearances({"runs": texts["runs"]}, {id_}), failure
    assert "a bug of ours" in texts["artifacts"]
    assert "AuthenticationFailed" in str(texts) or "refused the OAuth client" in str(texts)
    assert appearances(texts, SECRETS) == set()
    assert {place for place, text in texts.items() if TOKEN.search(text)} == set()


def everything(driver: Driver) -> dict[str, str]:
    """All that Prefect and the processes of the sandbox tell, by place."""
    api = through_the_api(driver.addresses.prefect_api_url)
    return api | in_the_database(_database(driver)) | in_the_logs(driver.sandbox.folder / "logs")


def test_prefect_holds_nothing_personal(driver: Driver) -> None:
    """No number, address, name or subject that Genesys or the bus ever gave out, no token and no secret.

    Looked for in parameters, logs, artifacts and events through the API, in every table of the server's
    database and in the processes' own output; that it finds the interactions' ids shows that it searches.
    """
    ids = every_outcome(driver)
    driver.note_personal()
    api = through_the_api(driver.addresses.prefect_api_url)
    for place in ("runs", "artifacts", "events"):
        assert {(place, id_) for id_ in ids} <= appearances({place: api[place]}, set(ids)), place
    assert "validated" in api["logs"]
    texts = api | in_the_database(_database(driver)) | in_the_logs(driver.sandbox.folder / "logs")
    personal = {string for string in PERSONAL if len(string) >= LEAST}
    assert len(personal) > 20
    assert appearances(texts, personal | ON_THE_BUS | SECRETS) == set()


def _database(driver: Driver) -> Path:
    (found,) = (driver.sandbox.folder / "prefect").rglob("prefect.db")
    return found
