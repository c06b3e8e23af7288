"""Genesys Cloud on its worst days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.faults.fault import OUTAGE, Fault
from tests.faults.stand import Stand

_SHORT = 5.0


@contextmanager
def down(stand: Stand) -> Iterator[None]:
    """No connection to Genesys."""
    with stand.detours.down("genesys"):
        yield


@contextmanager
def revoked(stand: Stand) -> Iterator[None]:
    """Every token is dead, and new ones live for two seconds."""
    with stand.simulator(revoke_tokens=True, token_life=2):
        yield


def _simulated(**faults: Any) -> Callable[[Stand], AbstractContextManager[None]]:
    return lambda stand: stand.simulator(**faults)


_THROTTLED = {"retry_after": 600, "for_seconds": OUTAGE}
FAULTS = (
    Fault("Genesys down", down),
    Fault("Genesys slow", _simulated(latency=[2, 7]), _SHORT),
    Fault("Genesys: 429, Retry-After 600", _simulated(throttle=_THROTTLED)),
    Fault("Genesys: tokens revoked", revoked, _SHORT),
    Fault("Genesys: half-answered bodies", _simulated(half_body_rate=0.5), _SHORT),
    Fault("Genesys: wrong content type", _simulated(wrong_content_type_rate=0.5), _SHORT),
    Fault("Genesys: 500s, ends unsettled", _simulated(error_rate=0.5, not_settled_for=4), _SHORT),
)
