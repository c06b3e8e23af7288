"""The rate limiter of all workers: at most `limit` requests to Genesys in any window, every try counted.

Each permit is counted in a window that all workers share, and written there before the request is sent. The
window slides and is exact: it knows when each permit of the last minute was granted, so the whole limit can be
used, which a token bucket with a refill rate does not reach when permits are taken one by one. Time is that of
the store's server (`server_clock`), so workers' clocks do not matter: a permit is dated by the latest that this
time may be, and has left by the earliest.

Genesys counts a request at some moment between its permit and its answer, so a permit is held for a window from
its answer on. BUDGET_MARGIN is the time that an answer may take without a second write: a permit is written with
it, and moved only if the answer, or the failure, comes later (`answered`). Until then it is in the window in any
case: PERMIT_TTL and the time-outs of a request are less than a minute.

The threads of one process that wait are served together, first come first served, by one write for all.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tasks.genesys.errors import RateLimiterUnavailable, Throttled
from tasks.genesys.rate_limit.shared_window import MAX_WRITES, SharedWindow
from tasks.genesys.rate_limit.store import DynamoWindowStore, MemoryWindowStore, WindowStore
from tasks.genesys.rate_limit.waiters import Grant, Waiter, WaiterQueue
from tasks.genesys.rate_limit.window import Permit, PermitCounts, RateWindow
from tasks.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = logging.getLogger(__name__)

PERMIT_TTL = 2.0  # seconds in which the request must be sent, from the moment that the permit counts
_POSITIVE_INTEGER = re.compile(r"[1-9][0-9]{0,6}")
_MAX_LATE = 2  # permits lost to slow writes or a busy process before the limiter counts as unavailable
_POLLS_PER_WINDOW = 20  # rounds while waiting: the limit may be raised meanwhile
_MIN_PAUSE = 0.001  # seconds between two rounds


class RequestLimiter(Protocol):
    """What the Genesys client needs of a rate limiter."""

    def acquire(self) -> Permit:
        """Block until a request is permitted. Throttled if the wait would exceed the limiter's longest."""
        ...

    def answered(self, permit: Permit) -> None:
        """Take note that the permit's request has just been answered, or has failed. Raises nothing."""
        ...

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take the rate limit headers of a response into account."""
        ...


@dataclass(frozen=True)
class Usage:
    """The permits of the current window of `seconds`, against their limits."""

    used: int
    limit: int
    background_used: int
    background_limit: int
    seconds: float


class RateLimiter:
    """Grants permits out of a shared window; thread-safe.

    `limit` and `background_limit` are called in every round, and may raise: the callers of `acquire` get the
    error. With `background_limit` this is a limiter for background work, which may use no more than that of
    the whole.
    """

    def __init__(
        self,
        window: SharedWindow,
        limit: Callable[[], int],
        *,
        background_limit: Callable[[], int] | None = None,
        max_wait: float = 90.0,
    ) -> None:
        self._window = window
        self._limit = limit
        self._background_limit = background_limit
        self._is_background = background_limit is not None
        self._max_wait = max_wait
        self._waiters = WaiterQueue(window.clock, self._serve)

    @classmethod
    def from_settings(
        cls, settings: Settings, limit: Callable[[], int], dynamodb: DynamoDBClient
    ) -> RateLimiter:
        """Return the limiter of all workers that share BUDGET_TABLE; without a table, of this process alone."""
        store: WindowStore = MemoryWindowStore()
        if settings.budget_table:
            store = DynamoWindowStore(dynamodb, settings.budget_table)
        else:
            log.warning("BUDGET_TABLE is not set: requests to Genesys are counted in this process only")
        window = SharedWindow(store, settings.budget_window, settings.budget_margin)
        return cls(window, limit, max_wait=settings.budget_max_wait)

    def background(self, limit: Callable[[], int]) -> RateLimiter:
        """Return a limiter for background work: at most `limit` permits, which count in this limiter too."""
        return RateLimiter(self._window, self._limit, background_limit=limit, max_wait=self._max_wait)

    def acquire(self) -> Permit:
        """Block until a request is permitted; the permit's lifetime is what is left of PERMIT_TTL.

        Throttled, at once, if the wait would exceed `max_wait`; RateLimiterUnavailable if the store cannot be
        reached, or permits expire before they can be used.
        """
        deadline = self._window.clock.monotonic() + self._max_wait
        for _ in range(_MAX_LATE):
            grant = self._waiters.wait(Waiter(deadline))
            remaining = grant.at + PERMIT_TTL - self._window.clock.monotonic()
            if remaining >= 0:
                return Permit(grant.leaves, remaining, self._is_background)
            log.warning("a request permit expired before its thread ran, and is left unused")
        raise RateLimiterUnavailable("this process is too busy: request permits expire before they are used")

    def answered(self, permit: Permit) -> None:
        """Hold the permit longer if its request was answered, or failed, after BUDGET_MARGIN. Raises nothing.

        When the store is down this process grants nothing either, and its next write says so to the others.
        """
        try:
            self._window.answered(permit)
        except RateLimiterUnavailable as error:
            log.warning("a late answer is not counted by other workers yet: %s", error)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Adopt Genesys's own limit if it is lower; pause until its reset when its count has reached it.

        Requests of other programs with the same token are in that count.
        """
        allowed = _integer(headers, "inin-ratelimit-allowed")
        count = _integer(headers, "inin-ratelimit-count")
        reset = _integer(headers, "inin-ratelimit-reset")
        if allowed is None:
            return
        self._window.observe_limit(allowed)
        if count is not None and count >= allowed and reset:
            self._window.pause(reset)

    def usage(self) -> Usage:
        """Return how much of the window is used, read from the store; takes no permit."""
        window = self._window.current(fresh=True)
        used, limits = window.used(), self._limits(window)
        return Usage(used.total, limits.total, used.background, limits.background, window.length)

    def _serve(self, waiting: list[Waiter]) -> float:
        """Grant what can be granted, refuse those whose wait would be too long; return the seconds to pause."""
        count, grant, limits = self._grant(len(waiting))
        self._waiters.grant(waiting[:count], grant)
        return self._refuse_late(waiting[count:], limits)

    def _grant(self, wanted: int) -> tuple[int, Grant, PermitCounts]:
        """Write permits into the window; return how many, their grant, and the limits."""
        late = 0
        for attempt in range(MAX_WRITES):
            # The limits first: reading them may take seconds, and permits count from the moment after it.
            limits = self._limits(self._window.current())
            window, started = self._window.current(), self._window.clock.monotonic()
            grant = Grant(started, self._window.latest() + window.length)
            count = min(wanted, window.available(limits, background=self._is_background))
            if count == 0 or self._window.paused() > 0:
                return 0, grant, limits
            if not self._window.compare_and_set(
                window.add(count, grant.leaves, background=self._is_background)
            ):
                self._window.back_off(attempt)
            elif self._window.clock.monotonic() - started <= PERMIT_TTL:
                return count, grant, limits
            else:
                log.warning("request permits took too long to write, and are left unused")
                late += 1
                if late == _MAX_LATE:
                    raise RateLimiterUnavailable(
                        f"the shared window (BUDGET_TABLE) takes more than {PERMIT_TTL:.0f} s to write"
                    )
        raise RateLimiterUnavailable("the shared window is changed by others faster than it can be written")

    def _refuse_late(self, waiting: list[Waiter], limits: PermitCounts) -> float:
        window, now, local = self._window.current(), self._window.earliest(), self._window.clock.monotonic()
        pause = window.length / _POLLS_PER_WINDOW
        for position, waiter in enumerate(waiting, start=1):
            wait = window.seconds_until(position, limits, now, background=self._is_background)
            wait = max(wait, self._window.paused())
            if position == 1:
                pause = min(pause, wait)
            if local + wait > waiter.deadline:
                seconds = wait if math.isfinite(wait) else window.length
                error = Throttled(
                    f"the request limit is reached: the next permit is {seconds:.0f} s away",
                    retry_after=seconds,
                )
                self._waiters.refuse([waiter], error)
        return max(pause, _MIN_PAUSE)

    def _limits(self, window: RateWindow) -> PermitCounts:
        """Return the limits now; a lower limit of Genesys lowers the background limit in proportion."""
        configured, genesys = self._limit(), self._window.genesys_limit(window)
        total = configured if genesys is None else min(configured, genesys)
        if self._background_limit is None:
            return PermitCounts(total, total)
        background = self._background_limit()
        if total < configured:
            background = math.ceil(background * total / configured)
        return PermitCounts(total, min(total, background))


def _integer(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header's value if it is a positive whole number of at most 7 digits."""
    text = headers.get(name, "").strip()
    return int(text) if _POSITIVE_INTEGER.fullmatch(text) else None
