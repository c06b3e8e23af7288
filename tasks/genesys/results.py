"""What the client returns: a batch of conversations, a page of a query, a page of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.errors import PermanentError
from tasks.genesys.responses import ApiResponse


@dataclass(frozen=True)
class ConversationBatch:
    """The result of one multi-get, by conversation id in lower case.

    Every id that was asked for is in exactly one of `conversations`, `missing` (Genesys does not know it, or
    not yet) and `refused` (no request with it can succeed). `dates` has the time of each conversation's
    response, by Genesys's clock, in UTC. `requests` counts every attempt; `correlation_id` is the last one's.
    """

    conversations: Mapping[str, dict[str, Any]]
    missing: frozenset[str]
    refused: Mapping[str, PermanentError]
    dates: Mapping[str, datetime]
    requests: int
    correlation_id: str | None = None


@dataclass(frozen=True)
class QueryPage:
    """A page of a details query. Pages of an interval that still changes shift: deduplicate by conversationId.

    `total_hits` is Genesys's estimate of the conversations of all pages, None if it gave none.
    """

    conversations: tuple[dict[str, Any], ...]
    total_hits: int | None
    page: int
    page_size: int
    fetched_at: datetime
    requests: int

    @property
    def is_last(self) -> bool:
        """Whether no page follows: only an empty page says so, for `total_hits` may be too low."""
        return not self.conversations


@dataclass(frozen=True)
class JobPage:
    """A page of a details job's results; with the `cursor` the next one is asked for, None after the last.

    What happened after `available_until`, None if Genesys did not say, may be missing or half of it.
    """

    conversations: tuple[dict[str, Any], ...]
    cursor: str | None
    available_until: datetime | None
    requests: int


class BatchBuilder:
    """Collects the responses of a multi-get of `ids`, which are in lower case."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._conversations: dict[str, dict[str, Any]] = {}
        self._dates: dict[str, datetime] = {}
        self._refused: dict[str, PermanentError] = {}
        self._requests = 0
        self._correlation_id: str | None = None

    def count(self, response: ApiResponse) -> None:
        """Count a response's attempts."""
        self._requests += response.attempts
        self._correlation_id = response.correlation_id

    def add(self, ids: Sequence[str], response: ApiResponse, date: datetime) -> None:
        """Add the conversations of a response to a request for `ids`; any other is left out."""
        wanted = frozenset(ids)
        for conversation in conversations_of(response):
            id_ = conversation["conversationId"].lower()
            if id_ in wanted:
                self._conversations[id_] = conversation
                self._dates[id_] = date

    def refuse(self, id_: str, error: PermanentError) -> None:
        """Note why an id cannot be fetched."""
        self._refused[id_] = error

    def build(self) -> ConversationBatch:
        """Return the batch; ids without a conversation or an error are missing."""
        return ConversationBatch(
            self._conversations,
            frozenset(self._ids) - self._conversations.keys() - self._refused.keys(),
            self._refused,
            self._dates,
            self._requests,
            self._correlation_id,
        )


def conversations_of(response: ApiResponse) -> Iterator[dict[str, Any]]:
    """Yield the conversations of a response that have an id; Genesys leaves out an empty list."""
    entries = response.body.get("conversations")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("conversationId"), str):
            yield entry
