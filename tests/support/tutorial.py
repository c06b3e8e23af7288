"""What the tests of tests/fundamentals share: events on the bus, and the commands that a user types."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver

CUSTOMER_END = "v2.detail.events.conversation.{id}.customer.end"


def new_interaction() -> str:
    """Return the id of a new interaction; the simulator has a conversation for every UUID."""
    return str(uuid.uuid4())


def publish(driver: SandboxDriver, *details: dict[str, Any], detail_type: str = CUSTOMER_END) -> None:
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
    answer = driver.sandbox.client("events").put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 0


def customer_end(interaction_id: str) -> dict[str, Any]:
    """Return the detail of the event that Genesys Cloud sends when the customer has left."""
    return {"eventBody": {"conversationId": interaction_id}}


def run_command(driver: SandboxDriver, *arguments: str) -> str:
    """Run `python -m ...` as in a shell that has sourced .sandbox/env; return what it prints."""
    done = run_python("-m", *arguments, environment=driver.sandbox.environment())
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout
