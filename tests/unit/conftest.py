"""Sample events and conversations as fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpcore._async.connection
import pytest

from tests.support.samples import Conversation, read_conversation, read_event_text


@pytest.fixture(scope="session", autouse=True)
def _no_pause_between_connects() -> Iterator[None]:
    """A server that is down is tried four times, as Prefect's client has it, without the 1.5 s between the tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore._async.connection, "RETRIES_BACKOFF_FACTOR", 0.0)  # noqa: SLF001
        yield


@pytest.fixture(scope="session")
def event_text() -> Callable[[str], str]:
    """Return the text of a sample event by its name."""
    return read_event_text


@pytest.fixture(scope="session")
def event() -> Callable[[str], dict[str, Any]]:
    """Return a sample event by its name, a new object each time."""
    return lambda name: json.loads(read_event_text(name))


@pytest.fixture(scope="session")
def conversation() -> Callable[[str], Conversation]:
    """Return a sample conversation by its name, as the Genesys client reads one, a new object each time."""
    return read_conversation
