"""The global concurrency limits that the Prefect UI shows and changes: their values, and leases of their slots.

A limit that is missing or inactive is an error that names it and the command that creates it, never unlimited. Values
are cached for some seconds, so a change in the UI takes effect within that time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from anyio import move_on_after
from httpx import HTTPStatusError
from prefect.client.orchestration import PrefectClient, SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse
from prefect.exceptions import ObjectNotFound

from tasks.errors import DependencyUnavailable
from tasks.options import limited_client_retries

GENESYS_REQUESTS = "genesys-requests"
GENESYS_REQUESTS_BACKGROUND = "genesys-requests-background"
STORE_WRITES = "store-writes"

_REFRESH_TIMEOUT = 5.0  # seconds that a caller waits for a value to be read anew, when an older one is known
_TIMEOUT = 10.0  # seconds for Prefect to answer
_RETRIES = 2  # of Prefect's client, 2 and 4 seconds apart

REUSE_SECONDS = 15.0  # for which a lease is passed on within the process
_WAIT_SECONDS = 60.0  # longest wait for a slot; below the task's time-out
_RELEASE_SECONDS = 10.0  # longest wait for a lease to be released
_log = logging.getLogger(__name__)


class LimitMissing(DependencyUnavailable):
    """A global concurrency limit that the pipeline needs is not there, or is switched off."""

    code = "limit-missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the global concurrency limit {name!r} is missing or inactive: "
            "run `python -m deployments apply`, or activate it in the Prefect UI"
        )
        self.name = name


@dataclass(frozen=True)
class _CachedLimit:
    """What a limit was at a moment; None when it is missing or inactive."""

    at: float
    limit: int | None


@dataclass(frozen=True)
class _PendingRead:
    """A limit being read, since when."""

    began: float
    answer: Future[_CachedLimit]


class PrefectLimits:
    """Limits by name, from the Prefect API; thread-safe.

    A value that is older than `cache` seconds is read again in a thread of its own, for which callers wait at most
    _REFRESH_TIMEOUT when an older value is known: while Prefect is slow or down, requests to Genesys go on.
    """

    def __init__(self, cache: float, read: Callable[[str], int] | None = None) -> None:
        self._cache = cache
        self._ask = read or LimitReader().read
        self._lock = threading.Lock()
        self._known: dict[str, _CachedLimit] = {}
        self._readings: dict[str, _PendingRead] = {}

    def value(self, name: str) -> int:
        """The limit's value. Raises LimitMissing, or DependencyUnavailable when Prefect never answered."""
        with self._lock:
            known = self._known.get(name)
            fresh = known is not None and time.monotonic() - known.at <= self._cache
            reading = None if fresh else self._readings.get(name) or self._begin(name)
        if reading is not None:
            timeout = None if known is None else max(0.0, reading.began + _REFRESH_TIMEOUT - time.monotonic())
            try:
                known = reading.answer.result(timeout)
            except (TimeoutError, DependencyUnavailable):
                if known is None:
                    raise
        if known is None or known.limit is None:
            raise LimitMissing(name)
        return known.limit

    def _begin(self, name: str) -> _PendingRead:
        reading = self._readings[name] = _PendingRead(time.monotonic(), Future())
        threading.Thread(target=self._read, args=(name, reading.answer), daemon=True).start()
        return reading

    def _read(self, name: str, answer: Future[_CachedLimit]) -> None:
        found: _CachedLimit | None = None
        try:
            limit = self._ask(name)
            found = _CachedLimit(time.monotonic(), limit)  # an answer that took long is not old at once
        except LimitMissing:
            found = _CachedLimit(time.monotonic(), None)
        except Exception as error:  # noqa: BLE001 - whatever keeps Prefect from answering
            answer.set_exception(
                DependencyUnavailable(f"Prefect's limits cannot be read ({type(error).__name__})")
            )
        with self._lock:
            del self._readings[name]
            if found is not None:
                self._known[name] = found
        if found is not None:
            answer.set_result(found)


class LimitReader:
    """Reads limits from the Prefect API, over connections that it keeps; thread-safe.

    One client for all reads: making one takes 18 ms, most of it the TLS context, and every read would make its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: SyncPrefectClient | None = None
        self._connections = ExitStack()
        weakref.finalize(self, self._connections.close).atexit = False

    def read(self, name: str) -> int:
        """Return the limit's value. Raises LimitMissing, and what Prefect's client raises."""
        client = self._connected()
        with limited_client_retries(_RETRIES):
            try:
                limit = client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                raise LimitMissing(name) from None
        if not limit.active:
            raise LimitMissing(name)
        return limit.limit

    def _connected(self) -> SyncPrefectClient:
        with self._lock:
            if self._client is None:
                made = get_client(sync_client=True, httpx_settings={"timeout": _TIMEOUT})
                self._client = self._connections.enter_context(made)
            return self._client


class LeasePool:
    """Leases of one process on slots of one limit, at most `at_once`, for the tasks of one event loop.

    A slot costs the Prefect server two requests, and a process that finds none free is told to ask again in some
    seconds. So a lease that becomes free goes to the next chunk of this process. It is released when it is older than
    REUSE_SECONDS, so that other processes have their turn, and when no run is left here. `longest_use` is in seconds.
    """

    def __init__(self, limit: str, *, at_once: int, longest_use: float) -> None:
        self._limit = limit
        self._at_once = at_once
        self._lease_seconds = REUSE_SECONDS + longest_use + _WAIT_SECONDS
        self._used = 0
        self._freed = asyncio.Condition()
        self._idle: list[tuple[UUID, float]] = []
        self._runs = 0

    @asynccontextmanager
    async def reuse(self) -> AsyncIterator[None]:
        """Keep idle leases while the run lasts; the last run in this process releases all of them."""
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1
            if self._runs == 0:
                idle, self._idle = self._idle, []
                await asyncio.gather(*(self._release(lease) for lease, _ in idle))

    @asynccontextmanager
    async def slot(self, total: int) -> AsyncIterator[None]:
        """Hold a slot of a limit whose value is `total` now. Raises LimitMissing and DependencyUnavailable."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._used < min(self._at_once, total))
            self._used += 1
        try:
            lease, since = await self._lease()
            try:
                yield
            finally:
                await self._put_back(lease, since)
        finally:
            self._used -= 1
            async with self._freed:
                self._freed.notify()

    async def _put_back(self, lease: UUID, since: float) -> None:
        if self._runs and time.monotonic() - since < REUSE_SECONDS:
            self._idle.append((lease, since))
        else:
            await self._release(lease)

    async def _lease(self) -> tuple[UUID, float]:
        """Return a lease and when it was granted: an idle one, or a new one that outlives its use.

        Prefect's own context manager would renew the lease from a thread and a client of its own, for each chunk:
        measured, half of what a chunk asks of the server.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS), get_client() as client:
                while not self._idle:
                    try:
                        return await self._request(client), time.monotonic()
                    except HTTPStatusError as error:
                        if error.response.status_code != HTTPStatus.LOCKED:
                            raise
                        await asyncio.sleep(float(error.response.headers["Retry-After"]))
                return self._idle.pop()
        except DependencyUnavailable:
            raise
        except Exception as error:
            raise DependencyUnavailable(
                f"no slot of the limit {self._limit!r} ({type(error).__name__})"
            ) from error

    async def _request(self, client: PrefectClient) -> UUID:
        """Return a new lease; one whose answer is lost ends by itself. Raises HTTPStatusError 423 when none is free."""
        answer = await client.increment_concurrency_slots_with_lease(
            names=[self._limit], slots=1, mode="concurrency", lease_duration=self._lease_seconds
        )
        granted = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())
        if not granted.limits:
            raise LimitMissing(self._limit)
        return granted.lease_id

    async def _release(self, lease: UUID) -> None:
        """Release a lease, even when the task is being cancelled; one that cannot be released ends by itself."""
        with move_on_after(_RELEASE_SECONDS, shield=True):
            try:
                async with get_client() as client:
                    await client.release_concurrency_slots_with_lease(lease)
            except Exception as error:  # noqa: BLE001 - the chunk is saved, which must not be undone by this
                _log.warning("a slot of %s was not released (%s)", self._limit, type(error).__name__)
