"""Whole conversations for an export: staged, in the analytics tables, or in an object of a former release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployments.inspect.lookup import InspectSettings
from tasks.lake.days import days_of
from tasks.stores import ConversationBucket, StagingBucket, s3

Read = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True)
class WholeConversation:
    """A conversation, and where it was: `staged`, `table` or `former`."""

    source: str
    conversation: dict[str, Any] = field(repr=False)


class Conversations:
    """Readers by place, asked in this order; `notes` name the places that cannot be looked at."""

    def __init__(self, readers: Mapping[str, Read], notes: tuple[str, ...] = ()) -> None:
        self._readers = readers
        self.notes = notes

    def of(self, row: Mapping[str, Any]) -> WholeConversation | None:
        """Return the conversation of a row; None when no place has it. Raises StoreUnavailable."""
        for source, read in self._readers.items():
            if (found := read(row)) is not None:
                return WholeConversation(source, found)
        return None


def conversations(settings: InspectSettings, aws: Any) -> Conversations:
    """Return the readers that the settings allow."""
    bucket = settings.conversation_bucket
    if bucket is None:
        return Conversations({}, ("CONVERSATION_BUCKET is not set: whole conversations were not looked for",))
    client = s3.client(1, aws)
    staging, former = StagingBucket(client, bucket), ConversationBucket(client, bucket)

    def staged(row: Mapping[str, Any]) -> dict[str, Any] | None:
        held = staging.find(row["interactionId"], row["staged"]) if "staged" in row else None
        return held.conversation if held else None

    readers: dict[str, Read] = {"staged": staged}
    notes: tuple[str, ...] = ()
    if settings.analytics_database is None:
        notes = ("ANALYTICS_DATABASE is not set: published conversations were not looked for",)
    elif (table := _table(settings.analytics_database, bucket, client, aws)) is None:
        notes = ("the extra is missing (pip install '.[analytics]'): published conversations were not read",)
    else:
        readers["table"] = table
    return Conversations(readers | {"former": lambda row: former.latest(row["interactionId"])}, notes)


def _table(database: str, bucket: str, client: Any, aws: Any) -> Read | None:
    try:
        from tasks.lake.catalog import Lake, glue_client  # noqa: PLC0415 - of an extra
        from tasks.lake.reader import read_conversation  # noqa: PLC0415 - of an extra
    except ModuleNotFoundError:
        return None
    lake = Lake(glue_client(aws), client, bucket, database)

    return lambda row: read_conversation(lake, row["interactionId"], days_of(row))
