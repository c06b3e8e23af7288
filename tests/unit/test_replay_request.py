"""The request of a replay, its parts, and the rows of quarantine that it may delete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks.events import serialize
from tasks.operations.replay_parts import ReplayPart, accepted_ids, forecast
from tasks.operations.replay_request import InvalidReplayRequest, ReplayRequest
from tasks.stores import Stored

ONE = "7f3c0000-0000-4000-8000-000000000001"
TWO = "7f3c0000-0000-4000-8000-000000000002"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PHONE = "+15550100123"
EAST = timezone(timedelta(hours=14))
BOTH = "malformed-conversation-id, missing-conversation-id"
EVENT = "0e6a4a8e-1111-4222-8333-444455556666"


class Tables:
    """Empty tables of interactions and quarantine."""

    def lookup(self, ids: Sequence[str]) -> dict[str, Stored]:
        """Return no row."""
        del ids
        return {}

    def failed_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Return no id."""
        del ids
        return frozenset()

    def by_reason(self, reason: str, since: str, until: str) -> list[dict[str, str]]:
        """Return a row whose id has the arguments."""
        return [{"quarantineId": f"{reason} {since} {until}"}]


def event(interaction_id: str) -> str:
    """Return an event of an interaction."""
    return json.dumps({"detail-type": "conversation.end", "detail": {"conversationId": interaction_id}})


def test_ids_are_canonical_and_distinct() -> None:
    """Upper case, spaces and repetitions are one interaction."""
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
def test_an_invalid_request_is_refused(parameters: dict[str, Any], named: str) -> None:
    """The error names the parameter and the position, and quotes no value."""
    with pytest.raises(InvalidReplayRequest, match=named) as refusal:
        ReplayRequest.checked(**parameters)
    assert PHONE not in str(refusal.value)


def test_a_requested_interaction_is_accepted_like_an_event() -> None:
    """A deferred replay by id is put into a later run as an event that validation accepts."""
    part = ReplayPart.of_ids([ONE, TWO], "replay:1")
    assert part.size == 2
    assert [accepted_ids(serialize(work.first)) for work in part.works] == [[ONE], [TWO]]


def test_only_a_rejected_row_that_is_valid_now_may_be_deleted() -> None:
    """A rejected row whose event is still invalid stays in quarantine; save deletes failed rows."""
    part = ReplayPart.of_rows(
        [
            {"quarantineId": "a", "reason": "rejected", "event": event(ONE)},
            {"quarantineId": "b", "reason": "rejected", "event": event("no id")},
            {"quarantineId": "c", "reason": "failed", "event": event(TWO)},
        ]
    )
    assert part.rejected == {"a": [ONE]}
    assert len(part.texts) == 3


def test_a_forecast_names_each_event_that_is_still_invalid() -> None:
    """Each line has the row, the event's id if it is a UUID, and the code."""
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
    assert list(forecast(tables, tables, ReplayPart.of_rows(rows))) == [
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
def test_since_before_any_row_is_no_bound(since: datetime) -> None:
    """A year of less than four digits would sort wrongly: it is no lower bound at all."""
    tables: Any = Tables()
    request = ReplayRequest.checked(quarantined="failed", since=since)
    assert request.quarantine_ids(tables, NEW_YEAR) == ["failed  2026-01-01T00:00:00.000Z"]


@pytest.mark.parametrize(
    "parameters", [{"since": NEW_YEAR.replace(year=2027)}, {"until": datetime(1, 1, 1, tzinfo=EAST)}]
)
def test_an_empty_interval_makes_no_query(parameters: dict[str, datetime]) -> None:
    """DynamoDB refuses an interval whose end is before its start, so none is queried."""
    tables: Any = Tables()
    assert ReplayRequest.checked(quarantined="all", **parameters).quarantine_ids(tables, NEW_YEAR) == []
