"""A sandbox that can be broken anywhere: two workers, and a proxy on every way."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from deployments.sandbox.stack import Sandbox
from tests.faults import processes
from tests.faults.detours import Detours
from tests.faults.ledger import Ledger
from tests.faults.plan import Plan
from tests.faults.reconciling import Reconciling
from tests.faults.rules import Rule
from tests.faults.sandbox_view import View
from tests.integration.outage_sandbox import QUICK

SETTINGS = QUICK | {
    "SANDBOX_STUCK_AFTER": "20",
    "SANDBOX_CRASHED_AFTER": "20",
    "SETTLE_PATIENCE": "300",
    "GENESYS_READ_TIMEOUT": "5",
    "WORKER_DRAIN_SECONDS": "5",
}
WORKERS = (1, 2)
_OBEYED = 30.0  # seconds within which a rule must have met a request
_MOMENT = 0.5
T = TypeVar("T")


class Stand:
    """What faults are done to."""

    def __init__(self, sandbox: Sandbox, detours: Detours, reconciling: Reconciling, seed: int) -> None:
        self.reconciling = reconciling
        self.sandbox = sandbox
        self.detours = detours
        self.rng = random.Random(seed)
        self.ledger = Ledger(View(sandbox.addresses))
        self.mixed = False  # whether several faults go on at once
        self.plans: list[Plan] = []  # of the trials so far
        self._healing = threading.RLock()

    @classmethod
    @contextmanager
    def up(cls, folder: Path, seed: int, progress: Callable[[str], None]) -> Iterator[Self]:
        """Start everything; stop it at the end."""
        with (
            Detours(folder) as detours,
            Sandbox(folder, progress=progress, workers=2, environment=SETTINGS, detour=detours.to) as sandbox,
        ):
            view = View(sandbox.addresses)
            with Reconciling(view, view.deployment("reconcile-interactions/reconcile")) as reconciling:
                yield cls(sandbox, detours, reconciling, seed)

    def kill(self, name: str) -> None:
        """SIGKILL to a process of the sandbox and to all that it started; nothing if it is gone."""
        child = self.sandbox.children.pop(name, None)
        if child is not None:
            child.signal(signal.SIGKILL)
            child.process.wait()

    def a_worker(self) -> str:
        """One of the workers."""
        return f"worker {self.rng.choice(WORKERS)}"

    def heal(self) -> None:
        """Start what does not run: the Prefect server, then the workers."""
        with self._healing:
            if not self._alive("prefect"):
                self.sandbox.start_prefect()
            for number in WORKERS:
                if not self._alive(f"worker {number}"):
                    self.sandbox.start_worker(number)

    def _alive(self, name: str) -> bool:
        child = self.sandbox.children.get(name)
        return child is not None and child.alive()

    def bridge_pids(self) -> list[int]:
        """The Lambda's processes, which the emulator has started."""
        return processes.descendants(self.sandbox.children["emulator"].pid)

    @contextmanager
    def simulator(self, **faults: Any) -> Iterator[None]:
        """Genesys with faults; without any afterwards."""
        self.genesys("faults", **faults)
        try:
            yield
        finally:
            self.genesys("reset", only=["faults"])

    def genesys(self, path: str, **body: Any) -> None:
        """Control the simulator."""
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim/{path}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    @contextmanager
    def struck(self, way: str, rule: Rule, then: Callable[[], None] = lambda: None) -> Iterator[None]:
        """A rule on a way, and what is done half a second after it was first obeyed; that must have happened."""
        before = self.detours.done(way).get(rule.action, 0)

        def follow() -> bool:
            obeyed = self.until(lambda: self.detours.done(way).get(rule.action, 0) > before, _OBEYED)
            time.sleep(_MOMENT)
            then()
            return bool(obeyed)

        with ThreadPoolExecutor(1) as threads, self.detours.wrong(way, rule):
            followed = threads.submit(follow)
            yield
            if not followed.result() and not self.mixed:  # another fault may have left nothing to strike
                raise RuntimeError(f"nothing came by {way} that matches {rule.pattern}")

    @staticmethod
    def until(look: Callable[[], T], seconds: float) -> T | None:
        """Look again and again until there is something to see, or the time is over."""
        deadline = time.monotonic() + seconds
        while not (seen := look()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return seen
