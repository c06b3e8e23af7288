"""The comparison finds each kind of loss, doubling and wrong content: one that cannot fail would prove nothing."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.records import build_record
from tests.faults.discrepancies import (
    Expected,
    FlowRun,
    HeldVersion,
    Observed,
    Row,
    count_outcomes,
    find_discrepancies,
)
from tests.faults.event_generator import EventGenerator
from tests.faults.published_events import PublishedEvents
from tests.support.samples import read_conversation

MARKER = str(uuid.uuid4())
COMPLETED = FlowRun("r1", "COMPLETED", "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed")


def expect(conversation: dict[str, Any]) -> Expected:
    """Return what is expected of a conversation."""
    return Expected(build_record(conversation, datetime.now(UTC)))


EXPECTED = expect(read_conversation("voice"))
ID = EXPECTED.record.interaction_id


def published() -> PublishedEvents:
    """Return two events of one interaction, and an invalid one."""
    events = {"e1": ID, "e2": ID, "e3": MARKER}
    return PublishedEvents(1, events=events, interactions={ID: 0}, invalid=[MARKER])


def row(**changes: Any) -> Row:
    """Return the interaction's row as expected, but for the changes."""
    return EXPECTED.record.content | {
        "contentHash": EXPECTED.record.content_hash,
        "version": "v",
        "staged": "object",
        "attempt": 1,
        "runs": ["r1"],
        **changes,
    }


def rejected(**changes: Any) -> Row:
    """Return the invalid event's quarantine row as expected, but for the changes."""
    known = {
        "quarantineId": "q",
        "reason": "rejected",
        "code": "c",
        "error": "e",
        "event": f"... {MARKER} ...",
    }
    return known | changes


def observed(**changes: Any) -> Observed:
    """Return a sandbox in which everything is as expected, but for the changes."""
    as_expected: dict[str, Any] = {
        "rows": [row()],
        "quarantine": [rejected()],
        "staged": {("object", ID): HeldVersion("v", EXPECTED.record.content_hash)},
        "runs": {event: [COMPLETED] for event in ("e1", "e2", "e3")},
    }
    return Observed(**(as_expected | changes))


def kinds(found: Observed, events: PublishedEvents | None = None) -> list[str]:
    """Return the kinds of the discrepancies."""
    return [each.kind for each in find_discrepancies(events or published(), {ID: EXPECTED}, found)]


def test_no_discrepancy_where_everything_is_as_expected() -> None:
    """Two events of one interaction and an invalid one have an outcome each."""
    assert kinds(observed()) == []
    assert count_outcomes(published(), observed()) == {"saved": 1, "unchanged": 1, "rejected": 1}


FAILED = {"quarantineId": "f", "reason": "failed", "code": "c", "error": "e", "interactionId": ID}
UNKNOWN = {"quarantineId": "s", "reason": "rejected", "code": "c", "error": "e", "event": "{}"}
CRASHED = FlowRun("r2", "CRASHED")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"rows": []}, "no row"),
        ({"rows": [row(mediaType="chat")]}, "wrong row"),
        ({"rows": [row(contentHash="other")]}, "wrong row"),
        ({"rows": [{n: v for n, v in row().items() if n != "durationMs"}]}, "wrong row"),
        ({"rows": [row(dueAt="2026-01-15T10:00:00.000Z")]}, "still deferred"),
        ({"rows": [row(), row()]}, "more than one row"),
        ({"rows": [row(), row(interactionId="another")]}, "an unexpected row"),
        ({"rows": [row(runs=["r1", "r2", "r3"])]}, "written more often than it changed"),
        ({"staged": {}}, "no object holds its version"),
        ({"rows": [row(staged="another")]}, "no object holds its version"),
        ({"rows": [{n: v for n, v in row().items() if n != "staged"}]}, "no object holds its version"),
        ({"rows": [row(version="w")]}, "no object holds its version"),
        ({"staged": {("object", ID): HeldVersion("v", "other")}}, "no object holds its version"),
        ({"quarantine": []}, "not once in quarantine"),
        ({"quarantine": [rejected(), rejected(quarantineId="q2")]}, "not once in quarantine"),
        ({"quarantine": [rejected(error="")]}, "in quarantine without a reason"),
        ({"quarantine": [rejected(), UNKNOWN]}, "an unexpected row in quarantine"),
        ({"quarantine": [rejected(), UNKNOWN | {"interactionId": ID}]}, "rejected though valid"),
        ({"quarantine": [rejected(), FAILED]}, "both a row and in quarantine"),
        ({"quarantine": [rejected(), FAILED], "rows": []}, "failed"),
        ({"runs": {"e1": [COMPLETED], "e3": [COMPLETED]}}, "an event without an outcome"),
        ({"runs": {"e1": [COMPLETED], "e2": [CRASHED], "e3": [COMPLETED]}}, "an event without an outcome"),
        ({"unfinished": 1}, "runs that have not ended"),
        ({"buffered": 1}, "messages in the buffer"),
        ({"dead_letters": 1}, "dead letters"),
    ],
)
def test_each_difference_is_one_discrepancy_of_its_kind(changes: dict[str, Any], kind: str) -> None:
    """Whatever can be lost, wrong, doubled or left over is found, and nothing else with it."""
    assert kinds(observed(**changes)) == [kind]


TOMBSTONE = {"interactionId": ID, "erasedAt": "2026-01-15T10:00:00.000Z", "receiptId": "r"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"rows": []}, "not erased"),
        ({"rows": [row()]}, "not erased"),
        ({"rows": [TOMBSTONE | {"names": {}}]}, "a tombstone with content"),
        ({"traces": {ID: ["staging/1"]}}, "objects of what was erased"),
        ({"quarantine": [rejected(), FAILED]}, "in quarantine though erased"),
    ],
)
def test_whatever_is_left_of_an_erased_interaction_is_found(changes: dict[str, Any], kind: str) -> None:
    """A tombstone alone is no discrepancy; its events have an outcome all the same."""
    events = published()
    events.erase([ID])
    events.add("e4", ID, valid=True)  # what comes later of it
    runs = {event: [COMPLETED] for event in ("e1", "e2", "e3", "e4")}
    nothing: dict[str, Any] = {"rows": [TOMBSTONE], "staged": {}, "runs": runs}
    assert kinds(observed(**nothing), events) == []
    assert count_outcomes(events, observed(**nothing)) == {"erased": 3, "rejected": 1}
    assert kinds(observed(**nothing | changes), events) == [kind]


def test_what_publish_has_moved_is_no_discrepancy() -> None:
    """The version is held by the table instead of the object; another version in the table is found."""
    version, content_hash = "v", EXPECTED.record.content_hash
    assert kinds(observed(staged={}, published={ID: HeldVersion(version, content_hash)})) == []
    assert kinds(observed(staged={}, published={ID: HeldVersion("u", content_hash)})) == [
        "no object holds its version"
    ]


def test_rows_from_before_are_no_discrepancies() -> None:
    """Rows that the tables held before the first event are ignored."""
    before = published()
    before.known_interactions, before.known_quarantine = ["another"], ["s"]
    found = observed(rows=[row(), row(interactionId="another")], quarantine=[rejected(), UNKNOWN])
    assert kinds(found, before) == []


def test_a_seed_generates_the_same_events_again() -> None:
    """As many as asked for; among them invalid, repeated and twice-ended ones, with ids from the seed."""
    events = EventGenerator(7, "source").events(200)
    again = EventGenerator(7, "source").events(200)
    assert [event.subject for event in events] == [event.subject for event in again]
    assert len(events) == 200
    assert sum(not event.valid for event in events) == 2
    assert sum(event.ends_again for event in events) == 10
    assert len({event.subject for event in events}) == 200 - 20 - 10
