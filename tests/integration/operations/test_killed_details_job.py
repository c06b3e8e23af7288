"""A back-fill by a details job whose worker is killed in the middle."""

from __future__ import annotations

import pytest

from tests.support.intervals import NO_RESTARTS, add_conversations, checkpoint, day
from tests.support.prefect_runs import RECONCILE, start_run
from tests.support.sandbox import SandboxDriver

JOBS = "/api/v2/analytics/conversations/details/jobs"


@pytest.mark.long
def test_a_job_of_5000_survives_a_kill_in_the_middle(outage_driver: SandboxDriver) -> None:
    """The next worker goes on with the same job at its cursor: all are stored, each by one write."""
    driver, days = outage_driver, (130, 129)
    driver.simulator("reset")
    driver.simulator(
        "faults", latency=5, strikes="api", job_page_max=500
    )  # ten pages last: none is the last one
    ids = add_conversations(driver, 5_000, **day(130))
    run_id = start_run(driver, RECONCILE, **day(130), **NO_RESTARTS, mode="jobs")

    def page_is_saved() -> bool:
        return (checkpoint(driver, days, "_job") or {}).get("cursor") is not None

    driver.until(page_is_saved)
    name = next(name for name in driver.sandbox.children if name.startswith("worker"))
    driver.sandbox.children.pop(name).kill()
    driver.simulator("faults", latency=0)
    (killed,) = driver.runs(id={"any_": [run_id]})
    assert killed["state_type"] == "RUNNING"
    stored_before = {row["interactionId"] for row in driver.rows(driver.addresses.interaction_table)} & set(
        ids
    )
    assert 0 < len(stored_before) < 5_000
    driver.sandbox.start_worker(30)

    run = driver.finished(run_id, 500)

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    rows = {row["interactionId"]: row for row in driver.rows(driver.addresses.interaction_table)}
    assert [id_ for id_ in ids if id_ not in rows] == []
    assert all(rows[id_]["runs"] == [run_id] for id_ in ids)
    assert driver.quarantined(reason="failed") == []
    assert driver.genesys_requests(f"POST {JOBS}") == 1
    assert checkpoint(driver, days) is None
    assert checkpoint(driver, days, "_job") is None
