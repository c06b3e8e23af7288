"""The ledger of the fault suite on a real sandbox."""

from __future__ import annotations

import time

from tests.faults.entries import Draws
from tests.faults.ledger import Balance, Ledger
from tests.faults.plan import Plan
from tests.faults.sandbox_view import View
from tests.integration.sandbox import Driver


def test_a_running_sandbox_balances_and_what_is_taken_from_it_is_found(driver: Driver) -> None:
    """Real events balance; a row removed, one changed and a lost quarantine row are found in the real tables."""
    ledger = Ledger(View(driver.addresses))
    put = ledger.open(3)
    ledger.put(put, Draws(int(time.time()), driver.addresses.event_source).steps(60))
    driver.until(lambda: not about(put, ledger.compare(put)), 120)
    removed, changed = list(put.interactions)[:2]
    table = {"TableName": driver.addresses.interaction_table}
    dynamodb = driver.sandbox.client("dynamodb")
    dynamodb.delete_item(**table, Key={"interactionId": {"S": removed}})
    dynamodb.update_item(
        **table,
        Key={"interactionId": {"S": changed}},
        UpdateExpression="SET durationMs = :d",
        ExpressionAttributeValues={":d": {"N": "1"}},
    )
    for lost in (each for each in driver.quarantined(reason="rejected") if put.invalid[0] in each["event"]):
        key = {"quarantineId": {"S": lost["quarantineId"]}}
        dynamodb.delete_item(TableName=driver.addresses.quarantine_table, Key=key)
    found = about(put, ledger.compare(put))
    assert found == {removed: "no row", changed: "untrue row", put.invalid[0]: "not once in quarantine"}


def about(put: Plan, balance: Balance) -> dict[str, str]:
    """The findings about the plan's own events: other tests share the sandbox."""
    ours = {*put.events, *put.events.values()}
    return {finding.subject: finding.kind for finding in balance.findings if finding.subject in ours}
