"""The key and the text of an interaction's artifact in Prefect."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.actions import ArtifactCreate

from flows.reports.interaction import artifact_key, markdown
from tasks.pipeline.outcomes import Outcome, OutcomeKind

ID = "7f3c2a10-1111-4222-8333-444455556666"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"


def test_the_key_is_the_interaction_or_else_the_event() -> None:
    """`interaction-<id>` has the interaction's id, or the event's where there is no interaction."""
    assert artifact_key(Outcome(OutcomeKind.FAILED, EVENT, ID)) == f"interaction-{ID}"
    assert artifact_key(Outcome(OutcomeKind.REJECTED, EVENT.upper(), None)) == f"interaction-{EVENT}"
    assert artifact_key(Outcome(OutcomeKind.REJECTED, None, None)) is None


@given(st.text(min_size=1, max_size=300))
def test_any_id_makes_a_valid_key(text: str) -> None:
    """Whatever an event's id is, Prefect accepts the key."""
    key = artifact_key(Outcome(OutcomeKind.REJECTED, text, None))
    if key is not None:
        assert re.fullmatch(r"[a-z0-9-]{1,100}", key)
        ArtifactCreate(key=key, data="")


@pytest.mark.parametrize("personal", ["someone@example.com", "Jane Doe", "+1 555 010 0123", "Zoë"])
def test_personal_data_in_place_of_an_id_is_not_shown(personal: str) -> None:
    """An event id with personal data is neither in the key nor in the text."""
    outcome = Outcome(OutcomeKind.REJECTED, personal, None, "malformed-id: id is text of 9 characters")
    shown = f"{artifact_key(outcome)} {markdown(outcome)}"
    assert not any(part in shown for part in personal.lower().split())
    assert personal not in shown


def test_a_rejected_interaction_says_why_and_what_next() -> None:
    """The text has the reason, the event's id and the commands that replay and inspect the interaction."""
    text = markdown(Outcome(OutcomeKind.REJECTED, EVENT, ID, "wrong-type: mediaType is a list of 2 items"))
    assert "wrong-type: mediaType is a list of 2 items" in text
    assert EVENT in text
    assert f"""prefect deployment run 'replay-interactions/replay' -p 'interaction_ids=["{ID}"]'""" in text
    assert f"python -m deployments inspect {ID}" in text


def test_the_heading_says_the_code_of_what_was_rejected_or_failed() -> None:
    """It is the card's description, too; what has no code, or needs none, is named by its outcome alone."""
    assert (
        _heading(Outcome(OutcomeKind.REJECTED, EVENT, ID, "wrong-type: mediaType is a list"))
        == "rejected: wrong-type"
    )
    assert _heading(Outcome(OutcomeKind.FAILED, EVENT, ID, "never-known")) == "failed: never-known"
    assert _heading(Outcome(OutcomeKind.FAILED, EVENT, ID, "[x](y): z")) == "failed"
    assert (
        _heading(Outcome(OutcomeKind.DEFERRED, EVENT, ID, "throttled: later", "2026-01-15T10:00:00.000Z"))
        == "deferred"
    )


def _heading(outcome: Outcome) -> str:
    return markdown(outcome).splitlines()[0].removeprefix("# ")


def test_each_outcome_has_a_next_step() -> None:
    """The text of every kind of outcome has a next step."""
    for kind in OutcomeKind:
        assert "**Next:**" in markdown(Outcome(kind, EVENT, ID, "a reason", "2026-01-15T10:00:00.000Z"))
    assert "2026-01-15" in markdown(Outcome(OutcomeKind.DEFERRED, EVENT, ID, "", "2026-01-15T10:00:00.000Z"))


def test_a_replay_is_marked_as_one() -> None:
    """The heading of a replayed outcome says so."""
    assert markdown(Outcome(OutcomeKind.SAVED, None, ID), replayed=True).startswith("# replayed: saved")


def test_a_reason_is_text_and_not_markdown() -> None:
    """Markdown in a reason is escaped."""
    assert "\\[x\\](y)" in markdown(Outcome(OutcomeKind.FAILED, EVENT, ID, "[x](y)"))
