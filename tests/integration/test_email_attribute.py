"""GENESYS_EMAIL_ATTRIBUTE: the customer's address from a participant attribute, which the details do not have."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.stack import Sandbox
from tests.integration.operations import start
from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import event_text
from tests.integration.test_reconcile import NO_RESTARTS, day, existing

RECONCILE = "reconcile-interactions/reconcile"


@pytest.fixture(scope="module")
def _worker(sandbox: Sandbox) -> Iterator[None]:
    """The sandbox's worker asks for the attribute customerEmail, and waits for no turn of the budget."""
    sandbox.children.pop("worker 1").stop()
    other = sandbox.start_worker(
        41,
        GENESYS_EMAIL_ATTRIBUTE="customerEmail",
        BUDGET_WINDOW="4",
        BUDGET_MARGIN="1",
        BUDGET_MAX_WAIT="1",
    )
    try:
        yield
    finally:
        sandbox.children.pop(other.name).stop()
        sandbox.start_worker(1)


@pytest.fixture
def wanting(driver: Driver, _worker: None) -> Driver:
    """A user of a sandbox whose worker does."""
    driver.simulator("reset")
    return driver


def attribute(driver: Driver, interaction_id: str) -> str | None:
    """The customer's attribute as Genesys's operational API has it."""
    url = driver.addresses.genesys_api_url
    grant = {"grant_type": "client_credentials"}
    login = requests.post(f"{url}/oauth/token", data=grant, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10)
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
    found = requests.get(f"{url}/api/v2/conversations/{interaction_id}", headers=bearer, timeout=10).json()
    mails = (each.get("attributes", {}).get("customerEmail") for each in found["participants"])
    return next((mail for mail in mails if mail), None)


def emails(driver: Driver, ids: list[str]) -> dict[str, Any]:
    """The address of each row."""
    return {id_: (driver.settled(id_) or {}).get("customerEmail") for id_ in ids}


def test_the_address_is_the_attributes(wanting: Driver) -> None:
    """Whatever the medium: each row has what the operational API says, and it took a request each."""
    ids = [str(uuid.uuid4()) for _ in range(12)]
    run = wanting.finished(wanting.create_run([event_text(id_) for id_ in ids]))
    assert run["state"]["message"].startswith("12 saved"), run["state"]
    asked = wanting.simulator_state()["by_path"]
    assert asked["GET /api/v2/conversations/{id}"] == 12
    expected = {id_: attribute(wanting, id_) for id_ in ids}
    assert any(expected.values())
    assert emails(wanting, ids) == expected


def test_a_limit_in_between_costs_nothing(wanting: Driver) -> None:
    """With requests for some of twelve the rest is deferred, and ends with its address all the same."""
    ids = [str(uuid.uuid4()) for _ in range(12)]
    wanting.simulator("faults", rate_limit=8, rate_window=4)
    run = wanting.finished(wanting.create_run([event_text(id_) for id_ in ids]))
    assert ", 0 deferred" not in run["state"]["message"]
    wanting.until(lambda: all(wanting.settled(id_) for id_ in ids), 90)
    wanting.simulator("reset", only=["faults"])
    assert emails(wanting, ids) == {id_: attribute(wanting, id_) for id_ in ids}
    assert not [row for row in wanting.quarantined() if row.get("interactionId") in ids]


def test_a_missing_permission_is_loud_and_loses_nothing(wanting: Driver) -> None:
    """The run says what the client may not do; once it may, everything is saved."""
    wanting.simulator("faults", missing_permission="conversation:communication:view")
    id_ = str(uuid.uuid4())
    run = wanting.finished(wanting.create_run([event_text(id_)]))
    assert run["state_type"] == "FAILED"
    assert "not-permitted" in run["state"]["message"]
    wanting.simulator("reset", only=["faults"])
    wanting.until(lambda: wanting.settled(id_))
    assert emails(wanting, [id_]) == {id_: attribute(wanting, id_)}


def test_reconcile_knows_the_details_again_and_fetches_what_is_new(wanting: Driver) -> None:
    """A query has no attributes: what is stored with one counts as present, what is missing is asked for."""
    known, lost = existing(wanting, 2, **day(50))
    wanting.finished(wanting.create_run([event_text(known)]))
    before = wanting.settled(known)
    run = wanting.finished(start(wanting, RECONCILE, **day(50), **NO_RESTARTS))
    assert run["state"]["message"].startswith("2 seen, 1 present, 1 added, 0 updated")
    assert emails(wanting, [lost]) == {lost: attribute(wanting, lost)}
    assert wanting.settled(known) == before
