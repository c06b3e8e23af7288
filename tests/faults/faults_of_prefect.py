"""Prefect away, dying, refusing, full; and the bridge on its way there."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.faults import processes
from tests.faults.fault import Fault
from tests.faults.rules import Rule
from tests.faults.stand import Stand

_CREATE = "create_flow_run"
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@contextmanager
def server_killed(stand: Stand) -> Iterator[None]:
    """SIGKILL to the server while events arrive; it comes back on its database."""
    timer = threading.Timer(2.0, stand.kill, ["prefect"])
    timer.start()
    yield
    timer.join()


@contextmanager
def unreachable(stand: Stand) -> Iterator[None]:
    """Neither workers nor bridge reach the server."""
    with stand.detours.down("prefect"), stand.detours.down("bridge"):
        yield


@contextmanager
def unreliable(stand: Stand) -> Iterator[None]:
    """One in ten answers of the server is lost, for workers and bridge, one in ten a 503, one in ten a 500."""
    wrong = (
        Rule("drop", "/api/", rate=0.1),
        *(Rule("answer", "/api/", rate=0.1, status=status, body="{}") for status in (500, 503)),
    )
    with stand.detours.wrong("prefect", *wrong), stand.detours.wrong("bridge", *wrong):
        yield


@contextmanager
def disk_full(stand: Stand) -> Iterator[None]:
    """The server's process may not write to any file; then there is room again, and it is started anew.

    Without that it recovers, too, but a connection whose rollback failed may hold SQLite's lock for two minutes.
    """
    server = stand.sandbox.children["prefect"].pid
    group = [server, *processes.descendants(server)]
    for pid in group:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in group:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, _UNLIMITED)
        stand.kill("prefect")


@contextmanager
def bridge_killed(stand: Stand) -> Iterator[None]:
    """The bridge gets SIGKILL when its run has been made and it has not heard of it."""

    def kill() -> None:
        for pid in stand.bridge_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with stand.struck("bridge", Rule("hold", _CREATE, seconds=4, most=4), kill):
        yield


@contextmanager
def bridge_unanswered(stand: Stand) -> Iterator[None]:
    """Each run is made, and the bridge hears of none."""
    with stand.struck("bridge", Rule("drop", _CREATE)):
        yield


@contextmanager
def redelivered(stand: Stand) -> Iterator[None]:
    """The bridge takes longer than the visibility time-out: the queue delivers what is in hand once more."""
    with stand.struck("bridge", Rule("hold", _CREATE, rate=0.5, seconds=5)):
        yield


FAULTS = (
    Fault("Prefect's server killed", server_killed),
    Fault("Prefect unreachable", unreachable),
    Fault("Prefect's answers lost, 500, 503", unreliable),
    Fault("Prefect's disk full", disk_full),
    Fault("the bridge killed before it heard", bridge_killed),
    Fault("the bridge's answers lost", bridge_unanswered),
    Fault("the queue redelivers", redelivered),
)
