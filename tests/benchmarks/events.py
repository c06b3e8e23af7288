"""The events of a burst: what EventBridge puts into the buffer, one for each interaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import TypeVar

from deployments.sandbox.samples import customer_end

SOURCE = "genesys.com/cloud/sandbox-org/sandbox"
T = TypeVar("T")


def ids(count: int) -> list[str]:
    """Interactions that nobody has seen yet; the simulator knows every UUID."""
    return [str(uuid.uuid4()) for _ in range(count)]


def parts(burst: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """A burst in parts of at most `size`."""
    for start in range(0, len(burst), size):
        yield burst[start : start + size]


def envelope(interaction_id: str) -> str:
    """One event as the text of a message."""
    entry = customer_end(interaction_id, SOURCE)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": "123456789012",
            "time": "2026-01-15T10:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": json.loads(entry["Detail"]),
        }
    )
