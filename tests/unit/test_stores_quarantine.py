"""A quarantine row's key: one row for one failure, however often it is added."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.stores.quarantine import QuarantineRow, failed_id

ID = "7f3c2a10-1111-4222-8333-444455556666"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"
REJECTED = QuarantineRow("rejected", "wrong-type", "mediaType is a list", "{}", EVENT, ID)
FAILED = QuarantineRow("failed", "bad-request", "refused by Genesys", "{}", EVENT, ID)


def test_an_interaction_has_one_failed_row() -> None:
    """The row of a failed interaction is found by the interaction's id, whatever the event and the reason."""
    other = QuarantineRow("failed", "gave-up", "another", "other", "another event", ID)
    assert FAILED.quarantine_id == other.quarantine_id == failed_id(ID)
    assert FAILED.quarantine_id != replace(FAILED, interaction_id=EVENT).quarantine_id


def test_a_rejected_event_is_known_by_its_id() -> None:
    """A redelivery, even with another reason, is counted in the same row; another event has its own."""
    assert REJECTED.quarantine_id == replace(REJECTED, code="oversize", event="x").quarantine_id
    assert REJECTED.quarantine_id != replace(REJECTED, event_id=ID).quarantine_id


def test_an_event_without_an_id_is_known_by_its_text() -> None:
    """Events without an id share a row exactly if their texts are the same."""
    nameless = replace(REJECTED, event_id=None)
    assert nameless.quarantine_id == replace(nameless, error="another").quarantine_id
    assert nameless.quarantine_id != replace(nameless, event="{ }").quarantine_id


def test_rejected_and_failed_are_two_rows() -> None:
    """An interaction with a rejected event and a failure of its own has two rows."""
    assert REJECTED.quarantine_id != FAILED.quarantine_id


def test_a_failure_without_an_interaction_still_has_a_row() -> None:
    """A failure without an interaction is keyed by its event."""
    assert replace(FAILED, interaction_id=None).quarantine_id == REJECTED.quarantine_id


@given(st.text(st.characters(), min_size=1))
def test_any_text_makes_a_key(text: str) -> None:
    """Any text, lone surrogates included, has a key of 64 hexadecimal characters."""
    key = QuarantineRow("rejected", "not-json", "it is no JSON", text).quarantine_id
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
