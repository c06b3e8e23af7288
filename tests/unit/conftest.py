"""Samples by name, of `tests/events/` and `tests/conversations/`; every id and person in them is invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")

TESTS = Path(__file__).parent.parent

Conversation = dict[str, Any]


@pytest.fixture(scope="session")
def event_text() -> Callable[[str], str]:
    """Return the text of a sample event by its name."""
    return lambda name: (TESTS / "events" / f"{name}.json").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def event(event_text: Callable[[str], str]) -> Callable[[str], dict[str, Any]]:
    """Return a sample event by its name, as a new object each time."""
    return lambda name: json.loads(event_text(name))


@pytest.fixture(scope="session")
def conversation() -> Callable[[str], Conversation]:
    """Return a sample conversation by its name, as the Genesys client reads one, a new object each time."""
    return read_conversation


def read_conversation(name: str) -> Conversation:
    """Return a sample conversation, numbers exact."""
    text = (TESTS / "conversations" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)


def conversation_names() -> list[str]:
    """Return the names of all sample conversations."""
    return sorted(path.stem for path in (TESTS / "conversations").glob("*.json"))
