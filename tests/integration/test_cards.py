"""An interaction's own artifact in the Prefect UI: found by its id, its versions its history."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.integration.operations import artifact
from tests.integration.sandbox import Driver


def versions(driver: Driver, key: str, count: int) -> list[dict[str, Any]]:
    """The artifact's versions, the newest first, once there are so many."""
    return driver.until(lambda: found if len(found := artifact(driver, key)) >= count else None)


def test_a_rejected_interaction_has_a_history(driver: Driver) -> None:
    """Each rejection adds a version under `interaction-<id>`: the reason, its run and what to do next."""
    id_ = driver.end(mediaType=True)
    (first,) = versions(driver, f"interaction-{id_}", 1)
    driver.end(id_, mediaType=True)
    latest = versions(driver, f"interaction-{id_}", 2)[0]
    for version in (first, latest):
        assert "# rejected" in version["data"]
        assert "mediaType" in version["data"]
        assert f"/runs/flow-run/{version['flow_run_id']}" in version["data"]
        assert f'"{id_}"' in version["data"]
    assert first["flow_run_id"] != latest["flow_run_id"]


def test_an_event_without_an_interaction_is_found_by_its_own_id(driver: Driver) -> None:
    """What names no interaction is under `interaction-<event id>`."""
    event_id = str(uuid.uuid4())
    run = driver.create_run([json.dumps({"id": event_id, "detail-type": "conversation.end", "detail": {}})])
    (card,) = versions(driver, f"interaction-{event_id}", 1)
    assert card["flow_run_id"] == run
    assert "missing-conversation-id" in card["data"]
