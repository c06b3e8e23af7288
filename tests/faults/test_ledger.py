"""A ledger that cannot fail is worth nothing: each kind of loss and doubling is found."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.records import build_record
from tasks.stores.archive import object_key
from tests.faults.balance import Observed, Row, Run, Truth, findings, outcomes
from tests.faults.entries import Draws
from tests.faults.plan import Plan

CONVERSATION = Path(__file__).parents[1] / "conversations/voice.json"
MARKER = str(uuid.uuid4())
TOLD = Run("r1", "COMPLETED", "1 saved, 0 unchanged, 0 deferred, 0 rejected, 0 failed")


def truth() -> Truth:
    """What Genesys holds of the one interaction."""
    conversation = json.loads(CONVERSATION.read_text(), parse_float=Decimal)
    record = build_record(conversation, datetime.now(UTC))
    return Truth(record, object_key(record.interaction_id, conversation))


TRUTH = truth()
ID = TRUTH.record.interaction_id


def plan() -> Plan:
    """Two events of one interaction, and an invalid one."""
    return Plan(1, events={"e1": ID, "e2": ID, "e3": MARKER}, interactions={ID: 0}, invalid=[MARKER])


def row(**changes: Any) -> Row:
    """The interaction's row as it should be, but for the changes."""
    return TRUTH.record.content | {
        "contentHash": TRUTH.record.content_hash,
        "version": "v",
        "attempt": 1,
        "runs": ["r1"],
        **changes,
    }


def rejected(**changes: Any) -> Row:
    """The invalid event's row as it should be, but for the changes."""
    known = {
        "quarantineId": "q",
        "reason": "rejected",
        "code": "c",
        "error": "e",
        "event": f"... {MARKER} ...",
    }
    return known | changes


def seen(**changes: Any) -> Observed:
    """A sandbox in which all is well, but for the changes."""
    well: dict[str, Any] = {
        "rows": [row()],
        "quarantine": [rejected()],
        "archived": {TRUTH.archive_key},
        "runs": {event: [TOLD] for event in ("e1", "e2", "e3")},
    }
    return Observed(**(well | changes))


def kinds(observed: Observed, put: Plan | None = None) -> list[str]:
    """The kinds of what is found."""
    return [finding.kind for finding in findings(put or plan(), {ID: TRUTH}, observed)]


def test_where_all_is_well_nothing_is_found() -> None:
    """Two events of one interaction and an invalid one, each with its outcome."""
    assert kinds(seen()) == []
    assert outcomes(plan(), seen()) == {"saved": 1, "unchanged": 1, "rejected": 1}


FAILED = {"quarantineId": "f", "reason": "failed", "code": "c", "error": "e", "interactionId": ID}
STRANGER = {"quarantineId": "s", "reason": "rejected", "code": "c", "error": "e", "event": "{}"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"rows": []}, "no row"),
        ({"rows": [row(mediaType="chat")]}, "untrue row"),
        ({"rows": [row(contentHash="other")]}, "untrue row"),
        ({"rows": [{n: v for n, v in row().items() if n != "durationMs"}]}, "untrue row"),
        ({"rows": [row(dueAt="2026-01-15T10:00:00.000Z")]}, "still waits"),
        ({"rows": [row(), row()]}, "more than one row"),
        ({"rows": [row(), row(interactionId="another")]}, "a row nobody asked for"),
        ({"rows": [row(runs=["r1", "r2", "r3"])]}, "written more often than it changed"),
        ({"archived": set()}, "not in the bucket"),
        ({"quarantine": []}, "not once in quarantine"),
        ({"quarantine": [rejected(), rejected(quarantineId="q2")]}, "not once in quarantine"),
        ({"quarantine": [rejected(error="")]}, "in quarantine without a reason"),
        ({"quarantine": [rejected(), STRANGER]}, "in quarantine, and nobody put it"),
        ({"quarantine": [rejected(), STRANGER | {"interactionId": ID}]}, "rejected though valid"),
        ({"quarantine": [rejected(), FAILED]}, "both a row and in quarantine"),
        ({"quarantine": [rejected(), FAILED], "rows": []}, "failed"),
        ({"runs": {"e1": [TOLD], "e3": [TOLD]}}, "an event without an outcome"),
        ({"runs": {"e1": [TOLD], "e2": [Run("r2", "CRASHED")], "e3": [TOLD]}}, "an event without an outcome"),
        ({"unfinished": 1}, "runs that have not ended"),
        ({"buffered": 1}, "messages in the buffer"),
        ({"dead": 1}, "dead letters"),
    ],
)
def test_what_is_wrong_is_found(changes: dict[str, Any], kind: str) -> None:
    """Each thing that can be lost, untrue, doubled or left over is one finding of its kind."""
    assert kinds(seen(**changes)) == [kind]


def test_what_was_there_before_is_nobodys_fault() -> None:
    """Rows that the tables held before the first event are not asked about."""
    before = plan()
    before.known_interactions, before.known_quarantine = ["another"], ["s"]
    observed = seen(rows=[row(), row(interactionId="another")], quarantine=[rejected(), STRANGER])
    assert kinds(observed, before) == []


def test_a_seed_draws_the_same_events_again() -> None:
    """So many as wanted; among them invalid, repeated and twice-ended ones, and the ids come from the seed."""
    steps = Draws(7, "source").steps(200)
    assert [step.subject for step in steps] == [step.subject for step in Draws(7, "source").steps(200)]
    assert len(steps) == 200
    assert sum(not step.valid for step in steps) == 2
    assert sum(step.changes for step in steps) == 10
    assert len({step.subject for step in steps}) == 200 - 20 - 10
