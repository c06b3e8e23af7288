"""Several writers of one table, interleaved call by call in an order that a test chooses.

Each writer runs in a thread of its own and stops before every call to DynamoDB; the schedule says whose call is
made next. One call at a time, so the same schedule is the same history. A call may also go wrong, as over a
network: it never arrives, its answer is lost, or it arrives twice because its answer was lost to the library
that repeats it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

Writer = Callable[["Stepped"], None]
_HANGS = 30.0  # seconds after which a writer must be stuck
_local = threading.local()


class Fault(StrEnum):
    """What happens to one call."""

    NONE = "none"
    LOST = "it never arrives"
    UNANSWERED = "it is done, the answer is lost"
    REPEATED = "it is done twice, the first answer is lost"


class SkewedDatetime(datetime):
    """A clock that is wrong by the thread's own number of seconds."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SkewedDatetime:
        """Return what this thread takes for the time."""
        moment = datetime.now(tz or UTC) + timedelta(seconds=getattr(_local, "skew", 0.0))
        return cls.fromtimestamp(moment.timestamp(), tz or UTC)


class Stepped:
    """A client of DynamoDB whose calls wait for their turn."""

    def __init__(self, client: Any, turn: Callable[[], Fault]) -> None:
        self._client = client
        self._turn = turn
        self.exceptions = client.exceptions

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Return a call that waits for its turn."""
        call = getattr(self._client, operation)

        def stepped(**arguments: Any) -> Any:
            fault = self._turn()
            if fault is Fault.LOST:
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
            if fault is Fault.REPEATED:
                with suppress(ClientError):
                    call(**arguments)
            answer = call(**arguments)
            if fault is Fault.UNANSWERED:
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
            return answer

        return stepped


class _Lane:
    """One writer's thread, and the two signals between it and the schedule."""

    def __init__(self, writer: Writer, client: Any, skew: float, faults: Iterator[Fault]) -> None:
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._faults = faults
        self.done = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, args=(writer, Stepped(client, self._turn), skew))
        self._thread.start()
        self._await_stop()

    def step(self) -> None:
        """Let the writer make its next call; return when it stands before the one after, or has ended."""
        self._go.release()
        self._await_stop()

    def _await_stop(self) -> None:
        assert self._stopped.acquire(timeout=_HANGS), "a writer hangs"

    def _turn(self) -> Fault:
        self._stopped.release()
        assert self._go.acquire(timeout=_HANGS), "the schedule hangs"
        return next(self._faults, Fault.NONE)

    def _main(self, writer: Writer, client: Stepped, skew: float) -> None:
        _local.skew = skew
        try:
            writer(client)
        except BaseException as error:  # noqa: BLE001 - raised again by the test's own thread
            self.error = error
        finally:
            self.done = True
            self._stopped.release()


def interleave(
    client: Any,
    writers: Sequence[Writer],
    schedule: Sequence[int],
    *,
    skews: Sequence[float] = (),
    faults: Sequence[Fault] = (),
) -> None:
    """Run the writers to their ends, the next call always that of the one whom the schedule names.

    When the schedule has ended the writers take turns. Raises what a writer raised.
    """
    coming = iter(faults)
    clocks = [*skews, *[0.0] * len(writers)]
    lanes = [_Lane(writer, client, skew, coming) for writer, skew in zip(writers, clocks, strict=False)]
    order = iter(schedule)
    turn = 0
    while live := [lane for lane in lanes if not lane.done]:
        turn += 1
        live[next(order, turn) % len(live)].step()
    for lane in lanes:
        if lane.error is not None:
            raise lane.error
