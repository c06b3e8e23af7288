"""Workers of the rate limiter in a world whose time a test moves: clocks that are wrong, stores that date answers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from tasks.genesys import Clock, DynamoWindowStore, MemoryWindowStore, RateLimiter, SharedWindow, Throttled
from tasks.genesys.rate_limit.store import StoreReply
from tasks.genesys.rate_limit.window import Permit, RateWindow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW, MARGIN = 60.0, 1.0


class World:
    """The true time of a test, in seconds since its start."""

    def __init__(self) -> None:
        self.seconds = 0.0


class FakeClock(Clock):
    """A worker's clock, wrong by `off` seconds; sleeping moves the world's time instead of waiting."""

    def __init__(self, world: World | None = None, off: float = 0.0) -> None:
        self.world = world or World()
        self.off = off
        self.slept = 0.0

    def monotonic(self) -> float:
        """Return seconds since a start that differs between workers."""
        return 1000.0 + self.off * 7 + self.world.seconds

    def now(self) -> datetime:
        """Return the time of day as this worker has it."""
        return START + timedelta(seconds=self.world.seconds + self.off)

    def sleep(self, seconds: float) -> None:
        """Move the world's time."""
        self.slept += seconds
        self.world.seconds += seconds


class ServerStore(MemoryWindowStore):
    """A store behind a server: its answers carry a Date of whole seconds; writes may be slow."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.delays: list[float] = []

    def load(self, length: float) -> StoreReply:
        """Answer with a Date."""
        return self._dated(super().load(length))

    def compare_and_set(self, window: RateWindow) -> StoreReply:
        """Answer with a Date, after the next delay if there is one."""
        reply = self._dated(super().compare_and_set(window))
        if self.delays:
            self.world.seconds += self.delays.pop(0)
        return reply

    def _dated(self, reply: StoreReply) -> StoreReply:
        return replace(reply, date=float(int(START.timestamp() + self.world.seconds)))


class FakeTable:
    """A client of DynamoDB with one item, as far as the window's store needs it; its answers carry a Date."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.item: dict[str, Any] | None = None

    def bytes(self) -> int:
        """Return the item's size, as DynamoDB counts it."""
        return sum(len(name) + len(*value.values()) for name, value in (self.item or {}).items())

    def get_item(self, **_: Any) -> dict[str, Any]:
        """Return the item."""
        return self._answer() | ({"Item": self.item} if self.item else {})

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Write the item if it has the known revision."""
        known = request["ExpressionAttributeValues"][":known"]["N"]
        if self.item and self.item["revision"]["N"] != known:
            refusal = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": self.item}
            raise ClientError(cast("Any", refusal | self._answer()), "PutItem")
        self.item = request["Item"]
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        date = formatdate(START.timestamp() + self.world.seconds, usegmt=True)
        return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    def limiter(self, limit: int, off: float = 0.0, max_wait: float = 0.0) -> RateLimiter:
        """Return the limiter of a worker whose clock is wrong by `off` seconds."""
        store = DynamoWindowStore(cast("DynamoDBClient", self), "budget")
        window = SharedWindow(store, WINDOW, MARGIN, FakeClock(self.world, off))
        return RateLimiter(window, lambda: limit, max_wait=max_wait)


class FormerWorker:
    """A limiter as releases before 0.2 have it: a window of 68 s from the grant, in buckets, and nothing is moved."""

    _LENGTH, _WIDTH = 68.0, 0.68

    def __init__(self, table: FakeTable, limit: int) -> None:
        self._table = table
        self._limit = limit

    def acquire(self) -> Permit:
        """Take a permit; Throttled without one."""
        item, now = self._table.item, START.timestamp() + self._table.world.seconds
        stored = json.loads(item["grants"]["S"]) if item else []
        kept = [each for each in stored if now - self._LENGTH < each[0] / 1000 <= now + self._LENGTH]
        if sum(total for _, total, _ in kept) >= self._limit:
            raise Throttled("no permit")
        ends = math.ceil(now / self._WIDTH) * self._WIDTH
        near = (each for each in kept if abs(each[0] / 1000 - ends) < self._WIDTH / 2)
        bucket = next(near, [round(ends * 1000), 0, 0])
        others = [each for each in kept if each is not bucket]
        grants = json.dumps(sorted([*others, [bucket[0], bucket[1] + 1, bucket[2]]]))
        revision = int(item["revision"]["N"]) if item else 0
        self._table.item = {"revision": {"N": str(revision + 1)}, "grants": {"S": grants}}
        return Permit(0.0, 2.0)

    def answered(self, permit: Permit) -> None:
        """Do nothing."""


def limiter_of(
    limit: Callable[[], int] | int,
    clock: FakeClock | None = None,
    store: MemoryWindowStore | None = None,
    max_wait: float = 90.0,
) -> RateLimiter:
    """Return a limiter with a window of 60 s and a margin of 1 s."""
    window = SharedWindow(store or MemoryWindowStore(), WINDOW, MARGIN, clock or FakeClock())
    return RateLimiter(window, limit if callable(limit) else lambda: limit, max_wait=max_wait)
