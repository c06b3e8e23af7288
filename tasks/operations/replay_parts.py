"""A replay in parts: interactions by id, records of a former release, rows of quarantine, read in their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Protocol

from tasks.events import InteractionEvent, Rejection, parse
from tasks.genesys import ConversationBatch
from tasks.operations.replay_request import ReplayRequest
from tasks.pipeline.work import InteractionWork
from tasks.stores import ConversationBucket, InteractionTable, QuarantineTable, Stored
from tasks.values import canonical_id, chunked, instant

MAX_REBUILT = 100_000
"""Records of a former release that one run takes; the next run takes the next."""
_READERS = 16  # objects read from S3 at once


class Stores(Protocol):
    """The stores that a replay reads."""

    @property
    def interactions(self) -> InteractionTable:
        """The table of records."""

    @property
    def quarantine(self) -> QuarantineTable:
        """The table of what was rejected or given up."""

    @property
    def conversations(self) -> ConversationBucket | None:
        """The bucket of whole conversations, if there is one."""


class ReplayPart:
    """Some interactions by id, or some events out of quarantine: one of the two lists is empty."""

    __slots__ = ("archived", "keys", "rejected", "texts", "works")

    def __init__(self) -> None:
        self.archived: ConversationBatch | None = None  # conversations of the works, out of S3
        self.works: list[InteractionWork] = []
        self.texts: list[str] = []
        self.keys: list[str] = []  # the quarantine row of each text
        self.rejected: dict[str, list[str]] = {}  # of a rejected row that is valid now: its interactions

    @property
    def size(self) -> int:
        """How many events it holds."""
        return len(self.works) + len(self.texts)

    @classmethod
    def of_ids(cls, interaction_ids: Sequence[str], event_id: str) -> ReplayPart:
        """Return a part of interactions; `event_id` names the replay in the records' provenance."""
        part = cls()
        part.works = [InteractionWork.requested(id_, "replay", event_id) for id_ in interaction_ids]
        return part

    @classmethod
    def of_records(
        cls, records: Sequence[tuple[str, str]], bucket: ConversationBucket | None, event_id: str
    ) -> ReplayPart:
        """Return a part of interactions with `fetchedAt` of their records; those with an object need no request.

        A conversation out of S3 is as old as the record that it made: it loses against any later answer.
        """
        part = cls.of_ids([id_ for id_, _ in records], event_id)
        if bucket is not None:
            with ThreadPoolExecutor(_READERS) as pool:
                found = list(pool.map(lambda record: bucket.latest(record[0]), records))
            conversations = {id_: each for (id_, _), each in zip(records, found, strict=True) if each}
            dates = {id_: moment for id_, fetched_at in records if (moment := instant(fetched_at))}
            kept = {id_: each for id_, each in conversations.items() if id_ in dates}
            part.archived = ConversationBatch(kept, frozenset(), {}, dates, requests=0)
        return part

    @classmethod
    def of_rows(cls, rows: Sequence[dict[str, Any]]) -> ReplayPart:
        """Return a part of quarantine rows: each event as it was put there."""
        part = cls()
        for row in rows:
            part.texts.append(str(row["event"]))
            part.keys.append(str(row["quarantineId"]))
            if row["reason"] == "rejected" and (ids := accepted_ids(part.texts[-1])) is not None:
                part.rejected[part.keys[-1]] = ids
        return part


class ReplayPlan:
    """All parts of a replay, at most `size` events each.

    Making it reads the quarantine's keys, and with `rebuild` scans the table of records; it blocks.
    """

    def __init__(self, request: ReplayRequest, stores: Stores, size: int, event_id: str) -> None:
        quarantine, bucket = stores.quarantine, stores.conversations
        ids, keys = request.interaction_ids, request.quarantine_ids(quarantine, datetime.now(UTC))
        former = stores.interactions.of_former_version() if request.rebuild else iter(())
        records = list(islice(former, MAX_REBUILT))
        self.total = len(ids) + len(records) + len(keys)
        self.parts: list[Callable[[], ReplayPart]] = [
            *(partial(ReplayPart.of_ids, part, event_id) for part in chunked(ids, size)),
            *(partial(ReplayPart.of_records, part, bucket, event_id) for part in chunked(records, size)),
            *(partial(_of_keys, quarantine, part) for part in chunked(keys, size)),
        ]


def _of_keys(quarantine: QuarantineTable, keys: Sequence[str]) -> ReplayPart:
    return ReplayPart.of_rows(quarantine.rows(keys))


def accepted_ids(text: str) -> list[str] | None:
    """Return the interactions of a valid event, none of one that is ignored; None when any of it is rejected."""
    parsed = parse(text)
    if any(isinstance(each, Rejection) for each in parsed):
        return None
    return [each.interaction_id for each in parsed if isinstance(each, InteractionEvent)]


def forecast(interactions: InteractionTable, quarantine: QuarantineTable, part: ReplayPart) -> Iterator[str]:
    """Yield one sentence for each event of a part: what a replay would do. Asks Genesys nothing; blocks."""
    events: list[tuple[list[str] | None, str, str]] = [([work.interaction_id], "", "") for work in part.works]
    events += [(accepted_ids(text), text, key) for text, key in zip(part.texts, part.keys, strict=True)]
    ids = sorted({id_ for found, *_ in events for id_ in found or ()})
    stored = interactions.lookup(ids)
    failed = quarantine.failed_among(ids)
    for found, text, key in events:
        if found is None:
            yield _still_invalid(text, key)
        elif not found:
            yield f"quarantine row {key}: it tells of no conversation's details: the row would be removed."
        for id_ in found or ():
            row = " It is in quarantine as failed." if id_ in failed else ""
            yield f"{id_}: {_forecast_of(stored.get(id_))}{row}"


def _still_invalid(text: str, key: str) -> str:
    """Name the row by its key, and the event by its id if that is a UUID: another id may be personal data."""
    rejections = [each for each in parse(text) if isinstance(each, Rejection)]
    codes = ", ".join(dict.fromkeys(each.code for each in rejections)) or "no interaction"
    ids = (canonical_id(each.event_id.partition("#")[0]) for each in rejections if each.event_id)
    id_ = next(ids, None)
    event = f", event {id_}" if id_ else ""
    return f"quarantine row {key}{event}: still invalid ({codes}): it would stay in quarantine."


def _forecast_of(stored: Stored | None) -> str:
    if stored is None:
        return "not in the table: it would be fetched and stored."
    if stored.erased:
        return "erased: it would stay so."
    if stored.due_at is not None:
        return f"waits for attempt {stored.attempt}, due {stored.due_at}: it would be fetched now."
    if not stored.settled:
        return "stored, not settled: it would be fetched."
    return "stored and settled: it would be fetched and compared."
