"""A backlog: hundreds of events in one run, packed into one text, with one among them that is none."""

from __future__ import annotations

import pytest

from deployments.waiting_runs import ids_of
from tests.support.bridge_feed import bridge_feed, delivered
from tests.support.events import envelope, new_ids
from tests.support.prefect_contents import through_the_api
from tests.support.sandbox import SandboxDriver

EVENTS = 300  # more than a hundred kilobytes


def test_every_packed_event_has_its_outcome(driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    """All interactions are settled rows, the invalid event is one row in quarantine, and the run says what it had."""
    ids = new_ids(EVENTS)
    with bridge_feed(driver, monkeypatch) as bridge:
        (run,) = delivered(driver, bridge, [*map(envelope, ids), "{oops"], ids[0])

    assert run["name"] == f"{EVENTS} interactions"
    assert len(run["parameters"]["events"]) == 1
    assert ids_of(run["parameters"]) == set(ids)
    assert "1 of 301 events rejected" in run["state"]["message"]
    stored = {
        row["interactionId"] for row in driver.rows(driver.addresses.interaction_table) if row.get("settled")
    }
    assert set(ids) <= stored
    (quarantined,) = driver.quarantined(flowRunId=run["id"])
    assert "not-json" in str(quarantined)
    assert len(driver.outcomes(run["id"])) == EVENTS + 1
    assert ids[-1] in through_the_api(driver.addresses.prefect_api_url)["runs"]  # a search sees through it
