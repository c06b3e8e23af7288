"""The shared window as one process sees it: its copy, the store's clock, and the limit that response headers named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from tasks import telemetry
from tasks.genesys.clock import Clock
from tasks.genesys.rate_limit.server_clock import ServerClock
from tasks.genesys.rate_limit.store import StoreReply, WindowStore
from tasks.genesys.rate_limit.window import RateWindow

_HEADER_TTL = 300.0  # seconds for which the limit of a response header is kept without another


class SharedWindow:
    """One per process and store, shared by its rate limiters; thread-safe. `length` is in seconds."""

    def __init__(self, store: WindowStore, length: float, clock: Clock | None = None) -> None:
        self.length = length
        self.clock = clock or Clock()
        self._store = store
        self._server_clock = ServerClock()
        self._lock = Lock()
        self._window: RateWindow | None = None
        self._observed_limit: tuple[int, float] | None = None
        self._paused_until = 0.0
        telemetry.observe(telemetry.BUDGET_USED, self._used)

    def _used(self) -> float | None:
        """Return the requests of the window, as last known; None before it was read."""
        window = self._window
        return window.at(self.now()).used().total if window else None

    def now(self) -> float:
        """Return the store's time in epoch seconds; before its first response, this machine's."""
        with self._lock:
            known = self._server_clock.at(self.clock.monotonic())
        return self.clock.now().timestamp() if known is None else known

    def current(self, *, fresh: bool = False) -> RateWindow:
        """Return the window as last known, or as stored now if `fresh`.

        A copy that others have overtaken is safe to work with: the write that follows it is refused and
        returns the stored window.
        """
        window = self._window
        if window is None or fresh:
            window = self._call(lambda: self._store.load(self.length)).window
        return self._with_observed_limit(window).at(self.now())

    def compare_and_set(self, window: RateWindow) -> bool:
        """Return whether the window was written; if not, `current` returns the stored one from now on."""
        return self._call(lambda: self._store.compare_and_set(window)).written

    def genesys_limit(self, window: RateWindow) -> int | None:
        """Return the limit that Genesys named to any worker in the last 5 minutes, if it did."""
        return window.genesys_limit if self.now() - window.genesys_limit_at < _HEADER_TTL else None

    def observe_limit(self, limit: int) -> None:
        """Keep the limit that a response header named; other workers see it with this process's next write."""
        now = self.now()
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

    def _call(self, call: Callable[[], StoreReply]) -> StoreReply:
        sent = self.clock.monotonic()
        reply = call()
        received = self.clock.monotonic()
        # Without a server, or without its Date, this machine's clock is the best estimate there is.
        date = self.clock.now().timestamp() if reply.date is None else reply.date
        with self._lock:
            self._server_clock.observe(date, sent=sent, received=received)
            self._window = reply.window
        return reply

    def _with_observed_limit(self, window: RateWindow) -> RateWindow:
        with self._lock:
            observed = self._observed_limit
        if observed is None or observed[1] <= window.genesys_limit_at:
            return window
        return replace(window, genesys_limit=observed[0], genesys_limit_at=observed[1])
