"""Records of conversations, for tests of single fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tasks.records import build_record

Conversation = Callable[[str], dict[str, Any]]  # the fixture: a sample by its name
FETCHED = datetime(2026, 3, 3, tzinfo=UTC)


def content(conversation: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the content of the conversation's record."""
    return build_record(conversation, FETCHED, **options).content
