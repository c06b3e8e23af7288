"""The queue of threads that wait for a permit: first come, first served, and one of them serves all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition

from tasks.genesys.clock import Clock


@dataclass(frozen=True)
class Grant:
    """When permits were granted, in seconds of the monotonic clock, and leave the window, in epoch seconds."""

    at: float
    leaves: float


class Waiter(Future[Grant]):
    """A thread's wait: its result is the grant of its permit; `deadline` is in seconds of the monotonic clock."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self.deadline = deadline


class WaiterQueue:
    """Leader and followers: the first thread to find no leader leads until its own wait is over.

    `serve` gets all waiters in the order of their arrival, settles those it can with `grant` and `refuse`, and
    returns the seconds until it should be called again.
    """

    def __init__(self, clock: Clock, serve: Callable[[list[Waiter]], float]) -> None:
        self._clock = clock
        self._serve = serve
        self._waiting: deque[Waiter] = deque()
        self._condition = Condition()
        self._has_leader = False

    def wait(self, waiter: Waiter) -> Grant:
        """Block until the waiter is settled; return its result, or raise its error."""
        with self._condition:
            self._waiting.append(waiter)
            self._condition.wait_for(lambda: waiter.done() or not self._has_leader)
            leads = not waiter.done()
            self._has_leader = self._has_leader or leads
        if leads:
            self._lead(waiter)
        return waiter.result()

    def grant(self, waiters: Iterable[Waiter], granted: Grant) -> None:
        """Give each waiter its permit."""
        self._settle(waiters, lambda waiter: waiter.set_result(granted))

    def refuse(self, waiters: Iterable[Waiter], error: Exception) -> None:
        """End each wait with an error."""
        self._settle(waiters, lambda waiter: waiter.set_exception(error))

    def _lead(self, own: Waiter) -> None:
        try:
            while not own.done():
                pause = self._serve_all()
                with self._condition:
                    self._condition.notify_all()
                if not own.done():
                    self._clock.sleep(pause)
        finally:
            with self._condition:
                if not own.done():
                    self._waiting.remove(own)
                self._has_leader = False
                self._condition.notify_all()

    def _serve_all(self) -> float:
        with self._condition:
            waiting = list(self._waiting)
        try:
            return self._serve(waiting)
        except Exception as error:  # noqa: BLE001 - every waiter gets it, the leader too
            self.refuse((waiter for waiter in waiting if not waiter.done()), error)
            return 0.0

    def _settle(self, waiters: Iterable[Waiter], settle: Callable[[Waiter], None]) -> None:
        with self._condition:
            for waiter in waiters:
                settle(waiter)
                self._waiting.remove(waiter)
