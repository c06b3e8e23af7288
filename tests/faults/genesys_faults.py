"""Faults of Genesys Cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.faults.fault import OUTAGE, Fault
from tests.faults.fault_sandbox import FaultSandbox

_SHORT = 5.0


@contextmanager
def down(target: FaultSandbox) -> Iterator[None]:
    """No connection to Genesys."""
    with target.proxies.down("genesys"):
        yield


@contextmanager
def tokens_revoked(target: FaultSandbox) -> Iterator[None]:
    """Every token is invalid, and new ones live for two seconds."""
    with target.genesys_faults(revoke_tokens=True, token_life=2):
        yield


def _simulated(**faults: Any) -> Callable[[FaultSandbox], AbstractContextManager[None]]:
    return lambda target: target.genesys_faults(**faults)


_THROTTLED = {"retry_after": 600, "for_seconds": OUTAGE}
FAULTS = (
    Fault("Genesys down", down),
    Fault("Genesys slow", _simulated(latency=[2, 7]), _SHORT),
    Fault("Genesys: 429, Retry-After 600", _simulated(throttle=_THROTTLED)),
    Fault("Genesys: tokens revoked", tokens_revoked, _SHORT),
    Fault("Genesys: half-answered bodies", _simulated(half_body_rate=0.5), _SHORT),
    Fault("Genesys: wrong content type", _simulated(wrong_content_type_rate=0.5), _SHORT),
    Fault("Genesys: 500s, ends unsettled", _simulated(error_rate=0.5, not_settled_for=4), _SHORT),
)
