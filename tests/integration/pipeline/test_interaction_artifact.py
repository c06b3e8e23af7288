"""The artifact of an interaction in Prefect: its key has the interaction's id, its versions are its history."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.support.events import oversize_event
from tests.support.prefect_runs import artifact_versions
from tests.support.sandbox import SandboxDriver


def versions(driver: SandboxDriver, key: str, count: int) -> list[dict[str, Any]]:
    """Wait until the artifact has so many versions; return them, the newest first."""
    return driver.until(lambda: found if len(found := artifact_versions(driver, key)) >= count else None)


def test_a_rejected_interaction_has_a_history(driver: SandboxDriver) -> None:
    """Each rejection adds a version to `interaction-<id>`, with the reason, the run and the next step."""
    id_ = str(uuid.uuid4())
    driver.create_run([oversize_event(id_)])
    (first,) = versions(driver, f"interaction-{id_}", 1)
    driver.create_run([oversize_event(id_)])
    latest = versions(driver, f"interaction-{id_}", 2)[0]
    for version in (first, latest):
        assert "# rejected" in version["data"]
        assert "too large" in version["data"]
        assert f"/runs/flow-run/{version['flow_run_id']}" in version["data"]
        assert f'"{id_}"' in version["data"]
    assert first["flow_run_id"] != latest["flow_run_id"]


def test_an_event_without_an_interaction_is_found_by_its_own_id(driver: SandboxDriver) -> None:
    """The artifact of an event without an interaction is `interaction-<event id>`."""
    event_id = str(uuid.uuid4())
    run = driver.create_run([json.dumps({"id": event_id, "detail-type": "conversation.end", "detail": {}})])
    (artifact,) = versions(driver, f"interaction-{event_id}", 1)
    assert artifact["flow_run_id"] == run
    assert "missing-conversation-id" in artifact["data"]
