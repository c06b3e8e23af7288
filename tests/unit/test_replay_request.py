"""What may be asked of a replay, and what of quarantine comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks.replay import InvalidRequest, Portion, ReplayRequest, accepted_ids, forecast
from tasks.stores import Stored

ONE = "7f3c0000-0000-4000-8000-000000000001"
TWO = "7f3c0000-0000-4000-8000-000000000002"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PHONE = "+15550100123"
EAST = timezone(timedelta(hours=14))
BOTH = "malformed-conversation-id, missing-conversation-id"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"


class Tables:
    """Interactions and quarantine, both of them empty."""

    def lookup(self, ids: Sequence[str]) -> dict[str, Stored]:
        """None of them is stored."""
        del ids
        return {}

    def failed_among(self, ids: Sequence[str]) -> frozenset[str]:
        """None of them failed."""
        del ids
        return frozenset()

    def by_reason(self, reason: str, since: str, until: str) -> list[dict[str, str]]:
        """A row that tells what was asked for."""
        return [{"quarantineId": f"{reason} {since} {until}"}]


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


def test_a_forecast_names_each_event_that_is_still_invalid() -> None:
    """Each by its row, by its event id if that is one, and with the code: no two sentences are alike."""
    list_of_two = {"id": EVENT, "detail-type": "Conversation Update", "detail": [{"interactionId": "x"}, {}]}
    texts = [
        event("no id"),
        json.dumps(json.loads(event(ONE)) | {"detail": {}, "id": EVENT}),
        json.dumps(json.loads(event(ONE)) | {"detail": {}, "id": PHONE}),
        "not json",
        json.dumps(list_of_two),
        event(TWO),
    ]
    rows = [{"quarantineId": f"row-{n}", "reason": "rejected", "event": text} for n, text in enumerate(texts)]
    tables: Any = Tables()
    assert list(forecast(tables, tables, Portion.of_rows(rows))) == [
        "quarantine row row-0: still invalid (malformed-conversation-id): it would stay in quarantine.",
        f"quarantine row row-1, event {EVENT}: still invalid (missing-conversation-id): it would stay in quarantine.",
        "quarantine row row-2: still invalid (missing-conversation-id): it would stay in quarantine.",
        "quarantine row row-3: still invalid (not-json): it would stay in quarantine.",
        f"quarantine row row-4, event {EVENT}: still invalid ({BOTH}): it would stay in quarantine.",
        f"{TWO}: not in the table: it would be fetched and stored.",
    ]


@pytest.mark.parametrize(
    "since", [datetime(1, 1, 1, tzinfo=EAST), datetime(999, 1, 1, tzinfo=UTC), NEW_YEAR.replace(year=2009)]
)
def test_since_before_anything_is_since_ever(since: datetime) -> None:
    """A year that no text of ours can hold, or that would sort behind this one, hides no row."""
    tables: Any = Tables()
    request = ReplayRequest.checked(quarantined="failed", since=since)
    assert request.quarantine_ids(tables, NEW_YEAR) == ["failed  2026-01-01T00:00:00.000Z"]


@pytest.mark.parametrize(
    "asked", [{"since": NEW_YEAR.replace(year=2027)}, {"until": datetime(1, 1, 1, tzinfo=EAST)}]
)
def test_a_time_in_which_nothing_can_be_asks_nothing(asked: dict[str, datetime]) -> None:
    """DynamoDB refuses an interval that ends before it begins."""
    tables: Any = Tables()
    assert ReplayRequest.checked(quarantined="all", **asked).quarantine_ids(tables, NEW_YEAR) == []
