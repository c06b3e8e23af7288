"""An interaction's own artifact in the Prefect UI."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.actions import ArtifactCreate

from flows.cards import card, card_key
from tasks.outcomes import Kind, Outcome

ID = "7f3c2a10-1111-4222-8333-444455556666"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"


def test_the_key_is_the_interaction_or_else_the_event() -> None:
    """`interaction-<id>` finds it in the UI; an event without an interaction is under its own id."""
    assert card_key(Outcome(Kind.FAILED, EVENT, ID)) == f"interaction-{ID}"
    assert card_key(Outcome(Kind.REJECTED, EVENT.upper(), None)) == f"interaction-{EVENT}"
    assert card_key(Outcome(Kind.REJECTED, None, None)) is None


@given(st.text(min_size=1, max_size=300))
def test_any_id_makes_a_key_that_prefect_takes(text: str) -> None:
    """Whatever a sender calls its event, the key is valid and bounded."""
    key = card_key(Outcome(Kind.REJECTED, text, None))
    if key is not None:
        assert re.fullmatch(r"[a-z0-9-]{1,100}", key)
        ArtifactCreate(key=key, data="")


@pytest.mark.parametrize("personal", ["someone@example.com", "Jane Doe", "+1 555 010 0123", "Zoë"])
def test_an_id_that_is_a_persons_is_not_shown(personal: str) -> None:
    """A broken sender's id of unusual characters appears neither in the key nor in the text."""
    outcome = Outcome(Kind.REJECTED, personal, None, "malformed-id: id is text of 9 characters")
    shown = f"{card_key(outcome)} {card(outcome)}"
    assert not any(part in shown for part in personal.lower().split())
    assert personal not in shown


def test_a_rejected_interaction_says_why_and_what_next() -> None:
    """The reason, the event and a way to the conversation itself."""
    text = card(Outcome(Kind.REJECTED, EVENT, ID, "wrong-type: mediaType is a list of 2 items"))
    assert "wrong-type: mediaType is a list of 2 items" in text
    assert EVENT in text
    assert f"""prefect deployment run 'replay-interactions/replay' -p 'interaction_ids=["{ID}"]'""" in text
    assert f"python -m deployments inspect {ID}" in text


def test_each_outcome_has_a_next_step() -> None:
    """Nobody is left alone with an outcome."""
    for kind in Kind:
        assert "**Next:**" in card(Outcome(kind, EVENT, ID, "a reason", "2026-01-15T10:00:00.000Z"))
    assert "2026-01-15" in card(Outcome(Kind.DEFERRED, EVENT, ID, "", "2026-01-15T10:00:00.000Z"))


def test_a_replay_is_marked_as_one() -> None:
    """The history tells a replay from a first run."""
    assert card(Outcome(Kind.SAVED, None, ID), replayed=True).startswith("# replayed: saved")


def test_a_reason_is_text_and_not_markdown() -> None:
    """Nothing in a reason becomes a link, a picture or a table."""
    assert "\\[x\\](y)" in card(Outcome(Kind.FAILED, EVENT, ID, "[x](y)"))
