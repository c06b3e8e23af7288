"""The shared window as one process sees it: its copy, the store's clock, and the limit that response headers named."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from tasks import telemetry
from tasks.genesys.clock import Clock
from tasks.genesys.errors import RateLimiterUnavailable
from tasks.genesys.rate_limit.server_clock import ServerClock
from tasks.genesys.rate_limit.store import StoreReply, WindowStore
from tasks.genesys.rate_limit.window import LatePermit, Permit, RateWindow

MAX_WRITES = 60  # optimistic writes of one change; each conflict means that another worker's succeeded
_HEADER_TTL = 300.0  # seconds for which the limit of a response header is kept without another


class SharedWindow:
    """One per process and store, shared by its rate limiters; thread-safe.

    A permit is in it for `seconds`, in which Genesys counts, and for a `margin`, in which its request is to be
    answered; both together are its `length`.
    """

    def __init__(self, store: WindowStore, seconds: float, margin: float, clock: Clock | None = None) -> None:
        self.length = seconds + margin
        self.clock = clock or Clock()
        self._seconds = seconds
        self._store = store
        self._server_clock = ServerClock()
        self._lock = Lock()
        self._moving = Lock()
        self._window: RateWindow | None = None
        self._late: tuple[LatePermit, ...] = ()
        self._observed_limit: tuple[int, float] | None = None
        self._paused_until = 0.0
        telemetry.observe(telemetry.BUDGET_USED, self._used)

    def _used(self) -> float | None:
        """Return the requests of the window, as last known; None before it was read."""
        window = self._window
        return window.at(self.earliest()).used().total if window else None

    def earliest(self) -> float:
        """Return the least that the store's time can be, in epoch seconds: what is over by it is over."""
        return self._bounds()[0]

    def latest(self) -> float:
        """Return the most that the store's time can be, in epoch seconds: what happens now is no later."""
        return self._bounds()[1]

    def _bounds(self) -> tuple[float, float]:
        """Return the bounds of the store's time; without a Date of its server, this machine's time is the best."""
        with self._lock:
            known = self._server_clock.bounds(self.clock.monotonic())
        return known or (self.clock.now().timestamp(),) * 2

    def current(self, *, fresh: bool = False) -> RateWindow:
        """Return the window as last known, or as stored now if `fresh`, with late permits in their new places.

        A copy that others have overtaken is safe to work with: the write that follows it is refused and
        returns the stored window.
        """
        window = self._window
        if window is None or fresh:
            window = self._call(lambda: self._store.load(self.length)).window
        with self._lock:  # after the window: what a newer one has moved is not moved again
            late = self._late
        return self._with_observed_limit(window).at(self.earliest()).move(late, self.latest())

    def compare_and_set(self, window: RateWindow) -> bool:
        """Return whether the window was written; if not, `current` returns the stored one from now on."""
        following = replace(window, revision=window.revision + 1, late=())
        written = self._call(lambda: self._store.compare_and_set(following), window.late).written
        if not written:
            telemetry.add(telemetry.CONFLICTS, store="budget")
        return written

    def back_off(self, attempt: int) -> None:
        """Wait a moment after a write that was refused, so that writers do not stay in step."""
        if attempt > 1:
            self.clock.sleep(random.uniform(0, 0.005 * attempt))  # noqa: S311 - spreads writers

    def answered(self, permit: Permit) -> None:
        """Hold a permit longer if its request was answered later than its margin: Genesys may just have counted it.

        It is written at once, several by one write; if that fails this process holds it, and its next write has it.
        """
        until = self.latest() + self._seconds
        if until <= permit.leaves:
            return
        telemetry.add(telemetry.LATE)
        with self._lock:
            self._late = (*self._late, LatePermit(permit, until))
        with self._moving:
            self._write_late()

    def _write_late(self) -> None:
        """Write the late permits, unless another thread just did. Raises RateLimiterUnavailable."""
        for attempt in range(MAX_WRITES):
            window = self.current()
            if not window.late or self.compare_and_set(window):
                return
            self.back_off(attempt)
        raise RateLimiterUnavailable("the shared window is changed by others faster than it can be written")

    def genesys_limit(self, window: RateWindow) -> int | None:
        """Return the limit that Genesys named to any worker in the last 5 minutes, if it did."""
        return window.genesys_limit if self.earliest() - window.genesys_limit_at < _HEADER_TTL else None

    def observe_limit(self, limit: int) -> None:
        """Keep the limit that a response header named; other workers see it with this process's next write."""
        now = self.latest()
        with self._lock:
            self._observed_limit = (limit, now)

    def pause(self, seconds: float) -> None:
        """Grant nothing in this process for `seconds`, at most a window: Genesys counts the token as used up."""
        until = self.clock.monotonic() + min(seconds, self.length)
        with self._lock:
            self._paused_until = max(self._paused_until, until)

    def paused(self) -> float:
        """Return the seconds that are left of a pause."""
        return max(0.0, self._paused_until - self.clock.monotonic())

    def _call(self, call: Callable[[], StoreReply], moved: tuple[LatePermit, ...] = ()) -> StoreReply:
        sent = self.clock.monotonic()
        reply = call()
        received = self.clock.monotonic()
        with self._lock:
            if reply.date is not None:
                self._server_clock.observe(reply.date, sent=sent, received=received)
            self._window = reply.window
            if reply.written:
                self._late = tuple(each for each in self._late if each not in moved)
        return reply

    def _with_observed_limit(self, window: RateWindow) -> RateWindow:
        with self._lock:
            observed = self._observed_limit
        if observed is None or observed[1] <= window.genesys_limit_at:
            return window
        return replace(window, genesys_limit=observed[0], genesys_limit_at=observed[1])
