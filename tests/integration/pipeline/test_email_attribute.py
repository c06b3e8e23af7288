"""GENESYS_EMAIL_ATTRIBUTE: the customer's address from a participant attribute."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.sandbox import Sandbox
from tests.support.events import event_text
from tests.support.intervals import NO_RESTARTS, add_conversations, day
from tests.support.prefect_runs import reconcile
from tests.support.sandbox import SandboxDriver, replaced_worker


@pytest.fixture(scope="module")
def _worker(sandbox: Sandbox) -> Iterator[None]:
    """Let the worker fetch the attribute customerEmail, with a short window of the request limit."""
    settings = {"BUDGET_WINDOW": "4", "BUDGET_MARGIN": "1", "BUDGET_MAX_WAIT": "1"}
    with replaced_worker(sandbox, GENESYS_EMAIL_ATTRIBUTE="customerEmail", **settings):
        yield


@pytest.fixture
def attribute_driver(driver: SandboxDriver, _worker: None) -> SandboxDriver:
    """Return a driver of a sandbox whose worker fetches the attribute."""
    driver.simulator("reset")
    return driver


def attribute(driver: SandboxDriver, interaction_id: str) -> str | None:
    """Return the customer's attribute from Genesys's operational API."""
    url = driver.addresses.genesys_api_url
    grant = {"grant_type": "client_credentials"}
    login = requests.post(f"{url}/oauth/token", data=grant, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
    found = requests.get(f"{url}/api/v2/conversations/{interaction_id}", headers=bearer, timeout=10).json()
    mails = (each.get("attributes", {}).get("customerEmail") for each in found["participants"])
    return next((mail for mail in mails if mail), None)


def emails(driver: SandboxDriver, ids: list[str]) -> dict[str, Any]:
    """Return the address in each settled row."""
    return {id_: (driver.settled(id_) or {}).get("customerEmail") for id_ in ids}


def test_the_address_is_the_attribute(attribute_driver: SandboxDriver) -> None:
    """Whatever the medium: each row has the attribute's value, for one request each."""
    ids = [str(uuid.uuid4()) for _ in range(12)]
    run = attribute_driver.finished(attribute_driver.create_run([event_text(id_) for id_ in ids]))
    assert run["state"]["message"].startswith("12 saved"), run["state"]
    asked = attribute_driver.genesys_targets()  # another test's deferred run may ask meanwhile
    assert {id_: asked.count(f"/api/v2/conversations/{id_}") for id_ in ids} == dict.fromkeys(ids, 1)
    expected = {id_: attribute(attribute_driver, id_) for id_ in ids}
    assert any(expected.values())
    assert emails(attribute_driver, ids) == expected


def test_a_request_limit_in_between_loses_nothing(attribute_driver: SandboxDriver) -> None:
    """With requests for some of twelve the rest is deferred, and is saved with its address later."""
    ids = [str(uuid.uuid4()) for _ in range(12)]
    attribute_driver.simulator("faults", rate_limit=8, rate_window=600)  # however slow the run is
    run = attribute_driver.finished(attribute_driver.create_run([event_text(id_) for id_ in ids]))
    assert ", 0 deferred" not in run["state"]["message"]
    attribute_driver.simulator("faults", rate_window=4)
    attribute_driver.simulator("reset", only=["counters"])  # also opens a new window
    attribute_driver.until(lambda: all(attribute_driver.settled(id_) for id_ in ids))
    attribute_driver.simulator("reset", only=["faults"])
    assert emails(attribute_driver, ids) == {id_: attribute(attribute_driver, id_) for id_ in ids}
    assert not [row for row in attribute_driver.quarantined() if row.get("interactionId") in ids]


def test_a_missing_permission_fails_the_run_and_loses_nothing(attribute_driver: SandboxDriver) -> None:
    """The run's message has the error; with the permission everything is saved."""
    attribute_driver.simulator("faults", missing_permission="conversation:communication:view")

    def refused() -> tuple[str, dict[str, Any]] | None:
        """Return an interaction and its run, unless the low limit of the test before still defers it."""
        id_ = str(uuid.uuid4())
        run = attribute_driver.finished(attribute_driver.create_run([event_text(id_)]))
        return (id_, run) if "not-permitted" in run["state"]["message"] else None

    id_, run = attribute_driver.until(refused)
    assert run["state_type"] == "FAILED"
    attribute_driver.simulator("reset", only=["faults"])
    attribute_driver.until_settled(id_)
    assert emails(attribute_driver, [id_]) == {id_: attribute(attribute_driver, id_)}


def test_reconcile_compares_without_attributes(attribute_driver: SandboxDriver) -> None:
    """Query results have no attributes: a stored row with one counts as present, a missing one is fetched."""
    interval = day(50)
    known, lost = add_conversations(attribute_driver, 2, **interval)
    attribute_driver.finished(attribute_driver.create_run([event_text(known)]))
    before = attribute_driver.settled(known)
    run = reconcile(attribute_driver, **interval, **NO_RESTARTS)
    assert run["state"]["message"].startswith("2 seen, 1 present, 1 added, 0 updated")
    assert emails(attribute_driver, [lost]) == {lost: attribute(attribute_driver, lost)}
    assert attribute_driver.settled(known) == before
