"""The shared window as one process sees it: the ledger, the ledger's clock, and what headers taught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from tasks.genesys.clock import Clock
from tasks.genesys.ledger import Ledger, Reply
from tasks.genesys.servertime import ServerTime
from tasks.genesys.window import Window

_HEADERS_HOLD = 300.0  # seconds for which Genesys's word on the allowance is believed without another


class Tally:
    """One per process and ledger, however many budgets are on it; thread-safe. `length` is in seconds."""

    def __init__(self, ledger: Ledger, length: float, clock: Clock | None = None) -> None:
        self.length = length
        self.clock = clock or Clock()
        self._ledger = ledger
        self._time = ServerTime()
        self._lock = Lock()
        self._window: Window | None = None
        self._allowed: tuple[int, float] | None = None
        self._paused_until = 0.0

    def now(self) -> float:
        """Return the ledger's time; before its first answer, this machine's."""
        with self._lock:
            known = self._time.at(self.clock.monotonic())
        return self.clock.now().timestamp() if known is None else known

    def window(self, *, fresh: bool = False) -> Window:
        """Return the shared window, as last known unless `fresh`, with what this process has learned.

        An old one is safe to plan with: where others took more meanwhile, the write that follows is refused
        and brings the new one.
        """
        window = self._window
        if window is None or fresh:
            window = self._ask(lambda: self._ledger.load(self.length)).window
        return self._merged(window).at(self.now())

    def store(self, window: Window) -> bool:
        """Return whether the window was kept; if not, the next look sees the one that was there."""
        return self._ask(lambda: self._ledger.store(window)).stored

    def allowed(self, window: Window) -> int | None:
        """Return the limit that Genesys named to any of the workers in the last minutes."""
        return window.allowed if self.now() - window.allowed_at < _HEADERS_HOLD else None

    def learn(self, allowed: int) -> None:
        """Remember the limit that a header named; it travels to the others with this process's next grant."""
        now = self.now()
        with self._lock:
            self._allowed = (allowed, now)

    def pause(self, seconds: float) -> None:
        """Let this process, whose token is used up, send nothing for so long, but no longer than a window."""
        until = self.clock.monotonic() + min(seconds, self.length)
        with self._lock:
            self._paused_until = max(self._paused_until, until)

    def paused(self) -> float:
        """Return the seconds that are left of a pause."""
        return max(0.0, self._paused_until - self.clock.monotonic())

    def _ask(self, question: Callable[[], Reply]) -> Reply:
        sent = self.clock.monotonic()
        reply = question()
        received = self.clock.monotonic()
        # A ledger without a server, or a server without a Date: this machine's clock is the best there is.
        date = self.clock.now().timestamp() if reply.date is None else reply.date
        with self._lock:
            self._time.observe(date, sent=sent, received=received)
            self._window = reply.window
        return reply

    def _merged(self, window: Window) -> Window:
        with self._lock:
            allowed = self._allowed
        if allowed is None or allowed[1] <= window.allowed_at:
            return window
        return replace(window, allowed=allowed[0], allowed_at=allowed[1])
