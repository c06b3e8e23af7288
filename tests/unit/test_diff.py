"""Which conversations of a reconcile's page are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.genesys import ConversationBatch
from tasks.pipeline.diff import is_newer
from tasks.pipeline.work import Chunk, InteractionWork, PipelineRun, ProcessedChunk, SkipReason
from tasks.process import fetch_chunk
from tasks.records import InteractionRecord, build_record
from tasks.records.version import version
from tasks.settings import Settings
from tasks.stores import Stored
from tests.support.samples import Conversation, conversation_names, read_conversation

ID = "7f3c0000-0000-4000-8000-000000000001"
FETCHED = datetime(2026, 1, 2, tzinfo=UTC)
QUEUE, OTHER = "5d1c0000-0000-4000-8000-00000000000a", "5d1c0000-0000-4000-8000-00000000000b"
DUE = "2026-01-01T11:00:00.000Z"


def ended(interaction_id: str = ID, queue_id: str = QUEUE) -> Conversation:
    """Return a conversation that has ended, from one queue."""
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
        """Return what is stored of these."""
        return {id_: self._stored[id_] for id_ in interaction_ids if id_ in self._stored}

    def failed_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Return every one of these."""
        return frozenset(interaction_ids)

    def address(self, interaction_id: str) -> None:
        """Return no stored address."""
        del interaction_id


RECORD: InteractionRecord = build_record(ended(), FETCHED)
HASH, VERSION = RECORD.content_hash, RECORD.version
SAME_SECOND = version(FETCHED, "g" * 64, settled=True)  # sorts above every hash


BY_QUERY = PipelineRun("run", "background", only_newer=True)
BY_JOBS = PipelineRun("run", "background", only_missing=True)


def process(
    *conversations: Conversation, stored: Sequence[Stored] = (), run: PipelineRun = BY_QUERY, **settings: Any
) -> ProcessedChunk:
    """Return a page of these conversations, processed as a reconcile does against a table that holds `stored`."""
    required = ("genesys_client_id", "genesys_client_secret", "interaction_table", "quarantine_table")
    services: Any = SimpleNamespace(
        settings=Settings.model_validate(dict.fromkeys(required, "x") | settings),
        interactions=Table(*stored),
        quarantine=Table(),
        staging=SimpleNamespace(),
        directory=None,
    )
    by_id = {each["conversationId"]: each for each in conversations}
    prefetched = ConversationBatch(by_id, frozenset(), {}, dict.fromkeys(by_id, FETCHED), 0)
    works = [InteractionWork.requested(id_, "reconcile", "reconcile:1") for id_ in by_id]
    return fetch_chunk(services, Chunk(works, prefetched), run)


def skipped(processed: ProcessedChunk) -> list[SkipReason]:
    """Return why interactions are not written."""
    return [reason for _, reason in processed.skipped]


@pytest.mark.parametrize(
    ("stored", "newer"),
    [
        (None, True),
        (Stored(ID, due_at=DUE, attempt=2), True),
        (Stored(ID, settled=True, known=True, version=VERSION, content_hash=HASH), False),
        (Stored(ID, settled=True, known=True, version="0", content_hash=HASH), False),
        (Stored(ID, settled=True, known=True, version="0", content_hash="other"), True),
        (Stored(ID, settled=True, known=True, version="2", content_hash="other"), False),
        (Stored(ID, settled=True, known=True, version=SAME_SECOND, content_hash="other"), True),
        (Stored(ID, settled=True, known=True, version=VERSION, content_hash=HASH, due_at=DUE), True),
    ],
    ids=["absent", "placeholder", "same", "same-older", "older", "newer", "same-second", "same-but-waiting"],
)
def test_only_what_is_missing_or_newer_is_written(stored: Stored | None, *, newer: bool) -> None:
    """A row that holds the same content, or newer, is not written; one that waits, or of the same second, is."""
    assert is_newer(RECORD, stored) is newer
    processed = process(ended(), stored=[stored] if stored else [])
    assert len(processed.fetched) == (1 if newer else 0)
    assert skipped(processed) == ([] if newer else [SkipReason.PRESENT])


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (None, None),
        (Stored(ID, due_at=DUE, attempt=2), None),
        (Stored(ID, settled=True, known=True, version="0", content_hash=HASH), SkipReason.PRESENT),
        (
            Stored(ID, settled=True, known=True, version="0", content_hash="x", details_hash=HASH),
            SkipReason.PRESENT,
        ),
        (Stored(ID, settled=True, known=True, version="0", content_hash="other"), SkipReason.DIFFERS),
        (Stored(ID, settled=True, known=True, version="2", content_hash="other"), SkipReason.DIFFERS),
        (
            Stored(ID, settled=True, known=True, version=VERSION, content_hash=HASH, due_at=DUE),
            SkipReason.DIFFERS,
        ),
        (Stored(ID, known=True, version="0", content_hash="other"), SkipReason.DIFFERS),
    ],
    ids=["absent", "placeholder", "same", "same-details", "older", "newer", "waiting", "unsettled"],
)
def test_the_lake_writes_only_what_is_missing(stored: Stored | None, reason: SkipReason | None) -> None:
    """A row that differs, older or newer, is not written with the lake's copy: Genesys is to be asked for it."""
    processed = process(ended(), stored=[stored] if stored else [], run=BY_JOBS)
    assert len(processed.fetched) == (0 if reason else 1)
    assert skipped(processed) == ([reason] if reason else [])


def test_an_erased_interaction_is_skipped() -> None:
    """Nothing of an erased interaction's conversation goes on to be saved."""
    processed = process(ended(), stored=[Stored(ID, erased=True)])
    assert (processed.fetched, skipped(processed)) == ([], [SkipReason.ERASED])


@pytest.mark.parametrize(("queues", "kept"), [("", True), (QUEUE, True), (OTHER, False)])
def test_conversations_of_other_queues_are_skipped(queues: str, *, kept: bool) -> None:
    """With QUEUE_IDS set, only conversations that touched one of them are written."""
    processed = process(ended(), queue_ids=queues)
    assert bool(processed.fetched) is kept
    assert skipped(processed) == ([] if kept else [SkipReason.OTHER_QUEUE])


def test_a_conversation_that_cannot_be_read_costs_its_neighbours_nothing() -> None:
    """It goes to quarantine with an event that a replay can take; its neighbours are written."""
    broken = ended("7f3c0000-0000-4000-8000-000000000002") | {"participants": Unreadable([1])}
    processed = process(broken, ended())
    assert [fetched.work.interaction_id for fetched in processed.fetched] == [ID]
    ((work, error),) = processed.failed
    assert work.first.interaction_id == broken["conversationId"]
    assert "secret" not in str(error)


class Unreadable(list[Any]):
    """Something that our code does not expect."""

    def __iter__(self) -> Any:
        """Fail as a bug does."""
        raise RuntimeError("secret")


def test_every_sample_is_written_once() -> None:
    """Each sample conversation is missing from an empty table, and present in one that holds its record."""
    for conversation in map(read_conversation, conversation_names()):
        (fetched,) = process(conversation).fetched
        record = fetched.record
        same = Stored(
            record.interaction_id,
            settled=record.settled,
            known=True,
            version=record.version,
            content_hash=record.content_hash,
        )
        assert skipped(process(conversation, stored=[same])) == [SkipReason.PRESENT]
