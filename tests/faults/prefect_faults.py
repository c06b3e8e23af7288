"""Faults of Prefect's server, and of the bridge on its way to it."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.faults import processes
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import FaultSandbox
from tests.faults.proxy_rules import Rule

_CREATE = "create_flow_run"
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@contextmanager
def server_killed(target: FaultSandbox) -> Iterator[None]:
    """The server gets SIGKILL while events arrive; it is started again on the same database."""
    timer = threading.Timer(2.0, target.kill, ["prefect"])
    timer.start()
    yield
    timer.join()


@contextmanager
def database_killed(target: FaultSandbox) -> Iterator[None]:
    """The server's Postgres gets SIGKILL while events arrive, and is started again at the end."""
    timer = threading.Timer(2.0, target.kill, ["postgres"])
    timer.start()
    yield
    timer.join()


@contextmanager
def unreachable(target: FaultSandbox) -> Iterator[None]:
    """Neither workers nor bridge reach the server."""
    with target.proxies.down("prefect"), target.proxies.down("bridge"):
        yield


@contextmanager
def unreliable(target: FaultSandbox) -> Iterator[None]:
    """Of the server's answers, to workers and bridge, one in ten is lost, one in ten a 503, one in ten a 500."""
    rules = (
        Rule("drop", "/api/", rate=0.1),
        *(Rule("answer", "/api/", rate=0.1, status=status, body="{}") for status in (500, 503)),
    )
    with target.proxies.rules("prefect", *rules), target.proxies.rules("bridge", *rules):
        yield


@contextmanager
def disk_full(target: FaultSandbox) -> Iterator[None]:
    """The database may not write to any file, which ends Postgres; later it may, and is started again.

    Where there is no Postgres, the server's own process may not write to SQLite.
    """
    children = target.sandbox.children
    database = children.get("postgres", children["prefect"]).pid
    group = [database, *processes.descendants(database)]
    for pid in group:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in group:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, _UNLIMITED)


@contextmanager
def bridge_killed(target: FaultSandbox) -> Iterator[None]:
    """The bridge gets SIGKILL when its run has been created and the answer has not arrived."""

    def kill() -> None:
        for pid in target.bridge_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with target.rule("bridge", Rule("hold", _CREATE, seconds=4, max_requests=4), kill):
        yield


@contextmanager
def bridge_unanswered(target: FaultSandbox) -> Iterator[None]:
    """Each run is created, and the bridge gets no answer."""
    with target.rule("bridge", Rule("drop", _CREATE)):
        yield


@contextmanager
def redelivered(target: FaultSandbox) -> Iterator[None]:
    """The bridge takes longer than the visibility time-out: the queue delivers its messages once more."""
    with target.rule("bridge", Rule("hold", _CREATE, rate=0.5, seconds=5)):
        yield


FAULTS = (
    Fault("Prefect's server killed", server_killed),
    Fault("Prefect's database killed", database_killed),
    Fault("Prefect unreachable", unreachable),
    Fault("Prefect's answers lost, 500, 503", unreliable),
    Fault("Prefect's disk full", disk_full),
    Fault("the bridge killed before it heard", bridge_killed),
    Fault("the bridge's answers lost", bridge_unanswered),
    Fault("the queue redelivers", redelivered),
)
