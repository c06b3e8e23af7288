"""What the client brings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.errors import PermanentError


@dataclass(frozen=True)
class Fetch:
    """The conversations of one multi-get, by id in lower case.

    Every id that was asked for is in exactly one of `conversations`, `missing` (Genesys does not know it, or
    not yet) and `refused` (no request with it can succeed). `dates` says when Genesys answered with each of the
    conversations, by its own clock, in UTC. `requests` counts every try.
    """

    conversations: Mapping[str, dict[str, Any]]
    missing: frozenset[str]
    refused: Mapping[str, PermanentError]
    dates: Mapping[str, datetime]
    requests: int
    correlation_id: str | None = None


@dataclass(frozen=True)
class QueryPage:
    """One page of a details query; pages of a live interval shift, so deduplicate by conversationId."""

    conversations: tuple[dict[str, Any], ...]
    total_hits: int
    page: int
    page_size: int
    fetched_at: datetime
    requests: int
    correlation_id: str | None = field(default=None)

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after this page."""
        return not self.conversations or self.page * self.page_size >= self.total_hits
