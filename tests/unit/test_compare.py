"""What a reconcile takes for news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.compare import Compared, Comparison, is_news
from tasks.genesys import QueryPage
from tasks.records import InteractionRecord, build_record
from tasks.settings import Settings
from tasks.stores import Stored
from tests.unit.conftest import Conversation, conversation_names, read_conversation

ID = "7f3c0000-0000-4000-8000-000000000001"
FETCHED = datetime(2026, 1, 2, tzinfo=UTC)
QUEUE, OTHER = "5d1c0000-0000-4000-8000-00000000000a", "5d1c0000-0000-4000-8000-00000000000b"
DUE = "2026-01-01T11:00:00.000Z"


def ended(interaction_id: str = ID, queue_id: str = QUEUE) -> Conversation:
    """A conversation that has ended, from one queue."""
    segment = {"segmentType": "interact", "queueId": queue_id}
    return {
        "conversationId": interaction_id,
        "conversationStart": "2026-01-01T10:00:00.000Z",
        "conversationEnd": "2026-01-01T10:05:00.000Z",
        "participants": [{"purpose": "agent", "sessions": [{"mediaType": "voice", "segments": [segment]}]}],
    }


class Table:
    """A table in memory: what is stored, and what failed."""

    def __init__(self, *stored: Stored) -> None:
        self._stored = {each.interaction_id: each for each in stored}

    def lookup(self, interaction_ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these."""
        return {id_: self._stored[id_] for id_ in interaction_ids if id_ in self._stored}

    def failed_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Every one of these."""
        return frozenset(interaction_ids)


RECORD: InteractionRecord = build_record(ended(), FETCHED)
HASH, VERSION = RECORD.content_hash, RECORD.version


def compare(*conversations: Conversation, stored: Sequence[Stored] = (), **more: Any) -> Compared:
    """A page of these conversations, compared with a table that holds `stored`."""
    already = more.pop("already", ())
    required = ("genesys_client_id", "genesys_client_secret", "interaction_table", "quarantine_table")
    settings = Settings.model_validate(dict.fromkeys(required, "x") | more)
    page = QueryPage(conversations, len(conversations), 1, 100, FETCHED, 1)
    return Comparison(Table(*stored), Table(), settings, "reconcile:1").of(page, already)


@pytest.mark.parametrize(
    ("stored", "news"),
    [
        (None, True),
        (Stored(ID, due_at=DUE, attempt=2), True),
        (Stored(ID, settled=True, known=True, version=VERSION, content_hash=HASH), False),
        (Stored(ID, settled=True, known=True, version="0", content_hash=HASH), False),
        (Stored(ID, settled=True, known=True, version="0", content_hash="other"), True),
        (Stored(ID, settled=True, known=True, version="2", content_hash="other"), False),
        (Stored(ID, settled=True, known=True, version=VERSION, content_hash=HASH, due_at=DUE), True),
    ],
    ids=["absent", "placeholder", "same", "same-older", "older", "newer", "same-but-waiting"],
)
def test_only_what_is_missing_or_newer_is_news(stored: Stored | None, *, news: bool) -> None:
    """A row that holds the same content, or newer, is not written; one that waits in vain is."""
    assert is_news(RECORD, stored) is news


def test_a_page_twice_is_compared_once() -> None:
    """A conversation that shifted to the next page, or stands on one twice, is passed over."""
    assert len(compare(ended(), ended()).processed.fetched) == 1
    assert not compare(ended(), already=[ID]).has_work


def test_an_erased_interaction_is_passed_over() -> None:
    """A tombstone is counted; nothing of the conversation goes on to be saved."""
    compared = compare(ended(), stored=[Stored(ID, erased=True)])
    assert (compared.erased, compared.has_work) == (1, False)


@pytest.mark.parametrize(("queues", "kept"), [("", True), (QUEUE, True), (OTHER, False)])
def test_conversations_of_other_queues_are_not_kept(queues: str, *, kept: bool) -> None:
    """With QUEUE_IDS set, only conversations that touched one of them are news."""
    compared = compare(ended(), queue_ids=queues)
    assert (compared.has_work, compared.elsewhere) == (kept, 0 if kept else 1)


def test_a_conversation_that_cannot_be_read_costs_its_neighbours_nothing() -> None:
    """It goes to quarantine with an event that a replay can take, its neighbours are compared."""
    broken = ended("7f3c0000-0000-4000-8000-000000000002") | {"participants": Unreadable([1])}
    processed = compare(broken, ended()).processed
    assert [fetched.work.interaction_id for fetched in processed.fetched] == [ID]
    ((work, error),) = processed.failed
    assert work.first.interaction_id == broken["conversationId"]
    assert "secret" not in str(error)


class Unreadable(list[Any]):
    """Something that our code does not expect."""

    def __iter__(self) -> Any:
        """Fail as a bug does."""
        raise RuntimeError("secret")


def test_every_sample_is_news_once() -> None:
    """Each sample conversation is missing from an empty table, and present in one that holds its record."""
    for conversation in map(read_conversation, conversation_names()):
        (fetched,) = compare(conversation).processed.fetched
        record = fetched.record
        same = Stored(
            record.interaction_id,
            settled=record.settled,
            known=True,
            version=record.version,
            content_hash=record.content_hash,
        )
        assert compare(conversation, stored=[same]).present == 1
