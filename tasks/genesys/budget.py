"""One budget of requests for all workers: at most `allowance` in any window of time, every try counted.

Each grant is a count in a window that all workers share (see `ledger`), written before the request is sent.
The window is exact and slides: it knows when every grant of the last minute was given, so all of the
allowance can be used, which a bucket with a refill rate does not reach when grants are taken one by one. Time
is the ledger's own server's (see `servertime`), so that workers' clocks do not matter. `margin` is added to
the window for what lies between a grant and Genesys's count of the request: the network, a grant's life, and
half a second of clock.

The threads that wait in one process are served together, first come first served, by one write for all.
"""

from __future__ import annotations

import logging
import math
import random
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.config import Config

from tasks.genesys.errors import BudgetUnavailable, Throttled
from tasks.genesys.ledger import DynamoLedger, Ledger, MemoryLedger
from tasks.genesys.tally import Tally
from tasks.genesys.window import Limits, Window
from tasks.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = logging.getLogger(__name__)

GRANT_LIFE = 2.0  # seconds in which a granted request must be sent, from the moment that it is counted at
_NUMBER = re.compile(r"[1-9][0-9]{0,6}")  # a header that says anything else is not believed
_ROUNDS = 60  # tries of one optimistic write; somebody else succeeded each time
_STALE = 2  # grants that took too long to write, after which nothing more is asked of such a ledger
_POLLS = 20  # looks per window while waiting: the limit may be raised meanwhile


class RequestBudget(Protocol):
    """What a client of Genesys asks before every request."""

    def acquire(self) -> float:
        """Wait for the turn of one request; return for how many seconds it is good: then it must have been sent.

        Throttled when the wait would be too long.
        """
        ...

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the rate limit headers of an answer."""
        ...


@dataclass(frozen=True)
class Usage:
    """The current window, for people: `seconds` long, `used` of `allowance` requests granted."""

    used: int
    allowance: int
    background_used: int
    background_allowance: int
    seconds: float


class _Ticket:
    """One thread's place in the queue."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.granted_at: float | None = None
        self.error: Exception | None = None

    @property
    def settled(self) -> bool:
        return self.granted_at is not None or self.error is not None


class SharedBudget:
    """A RequestBudget on a ledger. `allowance` is asked at every round: cache it if asking is dear."""

    def __init__(
        self,
        tally: Tally,
        allowance: Callable[[], int],
        *,
        share: Callable[[], int] | None = None,
        max_wait: float = 90.0,
    ) -> None:
        self._tally = tally
        self._allowance = allowance
        self._share = share
        self._max_wait = max_wait
        self._queue: deque[_Ticket] = deque()
        self._condition = Condition()
        self._led = False

    @classmethod
    def from_settings(
        cls, settings: Settings, allowance: Callable[[], int], dynamodb: DynamoDBClient | None = None
    ) -> SharedBudget:
        """Return the budget of all workers that share BUDGET_TABLE; without one, of this process alone."""
        ledger: Ledger = MemoryLedger()
        if settings.budget_table:
            ledger = DynamoLedger(dynamodb or _dynamodb(), settings.budget_table)
        else:
            log.warning("BUDGET_TABLE is not set: requests to Genesys are counted in this process only")
        tally = Tally(ledger, settings.budget_window + settings.budget_margin)
        return cls(tally, allowance, max_wait=settings.budget_max_wait)

    def background(self, share: Callable[[], int]) -> SharedBudget:
        """Return a budget for background work: at most `share` requests, which count in this one too."""
        return SharedBudget(self._tally, self._allowance, share=share, max_wait=self._max_wait)

    def acquire(self) -> float:
        """Wait for the turn of one request; return what is left of its GRANT_LIFE, in seconds.

        Throttled, at once, when the turn would come after `max_wait` seconds; BudgetUnavailable when the
        ledger cannot be reached.
        """
        deadline = self._tally.clock.monotonic() + self._max_wait
        for _ in range(_STALE):
            left = self._turn(deadline) + GRANT_LIFE - self._tally.clock.monotonic()
            if left >= 0:
                return left
            log.warning("a turn of the request budget came too late to this thread and is left unused")
        raise BudgetUnavailable(
            "this process is too busy: turns of the request budget pass before they are used"
        )

    def _turn(self, deadline: float) -> float:
        ticket = _Ticket(deadline)
        with self._condition:
            self._queue.append(ticket)
            self._condition.wait_for(lambda: ticket.settled or not self._led)
            self._led = not ticket.settled or self._led
            leads = not ticket.settled
        if leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.granted_at or 0.0

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn Genesys's own limit, and wait for its reset when its count, which others add to, is full."""
        allowed = _number(headers, "inin-ratelimit-allowed")
        count = _number(headers, "inin-ratelimit-count")
        reset = _number(headers, "inin-ratelimit-reset")
        if allowed is None:
            return
        self._tally.learn(allowed)
        if count is not None and count >= allowed and reset:
            self._tally.pause(reset)

    def usage(self) -> Usage:
        """Return how much of the window is used, as the ledger has it now; takes nothing."""
        window = self._tally.window(fresh=True)
        used, limits = window.used(), self._limits(window)
        return Usage(used.total, limits.total, used.background, limits.background, window.length)

    def _lead(self, own: _Ticket) -> None:
        """Serve everybody who waits until one's own turn has come, then leave the lead to another."""
        try:
            while not own.settled:
                pause = self._round()
                with self._condition:
                    self._condition.notify_all()
                if not own.settled:
                    self._tally.clock.sleep(pause)
        finally:
            with self._condition:
                if not own.settled:
                    self._queue.remove(own)
                self._led = False
                self._condition.notify_all()

    def _round(self) -> float:
        """Grant what can be granted; return the seconds until more may be."""
        with self._condition:
            waiting = list(self._queue)
        try:
            granted, granted_at, limits = self._take(len(waiting))
        except Exception as error:  # noqa: BLE001 - whatever it is, everyone who waits is to know
            self._settle(waiting, error=error)
            return 0.0
        self._settle(waiting[:granted], granted_at)
        return self._refuse_the_late(waiting[granted:], self._tally.window(), limits)

    def _refuse_the_late(self, waiting: list[_Ticket], window: Window, limits: Limits) -> float:
        now, local = self._tally.now(), self._tally.clock.monotonic()
        first = window.length / _POLLS
        for place, ticket in enumerate(waiting, start=1):
            wait = window.wait(place, limits, now, background=self._share is not None)
            wait = max(wait, self._tally.paused())
            first = min(first, wait) if place == 1 else first
            if local + wait > ticket.deadline:
                seconds = wait if math.isfinite(wait) else window.length
                self._settle(
                    [ticket],
                    error=Throttled(
                        f"the request budget is used up: the next turn is {seconds:.0f} s away",
                        retry_after=seconds,
                    ),
                )
        return max(first, 0.001)

    def _settle(
        self, tickets: list[_Ticket], granted_at: float | None = None, error: Exception | None = None
    ) -> None:
        with self._condition:
            for ticket in tickets:
                ticket.granted_at, ticket.error = granted_at, error
                self._queue.remove(ticket)

    def _take(self, wanted: int) -> tuple[int, float, Limits]:
        """Return how many of the wanted grants were written down just now, since when they count, and the limits."""
        background, stale = self._share is not None, 0
        for attempt in range(_ROUNDS):
            # The limits first, for reading them may take its time, and then what is counted at this very moment.
            limits = self._limits(self._tally.window())
            window, now, local = self._tally.window(), self._tally.now(), self._tally.clock.monotonic()
            count = min(wanted, window.free(limits, background=background))
            if count == 0 or self._tally.paused() > 0:
                return 0, local, limits
            if not self._tally.store(window.take(count, now, background=background)):
                if attempt > 1:
                    self._tally.clock.sleep(random.uniform(0, 0.005 * attempt))  # noqa: S311 - spreads writers
                continue
            if self._tally.clock.monotonic() - local <= GRANT_LIFE:
                return count, local, limits
            log.warning("a grant of the request budget took too long to write and is left unused")
            stale += 1
            if stale == _STALE:
                raise BudgetUnavailable(
                    f"the request budget (BUDGET_TABLE) takes more than {GRANT_LIFE:.0f} s to write"
                )
        raise BudgetUnavailable("the request budget is changed by others faster than it can be written")

    def _limits(self, window: Window) -> Limits:
        """Return the limits now; what Genesys takes off the whole, background work's share loses in proportion."""
        wanted, named = self._allowance(), self._tally.allowed(window)
        total = wanted if named is None else min(wanted, named)
        if self._share is None:
            return Limits(total, total)
        share = self._share()
        share = share if total == wanted else math.ceil(share * total / wanted)
        return Limits(total, min(total, share))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _dynamodb() -> DynamoDBClient:
    """Return a client that gives up within the life of a few grants, not after botocore's minute."""
    config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("dynamodb", config=config)
