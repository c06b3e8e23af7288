"""What Genesys lists against what the table holds: which records are missing or newer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from tasks.batch import Fetched, Processed, Work
from tasks.errors import PermanentError
from tasks.events import InteractionEvent
from tasks.events.shapes import canonical_id
from tasks.genesys import QueryPage
from tasks.process import as_bug
from tasks.records import InteractionRecord, build_record
from tasks.settings import Settings
from tasks.stores import Stored


class Records(Protocol):
    """What a comparison asks the interaction table."""

    def lookup(self, interaction_ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these interactions."""
        ...


class FailedRows(Protocol):
    """What a comparison asks the quarantine table."""

    def failed_among(self, interaction_ids: Sequence[str]) -> frozenset[str]:
        """Those that have a `failed` row."""
        ...


class Compared:
    """A page of a query, compared: `processed` holds what is to be saved, as `tasks.save` takes it."""

    __slots__ = ("elsewhere", "erased", "page", "present", "processed", "seen")

    def __init__(self, page: QueryPage, processed: Processed) -> None:
        self.page = page
        self.processed = processed
        self.seen: set[str] = set()
        self.present = 0  # the table holds this or newer
        self.erased = 0
        self.elsewhere = 0  # of queues that are not kept

    @property
    def has_work(self) -> bool:
        """Whether anything is to be saved."""
        return bool(self.processed.fetched or self.processed.failed or self.processed.postponed)


class Comparison:
    """Compares pages with the tables; `event_id` names the reconcile in the records' provenance."""

    def __init__(
        self,
        interactions: Records,
        quarantine: FailedRows,
        settings: Settings,
        event_id: str,
    ) -> None:
        self._interactions = interactions
        self._quarantine = quarantine
        self._settings = settings
        self._event_id = event_id

    def of(self, page: QueryPage, already: Iterable[str] = ()) -> Compared:
        """Compare a page; conversations that were `already` seen are passed over. Raises StoreUnavailable."""
        fresh = _by_id(page.conversations)
        for id_ in already:
            fresh.pop(id_, None)
        ids = list(fresh)
        stored = self._interactions.lookup(ids)
        compared = Compared(page, Processed(stored, self._quarantine.failed_among(ids)))
        compared.seen.update(ids)
        for id_, conversation in fresh.items():
            self._sort(compared, id_, conversation, stored.get(id_))
        return compared

    def _sort(
        self, compared: Compared, id_: str, conversation: dict[str, Any], stored: Stored | None
    ) -> None:
        if stored is not None and stored.erased:
            compared.erased += 1
            return
        work = Work(id_, [asking(id_, "reconcile", self._event_id)])
        try:
            record = build_record(conversation, compared.page.fetched_at)
        except PermanentError as error:
            compared.processed.failed.append((work, error))
        except Exception as bug:  # noqa: BLE001 - one interaction's bug must not cost its neighbours
            compared.processed.failed.append((work, as_bug(bug)))
        else:
            self._place(compared, Fetched(work, record, conversation), stored)

    def _place(self, compared: Compared, fetched: Fetched, stored: Stored | None) -> None:
        if not self._wanted(fetched.record):
            compared.elsewhere += 1
        elif is_news(fetched.record, stored):
            compared.processed.fetched.append(fetched)
        else:
            compared.present += 1

    def _wanted(self, record: InteractionRecord) -> bool:
        wanted = self._settings.queue_ids
        return not wanted or not set(wanted).isdisjoint(record.content.get("queueIds", ()))


def is_news(record: InteractionRecord, stored: Stored | None) -> bool:
    """Whether the table lacks the record, holds older content, or still waits for what is settled now."""
    if stored is None or not stored.known:
        return True
    if stored.due_at is not None and record.settled:
        return True
    # A query's answer has no participant attributes.
    return (
        record.content_hash != (stored.details_hash or stored.content_hash)
        and stored.version < record.version
    )


def asking(interaction_id: str, why: str, event_id: str) -> InteractionEvent:
    """The event that stands for a question of our own: a replay or a reconcile."""
    return InteractionEvent(
        interaction_id=interaction_id,
        event_id=event_id,
        event_type=why,
        source=why,
        detail_type="conversation.end",
    )


def _by_id(conversations: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = ((canonical_id(each["conversationId"]), each) for each in conversations)
    return {id_: each for id_, each in found if id_}
