"""Workers that are killed, replaced, or have a wrong clock."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from deployments.sandbox.servers import ROOT
from tests.faults.fault import Fault
from tests.faults.fault_sandbox import WORKERS, FaultSandbox
from tests.faults.proxy_rules import Rule

SKEW = Path(__file__).parent / "skew"  # on a worker's PYTHONPATH it makes its clock wrong
_HOLD = 4.0  # seconds, longer than the worker lives after the request
_SHORT_HOLD = 2.0


@contextmanager
def killed_in_process(target: FaultSandbox) -> Iterator[None]:
    """A worker gets SIGKILL while Genesys has its request and has not answered."""
    rule = Rule("hold", "conversations/details", seconds=_HOLD)
    with target.rule("genesys", rule, lambda: target.kill(target.random_worker())):
        yield


@contextmanager
def killed_in_save(target: FaultSandbox) -> Iterator[None]:
    """A worker gets SIGKILL while writes are made whose answers have not arrived."""
    rule = Rule("hold", "UpdateItem|^PUT ", rate=0.5, seconds=_HOLD)
    with target.rule("aws", rule, lambda: target.kill(target.random_worker())):
        yield


@contextmanager
def killed_in_publish(target: FaultSandbox) -> Iterator[None]:
    """Both workers get SIGKILL while a table of the analytics is being committed."""
    rule = Rule("hold", "AWSGlue.UpdateTable", seconds=_HOLD)
    with target.rule("aws", rule, lambda: _kill_all(target)):
        yield


@contextmanager
def killed_at_once(target: FaultSandbox) -> Iterator[None]:
    """Both workers get SIGKILL within the first heartbeat of the runs that they have just claimed."""
    rule = Rule("hold", "set_state", seconds=_SHORT_HOLD)
    with target.rule("prefect", rule, lambda: _kill_all(target)):
        yield


def _kill_all(target: FaultSandbox) -> None:
    for number in WORKERS:
        target.kill(f"worker {number}")


@contextmanager
def rolling_deploy(target: FaultSandbox) -> Iterator[None]:
    """`apply` and `prefect deploy --all` in the middle of a burst, then each worker is replaced by SIGTERM."""
    with ThreadPoolExecutor(1) as threads:
        deployed = threads.submit(target.redeploy)
        yield
        deployed.result()
    for number in WORKERS:
        if worker := target.sandbox.children.pop(f"worker {number}", None):
            worker.signal(signal.SIGTERM)
            worker.stop()
        target.restart_stopped()


@contextmanager
def skewed_clocks(target: FaultSandbox) -> Iterator[None]:
    """One worker's clock is half a minute ahead, the other's half a minute behind."""
    for number, seconds in zip(WORKERS, (30, -30), strict=True):
        target.sandbox.children.pop(f"worker {number}").stop()
        target.sandbox.start_worker(number, PYTHONPATH=f"{SKEW}:{ROOT}", SKEW_SECONDS=str(seconds))
    yield
    for number in WORKERS:
        if worker := target.sandbox.children.pop(f"worker {number}", None):
            worker.stop()


FAULTS = (
    Fault("a worker killed in process", killed_in_process),
    Fault("a worker killed in save", killed_in_save),
    Fault("both workers killed at once", killed_at_once),
    Fault(
        "both workers killed in publish", killed_in_publish, seconds=25
    ),  # one of its runs begins every 20 s
    Fault("a deploy in a burst, workers replaced", rolling_deploy, alone=True),
    Fault("a minute between two workers' clocks", skewed_clocks, alone=True),
)
