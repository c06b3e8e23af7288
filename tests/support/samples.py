"""The sample events and conversations of `tests/events/` and `tests/conversations/`, by name.

Every id and every person in them is invented.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]

Conversation = dict[str, Any]


def read_event_text(name: str) -> str:
    """Return the text of a sample event."""
    return (TESTS / "events" / f"{name}.json").read_text(encoding="utf-8")


def read_conversation(name: str) -> Conversation:
    """Return a sample conversation, a new object each time, its numbers as Decimal."""
    text = (TESTS / "conversations" / f"{name}.json").read_text(encoding="utf-8")
    found: Conversation = json.loads(text, parse_float=Decimal)
    return found


def conversation_names() -> list[str]:
    """Return the names of all sample conversations, sorted."""
    return sorted(path.stem for path in (TESTS / "conversations").glob("*.json"))


def case_names() -> list[str]:
    """Return the names of the conversations of `tests/conversations/cases/`, for `read_conversation`, sorted."""
    return sorted(f"cases/{name}" for name in expected_of_cases())


def expected_of_cases() -> dict[str, dict[str, Any]]:
    """Return what an analyst says of each of these conversations, by name: a part of its record, null for absent."""
    text = (TESTS / "conversations/cases/expected.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found
