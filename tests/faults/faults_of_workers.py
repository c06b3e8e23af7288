"""Workers that die, are replaced, or have a wrong clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deployments.sandbox.servers import ROOT
from tests.faults.fault import Fault
from tests.faults.rules import Rule
from tests.faults.stand import WORKERS, Stand

SKEW = Path(__file__).parent / "skew"  # on a worker's path its clock is wrong
_LONG = 4.0  # seconds, longer than the worker lives after the request
_MOMENT = 2.0


@contextmanager
def killed_in_process(stand: Stand) -> Iterator[None]:
    """SIGKILL while Genesys has the request and has not answered."""
    rule = Rule("hold", "conversations/details", seconds=_LONG)
    with stand.struck("genesys", rule, lambda: stand.kill(stand.a_worker())):
        yield


@contextmanager
def killed_in_save(stand: Stand) -> Iterator[None]:
    """SIGKILL while writes are made whose answers have not come."""
    rule = Rule("hold", "UpdateItem|^PUT ", rate=0.5, seconds=_LONG)
    with stand.struck("aws", rule, lambda: stand.kill(stand.a_worker())):
        yield


@contextmanager
def killed_at_once(stand: Stand) -> Iterator[None]:
    """Both workers get SIGKILL within the first heartbeat of the runs that they have just claimed."""

    def kill() -> None:
        for number in WORKERS:
            stand.kill(f"worker {number}")

    with stand.struck("prefect", Rule("hold", "set_state", seconds=_MOMENT), kill):
        yield


@contextmanager
def rolling_deploy(stand: Stand) -> Iterator[None]:
    """`apply` and `prefect deploy --all` in the middle of a burst, then one worker after the other by SIGTERM."""
    with ThreadPoolExecutor(1) as threads:
        deployed = threads.submit(stand.sandbox.redeploy)
        yield
        deployed.result()
    for number in WORKERS:
        if worker := stand.sandbox.children.pop(f"worker {number}", None):
            worker.signal(signal.SIGTERM)
            worker.stop()
        stand.heal()


@contextmanager
def skewed_clocks(stand: Stand) -> Iterator[None]:
    """One worker's clock is half a minute ahead, the other's half a minute behind."""
    for number, seconds in zip(WORKERS, (30, -30), strict=True):
        stand.sandbox.children.pop(f"worker {number}").stop()
        stand.sandbox.start_worker(number, PYTHONPATH=f"{SKEW}:{ROOT}", SKEW_SECONDS=str(seconds))
    yield
    for number in WORKERS:
        if worker := stand.sandbox.children.pop(f"worker {number}", None):
            worker.stop()


FAULTS = (
    Fault("a worker killed in process", killed_in_process),
    Fault("a worker killed in save", killed_in_save),
    Fault("both workers killed at once", killed_at_once),
    Fault("a deploy in a burst, workers replaced", rolling_deploy, alone=True),
    Fault("a minute between two workers' clocks", skewed_clocks, alone=True),
)
