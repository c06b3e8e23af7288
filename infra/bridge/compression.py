"""Packs the events of a large batch into one compressed text, of which a run holds twice as many events.

Only for a deployment that says in its parameters' schema that its flow reads it (`tasks/events/packed.py`). A small
batch is sent as it is: readable in Prefect's UI.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = "deflate:"
READABLE_BYTES = 100_000
"""The largest batch that is sent as it is."""
RATIO = 3
"""How many times the bytes of a parameter a packed batch may have. Measured with 2,000 of one topic: 3.4 to 3.7."""
_FASTEST = 1  # zlib's level; measured, its best one takes four times as long for a tenth less


def packed(texts: Sequence[str]) -> list[str]:
    """Return the events as a run's parameter: one text if they are many. Each is printable ASCII."""
    whole = "\n".join(texts)
    if len(whole) <= READABLE_BYTES:
        return list(texts)
    return [PREFIX + base64.b64encode(zlib.compress(whole.encode("ascii"), _FASTEST)).decode("ascii")]


def reads_packed(deployment: Mapping[str, Any]) -> bool:
    """Whether the flow of a deployment reads packed events, by its parameters' schema."""
    found: Any = deployment
    for name in ("parameter_openapi_schema", "properties", "events", "packed"):
        found = found.get(name) if isinstance(found, dict) else None
    return bool(found == PREFIX)
