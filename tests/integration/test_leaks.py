"""Nothing personal and nothing secret in Prefect, whatever happened to the interactions of this session."""

from __future__ import annotations

import uuid
from pathlib import Path

from deployments.sandbox.stack import CLIENT_SECRET
from tests.integration.everything import appearances, in_the_database, in_the_logs, through_the_api
from tests.integration.operations import erase
from tests.integration.sandbox import PERSONAL, Driver

# What the events on the bus carry themselves (`deployments.sandbox.samples`), and secrets.
ON_THE_BUS = {"+15550100123", "15550100456", "Jane Q. Publicperson", "jane.q@example.com"}
SECRETS = {CLIENT_SECRET, "Bearer ", "a-secret-that-only-a-block-holds"}
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
