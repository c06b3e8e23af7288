"""Several writers of one table, interleaved call by call in an order that a test chooses.

Each writer runs in a thread of its own and stops before every call to DynamoDB; the schedule names the writer whose
call is made next. One call at a time, so that the same schedule is the same history. A call may also fail as over a
network: it never arrives, its answer is lost, or it arrives twice because the client library repeats it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

Writer = Callable[["SteppedClient"], None]
_TIMEOUT = 60.0  # seconds
_local = threading.local()


class Fault(StrEnum):
    """What happens to one call."""

    NONE = "none"
    LOST = "it never arrives"
    UNANSWERED = "it is done, the answer is lost"
    REPEATED = "it is done twice, the first answer is lost"


class SkewedDatetime(datetime):
    """A clock that is wrong by a number of seconds of each thread's own."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> SkewedDatetime:
        """Return the time of this thread's clock."""
        moment = datetime.now(tz or UTC) + timedelta(seconds=getattr(_local, "skew", 0.0))
        return cls.fromtimestamp(moment.timestamp(), tz or UTC)


class SteppedClient:
    """A client of DynamoDB whose calls wait for the schedule."""

    def __init__(self, client: Any, wait_for_turn: Callable[[], Fault]) -> None:
        self._client = client
        self._wait_for_turn = wait_for_turn
        self.exceptions = client.exceptions

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Return the operation, which waits for the schedule first."""
        call = getattr(self._client, operation)

        def stepped(*positional: Any, **arguments: Any) -> Any:
            fault = self._wait_for_turn()
            if fault is Fault.LOST:
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
            if fault is Fault.REPEATED:
                with suppress(ClientError):
                    _drop(call(*positional, **arguments))
            answer = call(*positional, **arguments)
            if fault is Fault.UNANSWERED:
                _drop(answer)
                raise ReadTimeoutError(endpoint_url="http://127.0.0.1")
            return answer

        return stepped


def _drop(answer: Any) -> None:
    """Close what nobody will read: an object's body holds its connection, whose end would be a warning."""
    if isinstance(answer, dict) and "Body" in answer:
        answer["Body"].close()


class _WriterThread:
    """A writer's thread, and the two semaphores between it and the schedule."""

    def __init__(self, writer: Writer, client: Any, skew: float, faults: Iterator[Fault]) -> None:
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._faults = faults
        self.done = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._main, args=(writer, SteppedClient(client, self._wait_for_turn), skew)
        )
        self._thread.start()
        self._wait_until_stopped()

    def step(self) -> None:
        """Let the writer make its next call; return when it stops before the following one, or has ended."""
        self._go.release()
        self._wait_until_stopped()

    def _wait_until_stopped(self) -> None:
        assert self._stopped.acquire(timeout=_TIMEOUT), "a writer is stuck"

    def _wait_for_turn(self) -> Fault:
        self._stopped.release()
        assert self._go.acquire(timeout=_TIMEOUT), "the schedule is stuck"
        return next(self._faults, Fault.NONE)

    def _main(self, writer: Writer, client: SteppedClient, skew: float) -> None:
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
    """Run the writers to their ends; each number of the schedule picks the one that makes the next call.

    After the schedule the writers take turns. Raises what a writer raised.
    """
    left = iter(faults)
    clocks = [*skews, *[0.0] * len(writers)]
    threads = [
        _WriterThread(writer, client, skew, left) for writer, skew in zip(writers, clocks, strict=False)
    ]
    order = iter(schedule)
    turn = 0
    while live := [thread for thread in threads if not thread.done]:
        turn += 1
        live[next(order, turn) % len(live)].step()
    for thread in threads:
        if thread.error is not None:
            raise thread.error
