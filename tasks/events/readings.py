"""A batch is read twice, one soon after the other: for its run's name, and to be validated.

The first reading is kept for the second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from tasks.events.parse import Outcome, parse

_KEPT = 16  # batches, whose second reading is still to come: about a megabyte for a thousand events
_SECONDS = 60.0  # after which nobody will read a batch again: its run ended before it was validated
_first: dict[tuple[str, ...], tuple[float, list[Outcome]]] = {}
_lock = threading.Lock()  # runs are named on one thread and validated on others


def preview(texts: Sequence[str]) -> list[Outcome]:
    """What the events say, in order; kept until `outcomes` asks for the same batch."""
    found, now = _read(texts), time.monotonic()
    with _lock:
        for key, (since, _) in list(_first.items()):
            if now - since > _SECONDS or len(_first) >= _KEPT:
                del _first[key]  # the oldest come first
        _first[tuple(texts)] = now, found
    return found


def outcomes(texts: Sequence[str]) -> list[Outcome]:
    """What the events say, in order: one outcome for each event, or for each record of a list."""
    with _lock:
        kept = _first.pop(tuple(texts), None)
    return _read(texts) if kept is None else kept[1]


def _read(texts: Sequence[str]) -> list[Outcome]:
    return [each for text in texts for each in parse(text)]
