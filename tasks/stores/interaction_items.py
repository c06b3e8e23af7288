"""Items of the interaction table: what a row holds, what a write puts into it, and what a write came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tasks.records import InteractionRecord
from tasks.stores.row_names import NO_NAMES, RowNames
from tasks.values import iso

FORMER_DUE_KEY = "due"
"""The one partition of the sparse index byDue that releases before 0.2 used."""
DUE_KEYS = tuple(f"due-{digit}" for digit in "0123456789abcdef")
"""The partitions of byDue: of one alone DynamoDB takes no more than 1,000 writes a second."""
DEFERRAL_FIELDS = ("dueAt", "dueKey", "deferredBy", "deferredFor", "deferredSince", "throttled")
TOMBSTONE_FIELDS = frozenset({"interactionId", "erasedAt", "receiptId", "expiresAt", "startDays"})
NO_START = "none"
"""What `startDays` holds of a version without a start."""
_DAY = len("2026-01-15")
STATE_FIELDS = (
    "interactionId",
    "settled",
    "version",
    "erasedAt",
    "dueAt",
    "attempt",
    "throttled",
    "deferredBy",
    "deferredFor",
    "deferredSince",
    "contentHash",
    "detailsHash",
)
"""The attributes that `Stored` reads wherever it comes from."""
LOOKUP_FIELDS = (*STATE_FIELDS, "endedAt", "mediaType", "eventTime", "savedAt")
"""Those that it reads of rows that are looked up by their ids."""


class WriteOutcome(StrEnum):
    """What a conditional write came to."""

    WRITTEN = "written"
    WRITTEN_TO_CONFIRM = "written; what it replaced ended later or had more, so it is asked for once more"
    ALREADY_BY_THIS_RUN = "written by this run before"
    REFRESHED = "same content"
    STALE = "the store holds this or newer"
    STALE_TO_CONFIRM = "the store holds another answer of the same second, so it is asked for once more"
    ERASED = "the interaction was erased"

    @property
    def written(self) -> bool:
        """Whether this write changed the content."""
        return self in (WriteOutcome.WRITTEN, WriteOutcome.WRITTEN_TO_CONFIRM)

    @property
    def to_confirm(self) -> bool:
        """Whether the item waits now until Genesys is asked once more."""
        return self in (WriteOutcome.WRITTEN_TO_CONFIRM, WriteOutcome.STALE_TO_CONFIRM)


class DeferralReason(StrEnum):
    """Why an interaction waits, in its item's `deferredFor`."""

    NOT_SETTLED = "not-settled"
    """Genesys has not ended it yet."""
    NOT_KNOWN = "not-known"
    """Genesys does not know it yet."""
    THROTTLED = "throttled"
    """Genesys, or the request limit of all workers, asks to wait."""
    UNREACHABLE = "unreachable"
    """Genesys gave no usable answer."""
    REFUSED = "refused"
    """Genesys refuses the credentials, a permission or the host: a person has to correct it."""
    CONFIRMATION = "confirmation"
    """It is stored and settled, and Genesys is asked once more whether that is its last state."""


class PreviousItem(StrEnum):
    """What the table held of an interaction before a tombstone was written."""

    RECORD = "record"
    PLACEHOLDER = "placeholder"
    TOMBSTONE = "tombstone"
    NOTHING = "nothing"

    @classmethod
    def of(cls, item: Mapping[str, Any] | None) -> PreviousItem:
        """Return the kind of an item. A placeholder has a deferral and no record."""
        if not item:
            return cls.NOTHING
        if "erasedAt" in item:
            return cls.TOMBSTONE
        return cls.RECORD if "version" in item else cls.PLACEHOLDER


@dataclass(frozen=True)
class Provenance:
    """The run, the attempt and the event that a write comes from; outside the record's content and version."""

    flow_run_id: str
    attempt: int
    event_id: str | None = None
    event_type: str | None = None
    event_time: str | None = None
    staged: str | None = None
    """The key of the object in S3 that holds the conversation; None when whole conversations are not kept."""


@dataclass(frozen=True)
class Deferral:
    """When to ask for an interaction again (UTC), and the number of that attempt.

    In `throttled` of the attempts before it Genesys asked for fewer requests: they do not count against the limit.
    Interactions of one due time, attempt and `throttled` share a later run, whatever the reason.
    """

    due_at: datetime
    attempt: int
    throttled: int = 0
    reason: DeferralReason = field(default=DeferralReason.NOT_SETTLED, compare=False)
    since: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    """When the interaction began to wait; a later attempt that defers it again keeps it."""

    def attributes(self, interaction_id: str, flow_run_id: str) -> dict[str, Any]:
        """Return the deferral's attributes of an interaction's item."""
        return {
            "dueAt": iso(self.due_at),
            "dueKey": due_key(interaction_id),
            "attempt": self.attempt,
            "throttled": self.throttled,
            "deferredBy": flow_run_id,
            "deferredFor": self.reason.value,
            "deferredSince": iso(self.since),
        }


def due_key(interaction_id: str) -> str:
    """Return the partition of byDue that an interaction waits in: the last digit of its id decides."""
    return DUE_KEYS[int(interaction_id[-1], 16)]


@dataclass(frozen=True)
class Stored:
    """The state of an interaction in the table: its version and its deferral, without the content."""

    interaction_id: str
    settled: bool = False
    known: bool = False
    """Whether the item holds a record, not only a deferral."""
    erased: bool = False
    due_at: str | None = None
    attempt: int = 0
    throttled: int = 0
    deferred_by: str | None = None
    deferred_for: str | None = None
    """A DeferralReason, or what another release wrote."""
    deferred_since: str | None = None
    version: str = ""
    content_hash: str | None = None
    details_hash: str | None = None
    fetched_at: str | None = None
    """Read by searches only."""
    ended_at: str | None = None
    media_type: str | None = None
    """Read by lookups only, as are `event_time` and `saved_at`."""
    event_time: str | None = None
    saved_at: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Stored:
        """Return the state that an item's STATE_FIELDS describe."""
        return cls(
            interaction_id=str(item["interactionId"]),
            settled=bool(item.get("settled", False)),
            known="version" in item,
            erased="erasedAt" in item,
            due_at=item.get("dueAt"),
            attempt=int(item.get("attempt", 0)),
            throttled=int(item.get("throttled", 0)),
            deferred_by=item.get("deferredBy"),
            deferred_for=item.get("deferredFor"),
            deferred_since=item.get("deferredSince"),
            version=str(item.get("version", "")),
            content_hash=item.get("contentHash"),
            details_hash=item.get("detailsHash"),
            fetched_at=item.get("fetchedAt"),
            ended_at=item.get("endedAt"),
            media_type=item.get("mediaType"),
            event_time=item.get("eventTime"),
            saved_at=item.get("savedAt"),
        )


@dataclass(frozen=True)
class NewRow:
    """A record of an interaction that the table is not known to hold; with a deferral when it is not settled."""

    record: InteractionRecord
    provenance: Provenance
    deferral: Deferral | None = None
    names: RowNames = NO_NAMES

    def item(self, expires_at: int | None) -> dict[str, Any]:
        """Return the item, the same that `InteractionTable.save` makes where the table has none."""
        values = {
            "interactionId": self.record.interaction_id,
            **record_attributes(self.record, self.provenance, expires_at),
            **self.names.attributes(self.record.content),
            "startDays": {start_day(self.record.content)},
            "savedAt": iso(datetime.now(UTC)) if self.record.settled else None,
            "attempt": self.provenance.attempt,
            "runs": [self.provenance.flow_run_id],
            **(
                self.deferral.attributes(self.record.interaction_id, self.provenance.flow_run_id)
                if self.deferral
                else {}
            ),
        }
        return {name: value for name, value in values.items() if value is not None}


def record_attributes(
    record: InteractionRecord, provenance: Provenance, expires_at: int | None
) -> dict[str, Any]:
    """Return what a write of a record sets, the key excepted; an attribute that is None is to be removed."""
    content = {name: value for name, value in record.content.items() if name != "interactionId"}
    return content | {
        "version": record.version,
        "contentHash": record.content_hash,
        "detailsHash": record.details_hash,
        "fetchedAt": iso(record.fetched_at),
        "staged": provenance.staged,
        "flowRunId": provenance.flow_run_id,
        "eventId": provenance.event_id,
        "eventType": provenance.event_type,
        "eventTime": provenance.event_time,
        "expiresAt": expires_at,
    }


def start_day(content: Mapping[str, Any]) -> str:
    """Return the UTC day on which a record's interaction started, or `none`: what a write adds to `startDays`."""
    started_at = content.get("startedAt")
    return str(started_at)[:_DAY] if started_at else NO_START


def start_days(item: Mapping[str, Any]) -> set[str]:
    """Return every day on which a version of an item started; an item of a release before had one, and no set."""
    held = {start_day(item)} if "version" in item else set()
    return held | set(item.get("startDays", ()))


def handled_by(flow_run_id: str, item: Mapping[str, Any]) -> bool:
    """Return whether a run stored the item's record or wrote its deferral."""
    if "dueAt" in item:
        return item.get("deferredBy") == flow_run_id
    return flow_run_id in item.get("runs", [])
