"""The limits that the Prefect UI shows and changes, read and never written.

A limit that is missing or switched off is an error that names it and the mend: unlimited is never what was
meant. Values are cached for some seconds, so a change in the UI takes effect within that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from tasks.errors import NotReady
from tasks.impatience import retrying

GENESYS_REQUESTS = "genesys-requests"
GENESYS_REQUESTS_BACKGROUND = "genesys-requests-background"
STORE_WRITES = "store-writes"

_MOMENT = 5.0  # seconds that a caller waits for a value to be read anew, when an older one is known
_TIMEOUT = 10.0  # seconds for Prefect to answer
_RETRIES = 2  # of Prefect's client, 2 and 4 seconds apart


class LimitMissing(NotReady):
    """A global concurrency limit that the pipeline needs is not there, or is switched off."""

    code = "limit-missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the global concurrency limit {name!r} is missing or inactive: "
            "run `python -m deployments apply`, or activate it in the Prefect UI"
        )
        self.name = name


@dataclass(frozen=True)
class _Known:
    """What a limit was at a moment; None when it is missing or inactive."""

    at: float
    limit: int | None


@dataclass(frozen=True)
class _Reading:
    """A limit being read, since when."""

    began: float
    answer: Future[_Known]


class PrefectLimits:
    """Limits by name, from the Prefect API; thread-safe.

    What was read more than `cache` seconds ago is read anew in a thread of its own, for which nobody waits longer
    than a moment: while Prefect is slow or down the last known value holds, and requests to Genesys go on.
    """

    def __init__(self, cache: float, read: Callable[[str], int] | None = None) -> None:
        self._cache = cache
        self._ask = read or _read
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._readings: dict[str, _Reading] = {}

    def value(self, name: str) -> int:
        """The limit's value. Raises LimitMissing, or NotReady when Prefect never answered."""
        with self._lock:
            known = self._known.get(name)
            fresh = known is not None and time.monotonic() - known.at <= self._cache
            reading = None if fresh else self._readings.get(name) or self._begin(name)
        if reading is not None:
            patience = None if known is None else max(0.0, reading.began + _MOMENT - time.monotonic())
            try:
                known = reading.answer.result(patience)
            except (TimeoutError, NotReady):
                if known is None:
                    raise
        if known is None or known.limit is None:
            raise LimitMissing(name)
        return known.limit

    def _begin(self, name: str) -> _Reading:
        reading = self._readings[name] = _Reading(time.monotonic(), Future())
        threading.Thread(target=self._read, args=(name, reading.answer), daemon=True).start()
        return reading

    def _read(self, name: str, answer: Future[_Known]) -> None:
        found: _Known | None = None
        try:
            limit = self._ask(name)
            found = _Known(time.monotonic(), limit)  # an answer that took long is not old at once
        except LimitMissing:
            found = _Known(time.monotonic(), None)
        except Exception as error:  # noqa: BLE001 - whatever keeps Prefect from answering
            answer.set_exception(NotReady(f"Prefect's limits cannot be read ({type(error).__name__})"))
        with self._lock:
            del self._readings[name]
            if found is not None:
                self._known[name] = found
        if found is not None:
            answer.set_result(found)


def _read(name: str) -> int:
    with retrying(_RETRIES), get_client(sync_client=True, httpx_settings={"timeout": _TIMEOUT}) as client:
        try:
            limit = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            raise LimitMissing(name) from None
    if not limit.active:
        raise LimitMissing(name)
    return limit.limit
