"""The limits that the Prefect UI shows and changes, read and never written.

A limit that is missing or switched off is an error that names it and the mend: unlimited is never what was
meant. Values are cached for some seconds, so a change in the UI takes effect within that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from tasks.errors import NotReady

GENESYS_REQUESTS = "genesys-requests"
GENESYS_REQUESTS_BACKGROUND = "genesys-requests-background"
STORE_WRITES = "store-writes"


class LimitMissing(NotReady):
    """A global concurrency limit that the pipeline needs is not there, or is switched off."""

    code = "limit-missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the global concurrency limit {name!r} is missing or inactive: "
            "run `python -m deployments apply`, or activate it in the Prefect UI"
        )
        self.name = name


class PrefectLimits:
    """Limits by name, from the Prefect API; thread-safe."""

    def __init__(self, cache: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache  # seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, int]] = {}

    def value(self, name: str) -> int:
        """The limit's value. Raises LimitMissing, or NotReady when Prefect never answered."""
        with self._lock:
            known = self._known.get(name)
            if known is None or self._clock() - known[0] > self._cache:
                known = (self._clock(), self._read(name, known))
                self._known[name] = known
            return known[1]

    @staticmethod
    def _read(name: str, known: tuple[float, int] | None) -> int:
        try:
            with get_client(sync_client=True) as client:
                limit = client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            raise LimitMissing(name) from None
        except Exception as error:  # whatever keeps Prefect from answering: the last known value holds
            if known is None:
                raise NotReady(f"Prefect's limits cannot be read ({type(error).__name__})") from error
            return known[1]
        if not limit.active:
            raise LimitMissing(name)
        return limit.limit
