"""Erasures by address: the command makes keys, Prefect sees no address, and a receipt says why and by whom."""

from __future__ import annotations

import getpass
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from tasks.records import build_record
from tasks.records.customer_keys import CustomerKeys
from tasks.stores import InteractionTable, Provenance
from tests.support.prefect_contents import appearances, through_the_api
from tests.support.prefect_runs import erase, follow_up_erasure
from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver
from tests.support.stored import new_record, staged_conversation

RUN = Provenance(flow_run_id="another run", attempt=1)

Command = Callable[..., dict[str, Any]]


@pytest.fixture
def interactions(driver: SandboxDriver) -> Command:
    """Return a function that runs the console script in the sandbox's environment and returns its JSON."""

    def run(*arguments: str) -> dict[str, Any]:
        known = driver.sandbox.environment()
        done = run_python("-m", "deployments.cli", *arguments, "--json", environment=known)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def new_phone() -> str:
    """Return a telephone number that nobody else has."""
    return f"+1555{uuid.uuid4().int % 10**8:08d}"


def stored_of(driver: SandboxDriver, phone: str) -> str:
    """Store an interaction of a customer with a telephone number; return its id."""
    keys = CustomerKeys(SecretStr(driver.addresses.customer_keys_secret))
    table = InteractionTable(driver.sandbox.client("dynamodb"), driver.addresses.interaction_table, keys=keys)
    id_ = str(uuid.uuid4())
    table.save(replace(new_record(id_), customer_addresses=frozenset({f"tel:{phone[1:]}"})), RUN)
    return id_


def test_a_saved_interaction_has_the_keys_of_its_conversation(driver: SandboxDriver) -> None:
    """What a worker writes is what the command asks for."""
    id_ = driver.end()
    row = driver.until_settled(id_)
    record = build_record(staged_conversation(driver, row), new_record(id_).fetched_at)
    keys = CustomerKeys(SecretStr(driver.addresses.customer_keys_secret))
    assert row["customerKeys"] == keys.of_record(record)


def test_a_customer_is_found_exported_and_erased_by_a_number_that_prefect_never_sees(
    driver: SandboxDriver, interactions: Command, tmp_path: Path
) -> None:
    """Inspect and export name the interaction; erase leaves a tombstone, and its follow-up has the keys, too."""
    phone = new_phone()
    id_, other = stored_of(driver, phone), stored_of(driver, new_phone())
    (found,) = interactions("inspect", phone)["interactions"]
    assert found["interactionId"] == id_
    interactions("export", "--phone", phone, "--output", str(tmp_path / "export.zip"))
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        assert f"records/{id_}.json" in archive.namelist()
    dry = interactions("erase", "--phone", phone)
    assert "nothing was erased: 1 records" in dry["message"]
    done = interactions("erase", "--phone", phone, "--no-dry-run", "--reason", "TICKET-9")
    assert "erased: 1 records" in done["message"]
    assert "erasedAt" in driver.stored_row(id_)
    assert "erasedAt" not in driver.stored_row(other)
    again = follow_up_erasure(driver, done["runId"])
    key = CustomerKeys(SecretStr(driver.addresses.customer_keys_secret)).of_phone(phone)
    assert again["parameters"]["customer_keys"] == [key]
    texts = through_the_api(driver.addresses.prefect_api_url)
    assert appearances(texts, {phone, phone[1:], phone[2:]}) == set()


def test_a_receipt_says_why_by_whom_and_what_and_not_to_whom(
    driver: SandboxDriver, interactions: Command
) -> None:
    """A row of its own in the table, with the counts of both passes; inspect shows it with the tombstone."""
    phone = new_phone()
    id_ = stored_of(driver, phone)
    run = interactions("erase", "--phone", phone, "--no-dry-run", "--reason", "TICKET-10")["runId"]
    follow_up_erasure(driver, run)
    receipt = driver.stored_row(f"erasure-{run}")
    assert (receipt["reason"], receipt["by"]) == ("TICKET-10", ["customer keys"])
    assert receipt["askedBy"] == getpass.getuser()
    assert receipt["firstPass"]["records"] == 1
    assert receipt["secondPass"]["tombstones"] == 1
    assert id_ not in str(receipt)
    assert phone[1:] not in str(receipt)
    assert interactions("inspect", id_)["receipt"]["reason"] == "TICKET-10"


def test_an_erasure_needs_a_reason_and_a_dry_run_does_not(driver: SandboxDriver) -> None:
    """Without one nothing is erased."""
    id_ = stored_of(driver, new_phone())
    run = erase(driver, interaction_ids=[id_], dry_run=False, reason=" ")
    assert run["state_name"] == "Failed"
    assert "give a reason" in run["state"]["message"]
    assert "erasedAt" not in driver.stored_row(id_)
    assert driver.row(f"erasure-{run['id']}") is None
    assert erase(driver, interaction_ids=[id_], reason="")["state_name"] == "Completed"


@pytest.mark.parametrize(
    "parameters",
    [{"customer_keys": ["+15550100123"]}, {"reason": "of jane@example.com"}, {"reason": "of +15550100123"}],
    ids=["an address for a key", "an address in the reason", "a number in the reason"],
)
def test_prefect_refuses_an_address_before_it_keeps_it(
    driver: SandboxDriver, parameters: dict[str, Any]
) -> None:
    """The flow's schema is checked by the server when the run is asked for, in the form, too."""
    url = driver.addresses.prefect_api_url
    target = requests.get(f"{url}/deployments/name/erase-interactions/erase", timeout=60).json()["id"]
    body = {"parameters": {"interaction_ids": [str(uuid.uuid4())], **parameters}}
    answer = requests.post(f"{url}/deployments/{target}/create_flow_run", json=body, timeout=60)
    assert answer.status_code == 409
