"""What the tour's stops share: the commands that a user types, and what is put on the bus."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

from tests.integration.sandbox import Driver

CUSTOMER_END = "v2.detail.events.conversation.{id}.customer.end"


def new_interaction() -> str:
    """An interaction that nobody has heard of; the simulated Genesys Cloud knows every UUID."""
    return str(uuid.uuid4())


def put(driver: Driver, *details: dict[str, Any], detail_type: str = CUSTOMER_END) -> None:
    """Put events on the bus as Genesys Cloud would."""
    addresses = driver.addresses
    entries = [
        {
            "EventBusName": addresses.event_bus,
            "Source": addresses.event_source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
        }
        for detail in details
    ]
    answer = driver.sandbox.client("events").put_events(Entries=entries)  # type: ignore[arg-type]
    assert answer["FailedEntryCount"] == 0


def ended(interaction_id: str) -> dict[str, Any]:
    """What Genesys says when the customer has left."""
    return {"eventBody": {"conversationId": interaction_id}}


def command(driver: Driver, *arguments: str) -> str:
    """Type `python -m ...` in a shell that has sourced .sandbox/env; what it prints."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", *arguments],
        env=driver.sandbox.environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def run_of(driver: Driver, interaction_id: str) -> dict[str, Any]:
    """The finished run that holds an interaction."""
    run = driver.until(lambda: driver.runs_with(interaction_id))[0]
    return driver.finished(run["id"])
