"""What a row of the interaction table says, and what a write of it came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tasks.records import InteractionRecord
from tasks.stores.dynamodb import iso

DUE = "due"  # the one partition of the sparse index byDue


class Written(StrEnum):
    """What a conditional write came to."""

    WRITTEN = "written"
    OWN = "written by this run before"
    REFRESHED = "same content"
    STALE = "the store holds this or newer"
    ERASED = "the interaction was erased"


class Buried(StrEnum):
    """What a tombstone took the place of."""

    RECORD = "record"
    PLACEHOLDER = "placeholder"
    TOMBSTONE = "tombstone"
    NOTHING = "nothing"

    @classmethod
    def of(cls, item: dict[str, Any] | None) -> Buried:
        """What an item is."""
        if not item:
            return cls.NOTHING
        if "erasedAt" in item:
            return cls.TOMBSTONE
        return cls.RECORD if "version" in item else cls.PLACEHOLDER


@dataclass(frozen=True)
class Provenance:
    """Where a write comes from; outside the record's content and version."""

    flow_run_id: str
    attempt: int
    event_id: str | None = None
    event_type: str | None = None
    event_time: str | None = None


@dataclass(frozen=True)
class Deferral:
    """When an interaction is to be asked for again (UTC), and the number of that attempt.

    `throttled` of the attempts before it Genesys did not answer because of its limits: they cost no patience.
    """

    due_at: datetime
    attempt: int
    throttled: int = 0

    def attributes(self, flow_run_id: str) -> dict[str, Any]:
        """The waiting part of an item."""
        return {
            "dueAt": iso(self.due_at),
            "dueKey": DUE,
            "attempt": self.attempt,
            "throttled": self.throttled,
            "deferredBy": flow_run_id,
        }


@dataclass(frozen=True)
class Stored:
    """What the table holds of an interaction, as far as deciding needs it."""

    interaction_id: str
    settled: bool = False
    known: bool = False
    erased: bool = False
    due_at: str | None = None
    attempt: int = 0
    throttled: int = 0
    deferred_by: str | None = None
    version: str = ""
    content_hash: str | None = None
    details_hash: str | None = None

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Stored:
        """Read an item; `known` says that it holds a record and not only a deferral."""
        return cls(
            interaction_id=str(item["interactionId"]),
            settled=bool(item.get("settled", False)),
            known="version" in item,
            erased="erasedAt" in item,
            due_at=item.get("dueAt"),
            attempt=int(item.get("attempt", 0)),
            throttled=int(item.get("throttled", 0)),
            deferred_by=item.get("deferredBy"),
            version=str(item.get("version", "")),
            content_hash=item.get("contentHash"),
            details_hash=item.get("detailsHash"),
        )


@dataclass(frozen=True)
class Write:
    """A write's result, and what the table holds after a refusal."""

    written: Written
    stored: Stored | None = None


@dataclass(frozen=True)
class NewRow:
    """A record for an interaction that the table is not known to hold; `deferral` when it is not settled."""

    record: InteractionRecord
    provenance: Provenance
    deferral: Deferral | None = None
