"""Patience: what Genesys does not know yet, has not settled or will not answer now is asked for again."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text


def test_an_unsettled_interaction_is_deferred_then_settles_by_itself(driver: Driver) -> None:
    """The first run stores what is known and defers; a later run, named after the attempt, settles the row."""
    driver.simulator("faults", not_settled_for=3)
    id_ = driver.end()
    early = driver.until(lambda: driver.row(id_))
    assert early["settled"] is False
    assert "endedAt" not in early
    assert early["dueAt"] > early["fetchedAt"]
    late = driver.until(lambda: driver.settled(id_))
    assert late["endedAt"]
    assert late["attempt"] >= 2
    names = {run["name"] for run in driver.runs_with(id_)}
    assert {id_, f"{id_}, attempt 2"} <= names
    assert len(late["runs"]) == 2


def test_an_interaction_genesys_does_not_know_yet_waits_as_a_placeholder(driver: Driver) -> None:
    """Asked for and not returned is no error: the table remembers when to ask again, then holds the record."""
    driver.simulator("faults", unknown_for=3)
    id_ = driver.end()
    placeholder = driver.until(lambda: driver.row(id_))
    assert {"dueAt", "attempt"} <= set(placeholder)
    assert "version" not in placeholder
    assert driver.until(lambda: driver.settled(id_))["endedAt"]


def test_what_waited_and_is_then_refused_waits_no_longer(driver: Driver) -> None:
    """It is in quarantine, and nothing is left that reconcile would ask for again and again."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[id_])
    driver.end(id_)
    assert "dueAt" in driver.until(lambda: driver.row(id_))
    driver.simulator("faults", unknown_ids=[], reject_ids=[id_])
    assert driver.until(lambda: driver.quarantined(interactionId=id_))[0]["reason"] == "failed"
    driver.until(lambda: driver.row(id_) is None)


def test_only_the_unsettled_interactions_of_a_batch_are_deferred(driver: Driver) -> None:
    """Neighbours of an unsettled interaction are saved at once and not asked for again."""
    slow, quick = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[slow])
    run_id = driver.create_run([event_text(slow), event_text(quick)])
    run = driver.finished(run_id)
    assert run["state_type"] == "COMPLETED"
    assert "1 saved, 0 unchanged, 1 deferred" in run["state"]["message"]
    later = driver.until(lambda: [r for r in driver.runs_with(slow) if r["id"] != run_id])
    assert all(quick not in json.dumps(run["parameters"]) for run in later)


def test_a_long_retry_after_is_deferred_and_not_slept_on(driver: Driver) -> None:
    """With 429 and an hour's Retry-After nothing sleeps, nothing is quarantined, and all is saved afterwards."""
    driver.simulator("faults", throttle={"retry_after": 3600, "for_seconds": 600})
    ids = [str(uuid.uuid4()) for _ in range(20)]
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert "20 deferred" in run["state"]["message"]
    assert run["total_run_time"] < 30
    driver.until(lambda: len(driver.runs_with(ids[0])) >= 3)  # it goes on asking
    driver.simulator("faults", throttle=None)
    for id_ in ids:
        driver.until(lambda id_=id_: driver.settled(id_))
    assert not [row for row in driver.quarantined() if row.get("interactionId") in ids]


def test_wrong_credentials_lose_nothing_and_are_loud(driver: Driver) -> None:
    """A client without the permission: the run fails and says what to mend; what it held is saved once it is."""
    driver.simulator("faults", missing_permission="analytics:conversationDetail:view")
    id_ = str(uuid.uuid4())
    run = driver.finished(driver.create_run([event_text(id_)]))
    assert run["state_type"] == "FAILED"
    assert "not-permitted" in run["state"]["message"]
    assert "1 deferred" in run["state"]["message"]
    driver.simulator("reset", only=["faults"])
    driver.until(lambda: driver.settled(id_))


def test_an_id_that_genesys_refuses_is_quarantined_alone(driver: Driver) -> None:
    """The batch is split until the offender is alone; it fails with the reason, its neighbours are saved."""
    ids = [str(uuid.uuid4()) for _ in range(9)]
    driver.simulator("faults", reject_ids=[ids[4]])
    run = driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    assert "8 saved, 0 unchanged, 0 deferred, 0 rejected, 1 failed" in run["state"]["message"]
    row = driver.until(lambda: driver.quarantined(interactionId=ids[4]))[0]
    assert (row["reason"], row["code"]) == ("failed", "bad-request")
    driver.simulator("reset", only=["faults"])
    driver.finished(driver.create_run([event_text(ids[4])]))
    assert driver.settled(ids[4])
    assert not driver.quarantined(interactionId=ids[4])  # a later saved record removes the row


def test_a_conversation_that_ends_twice_ends_as_its_latest_state(driver: Driver) -> None:
    """The second end of a conversation replaces the first; the run that wrote it is in the row's history."""
    id_ = driver.end()
    first = driver.until(lambda: driver.settled(id_))
    driver.simulator(f"conversations/{id_}/events", type="ended-again")
    driver.end(id_)
    second = driver.until(lambda: (row := driver.settled(id_)) and row["endedAt"] > first["endedAt"] and row)
    assert len(second["runs"]) == 2
    assert second["version"] > first["version"]


@pytest.mark.parametrize("limit", ["store-writes", "genesys-requests"])
def test_a_missing_limit_is_an_error_and_loses_nothing(driver: Driver, limit: str) -> None:
    """A limit that is switched off is never taken for unlimited: the run goes back until it is there again."""
    switch(driver, limit, active=False)
    try:
        id_ = str(uuid.uuid4())
        run_id = driver.create_run([event_text(id_)])
        waiting = driver.until(
            lambda: next((r for r in driver.runs() if r["id"] == run_id and awaits(r)), None)
        )
        assert limit in waiting["state"]["message"]
        assert "python -m deployments apply" in waiting["state"]["message"]
    finally:
        switch(driver, limit, active=True)
    assert driver.finished(run_id, 90)["state_type"] == "COMPLETED"
    assert driver.settled(id_)


def awaits(run: dict[str, str]) -> bool:
    """Whether a run went back to wait."""
    return run["state_name"] == "AwaitingRetry"


def switch(driver: Driver, name: str, *, active: bool) -> None:
    """Switch a global concurrency limit on or off, as in the UI."""
    import requests  # noqa: PLC0415

    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/{name}"
    requests.patch(url, json={"active": active}, timeout=10).raise_for_status()


def test_the_request_budget_is_shown_in_the_ui(driver: Driver) -> None:
    """An artifact says how many requests were used of how many allowed, and where to change the limit."""
    driver.finished(driver.create_run([event_text(str(uuid.uuid4()))]))
    query = {"artifacts": {"key": {"any_": ["genesys-requests"]}}, "sort": "CREATED_DESC"}
    shown = driver.until(lambda: driver.api("/artifacts/filter", query))[0]
    assert "of 300 requests used" in shown["description"]
    assert "| replay and reconcile |" in shown["data"]


def test_a_worker_with_wrong_settings_loses_nothing(driver: Driver) -> None:
    """Its run goes back and names the variable at fault; the next worker, set up right, finishes it."""
    sandbox = driver.sandbox
    sandbox.children.pop("worker 1").stop()
    wrong = sandbox.start_worker(40, SETTLE_EVERY="never", STORE_RETRY_DELAY="2")
    try:
        id_ = str(uuid.uuid4())
        run_id = driver.create_run([event_text(id_)])
        waiting = driver.until(
            lambda: next((r for r in driver.runs() if r["id"] == run_id and awaits(r)), None)
        )
        assert "SETTLE_EVERY" in waiting["state"]["message"]
    finally:
        sandbox.children.pop(wrong.name).stop()
        sandbox.start_worker(1)
    assert driver.finished(run_id, 120)["state_type"] == "COMPLETED"
    assert driver.settled(id_)
