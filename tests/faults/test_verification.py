"""The comparison of the fault suite on a real sandbox."""

from __future__ import annotations

from tests.faults.event_generator import EventGenerator
from tests.faults.published_events import PublishedEvents
from tests.faults.sandbox_view import SandboxView
from tests.faults.verification import Comparison, Verifier
from tests.support.sandbox import SandboxDriver


def test_a_running_sandbox_has_no_discrepancies_until_rows_are_taken_away(driver: SandboxDriver) -> None:
    """Real events leave none; a row removed, one changed and a quarantine row removed are found."""
    verifier = Verifier(SandboxView(driver.addresses))
    published = verifier.begin(3)
    generator = EventGenerator(1, driver.addresses.event_source)
    verifier.publish(published, generator.events(60))
    driver.until(lambda: not of_published(published, verifier.compare(published)))
    removed, changed = list(published.interactions)[:2]
    marker = published.invalid[0]
    table = driver.addresses.interaction_table
    dynamodb = driver.sandbox.client("dynamodb")
    dynamodb.delete_item(TableName=table, Key={"interactionId": {"S": removed}})
    dynamodb.update_item(
        TableName=table,
        Key={"interactionId": {"S": changed}},
        UpdateExpression="SET durationMs = :d",
        ExpressionAttributeValues={":d": {"N": "1"}},
    )
    for row in driver.quarantined(reason="rejected"):
        if marker in row["event"]:
            key = {"quarantineId": {"S": row["quarantineId"]}}
            dynamodb.delete_item(TableName=driver.addresses.quarantine_table, Key=key)
    found = of_published(published, verifier.compare(published))
    assert found == {removed: "no row", changed: "wrong row", marker: "not once in quarantine"}


def of_published(published: PublishedEvents, comparison: Comparison) -> dict[str, str]:
    """Return the kinds of the discrepancies of these events: other tests share the sandbox."""
    ours = {*published.events, *published.events.values()}
    return {each.subject: each.kind for each in comparison.discrepancies if each.subject in ours}
