"""What may be asked of a replay, and what of quarantine comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.replay import InvalidRequest, Portion, ReplayRequest, accepted_ids

ONE = "7f3c0000-0000-4000-8000-000000000001"
TWO = "7f3c0000-0000-4000-8000-000000000002"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PHONE = "+15550100123"


def event(interaction_id: str) -> str:
    """A valid event."""
    return json.dumps({"detail-type": "conversation.end", "detail": {"conversationId": interaction_id}})


def test_ids_are_taken_once_and_in_one_spelling() -> None:
    """Upper case, spaces and repetitions make no second replay."""
    request = ReplayRequest.checked(interaction_ids=[ONE.upper(), f" {ONE} ", TWO])
    assert request.interaction_ids == (ONE, TWO)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "nothing is asked for"),
        ({"interaction_ids": [ONE, PHONE, ""]}, "place 2, 3$"),
        ({"interaction_ids": ["x"] * 9}, "place 1, 2, 3, 4, 5 and 4 more"),
        ({"quarantined": "some"}, "quarantined: "),
        ({"interaction_ids": [ONE], "since": NEW_YEAR}, "set quarantined"),
        (
            {"quarantined": "all", "since": NEW_YEAR.replace(tzinfo=None, day=2), "until": NEW_YEAR},
            "since must be before until",
        ),
    ],
)
def test_what_makes_no_replay_is_refused(parameters: dict[str, Any], named: str) -> None:
    """The error names the parameter and the place, and repeats no value."""
    with pytest.raises(InvalidRequest, match=named) as refusal:
        ReplayRequest.checked(**parameters)
    assert PHONE not in str(refusal.value)


def test_an_event_of_our_own_is_accepted_like_any_other() -> None:
    """A replay by id travels as an event that validation accepts."""
    portion = Portion.of_ids([ONE, TWO], "replay:1")
    assert [accepted_ids(text) for text in portion.texts] == [[ONE], [TWO]]


def test_only_a_rejected_row_that_is_valid_now_may_leave() -> None:
    """A rejected row whose event is still invalid stays in quarantine; a failed row is left to save."""
    portion = Portion.of_rows(
        [
            {"quarantineId": "a", "reason": "rejected", "event": event(ONE)},
            {"quarantineId": "b", "reason": "rejected", "event": event("no id")},
            {"quarantineId": "c", "reason": "failed", "event": event(TWO)},
        ]
    )
    assert portion.rejected == {"a": [ONE]}
    assert len(portion.texts) == 3
