"""The answer that `inspect` gives about an interaction, when it is known, and what it masks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.inspect.findings import HIDDEN, Findings, RelatedRun, answer, masked

ID = "7f3c2a10-1111-4222-8333-444455556666"
NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
DEAD = {"looked": 1, "holds": 1, "found": [{"code": "x", "reason": "", "sent_at": 0}]}
RETRYING = RelatedRun("a", "is named after it", ID, "AwaitingRetry", under_way=True)
BATCH = RelatedRun("b", "holds it", "40 interactions", "Late", under_way=True)
FAILED = RelatedRun(
    "c", "reported on it", "replay of 2 interactions", "Failed", message="1 failed: x unknown-to-genesys"
)
THROTTLED = Findings(
    ID,
    state="waiting",
    due_at="2026-01-15T10:05:00.000Z",
    deferred_for="throttled",
    deferred_since="2026-01-15T09:00:00.000Z",
)
ROW = {"reason": "failed", "code": "never-known"}


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (Findings(ID), "Unknown: no store, no queue and no flow run is about it"),
        (Findings(ID), "Its event may still be in the buffer"),
        (Findings(ID, runs=[RETRYING]), f"Not stored. Its run {ID} is AwaitingRetry and may still store it."),
        (Findings(ID, state="stored", settled=True), "Stored, settled."),
        (Findings(ID, state="stored", settled=False), "not settled"),
        (Findings(ID, state="waiting", due_at="2026-01-15T10:05:00.000Z", attempt=3), "(attempt 3)"),
        (Findings(ID, state="waiting", due_at="2026-01-15T09:05:00.000Z", attempt=3), "Due since"),
        (
            Findings(ID, state="waiting", due_at="2026-01-15T09:59:30.000Z", attempt=3),
            "It is due now, since 2026-01-15T09:59:30.000Z (attempt 3).",
        ),
        (THROTTLED, "It waits since 2026-01-15T09:00:00.000Z: Genesys, or the request limit, asked to wait."),
        (
            Findings(ID, state="waiting", runs=[BATCH]),
            "Its run 40 interactions is Late and may still store it.",
        ),
        (
            Findings(ID, runs=[FAILED]),
            "Its run replay of 2 interactions is Failed: 1 failed: x unknown-to-genesys.",
        ),
        (Findings(ID, state="erased", erased_at="2026-01-15T09:05:00.000Z"), "Erased at 2026-01-15"),
        (Findings(ID, quarantine=[ROW]), "In quarantine as failed: never-known."),
        (Findings(ID, dead_letters=DEAD), "In the dead-letter queue"),
    ],
)
def test_the_answer_is_a_sentence(findings: Findings, words: str) -> None:
    """Each has a sentence: stored, settled, due, late, erased, in quarantine, dead letter, under way, unknown."""
    assert words in answer(findings, NOW)


def test_anything_found_makes_it_known() -> None:
    """A run, a row, an object or a dead letter makes an interaction known; without any it is unknown."""
    assert not Findings(ID).known
    assert not Findings(ID, conversations=0, dead_letters={"looked": 0, "holds": 0, "found": []}).known
    for found in (
        Findings(ID, state="erased"),
        Findings(ID, quarantine=[ROW]),
        Findings(ID, conversations=1),
        Findings(ID, dead_letters=DEAD),
        Findings(ID, runs=[RelatedRun("a", "changed it")]),
    ):
        assert found.known


def test_persons_are_masked_at_any_depth() -> None:
    """Names and addresses of persons are replaced, ids are not."""
    shown = masked(
        {
            "agentName": "Ada",
            "agents": [{"userId": "u-1", "name": "Ada"}],
            "customerEmail": "a@example.com",
            "queueIds": ["q-1"],
        }
    )
    assert shown == {
        "agentName": HIDDEN,
        "agents": [{"userId": "u-1", "name": HIDDEN}],
        "customerEmail": HIDDEN,
        "queueIds": ["q-1"],
    }
