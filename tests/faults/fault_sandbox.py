"""A sandbox for fault injection: two workers, and a proxy in front of every server."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from deployments.resources import WARM_POOL
from deployments.sandbox.sandbox import Sandbox
from tests.faults import processes
from tests.faults.flow_schedule import FlowSchedule
from tests.faults.proxies import Proxies
from tests.faults.proxy_rules import Rule
from tests.faults.published_events import PublishedEvents
from tests.faults.reconcile_schedule import ReconcileSchedule
from tests.faults.sandbox_view import SandboxView
from tests.faults.verification import Verifier
from tests.support.outage_sandbox import QUICK_RECOVERY
from tests.support.sandbox import pause_schedules

SETTINGS = QUICK_RECOVERY | {
    "WORKER_STUCK_SECONDS": "20",
    "WORKER_CRASHED_SECONDS": "20",
    "DEFERRAL_LIMIT": "300",
    "GENESYS_READ_TIMEOUT": "5",
    "WORKER_DRAIN_SECONDS": "5",
    "ERASE_FOLLOW_UP_AFTER": "20",
}
WORKERS = (1, 2)
PUBLISH_INTERVAL = 20.0  # seconds; a quarter of an hour, scaled like all delays of the sandbox
_MAX_WAIT = 30.0  # seconds within which a rule must have been applied to a request
_DELAY = 0.5  # seconds between that and what follows
T = TypeVar("T")


class FaultSandbox:
    """A running sandbox whose processes can be killed and whose requests can be disturbed."""

    def __init__(
        self, sandbox: Sandbox, proxies: Proxies, reconcile_schedule: ReconcileSchedule, seed: int
    ) -> None:
        self.sandbox = sandbox
        self.proxies = proxies
        self.reconcile_schedule = reconcile_schedule
        self.rng = random.Random(seed)
        self.verifier = Verifier(SandboxView(sandbox.addresses, publishes=True))
        self.several_faults = False  # whether several are injected at once
        self.published: list[PublishedEvents] = []  # those of each trial so far
        self._restarting = threading.RLock()

    @classmethod
    @contextmanager
    def start(
        cls,
        folder: Path,
        seed: int,
        progress: Callable[[str], None],
        *,
        reconcile: bool = True,
        pool: str = WARM_POOL,
    ) -> Iterator[Self]:
        """Start everything; stop it at the end. Without `reconcile` no scheduled one runs."""
        with (
            Proxies(folder) as proxies,
            Sandbox(
                folder,
                progress=progress,
                pool=pool,
                workers=2,
                environment=SETTINGS,
                proxy_url=proxies.route,
            ) as sandbox,
        ):
            pause_schedules(sandbox.addresses.prefect_api_url)  # the two below take their place
            view = SandboxView(sandbox.addresses)
            publish = FlowSchedule(view, "publish-interactions/publish", PUBLISH_INTERVAL)
            reconcile_schedule = ReconcileSchedule(view)
            with reconcile_schedule if reconcile else nullcontext(), publish:
                yield cls(sandbox, proxies, reconcile_schedule, seed)

    def redeploy(self) -> None:
        """Deploy in the running sandbox; that turns on the schedules, which are paused again."""
        self.sandbox.redeploy()
        pause_schedules(self.sandbox.addresses.prefect_api_url)

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process of the sandbox and to all that it started; nothing if it is gone."""
        child = self.sandbox.children.pop(name, None)
        if child is not None:
            child.kill()

    def random_worker(self) -> str:
        """Return the name of one of the workers."""
        return f"worker {self.rng.choice(WORKERS)}"

    def restart_stopped(self) -> None:
        """Start what does not run: the Prefect server's database, the server, then the workers."""
        with self._restarting:
            self.sandbox.start_database()
            if not self.sandbox.runs("prefect"):
                self.sandbox.start_prefect()
            for number in WORKERS:
                if not self.sandbox.runs(f"worker {number}"):
                    self.sandbox.start_worker(number)

    def bridge_pids(self) -> list[int]:
        """Return the ids of the Lambda's processes, which the emulator has started."""
        return processes.descendants(self.sandbox.children["emulator"].pid)

    @contextmanager
    def genesys_faults(self, **faults: Any) -> Iterator[None]:
        """Set faults of the simulator; reset them at the end."""
        self._control_genesys("faults", **faults)
        try:
            yield
        finally:
            self._control_genesys("reset", only=["faults"])

    def _control_genesys(self, path: str, **body: Any) -> None:
        url = f"{self.sandbox.addresses.genesys_api_url}/_sim/{path}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    @contextmanager
    def rule(self, proxy: str, rule: Rule, then: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Apply a rule in a proxy; call `then` half a second after it was first applied.

        Raises RuntimeError at the end if it was applied to no request and no other fault can be the cause.
        """
        before = self.proxies.applied(proxy).get(rule.action, 0)

        def follow() -> bool:
            applied = self.until(lambda: self.proxies.applied(proxy).get(rule.action, 0) > before, _MAX_WAIT)
            time.sleep(_DELAY)
            then()
            return bool(applied)

        with ThreadPoolExecutor(1) as threads, self.proxies.rules(proxy, rule):
            followed = threads.submit(follow)
            yield
            if not followed.result() and not self.several_faults:
                raise RuntimeError(f"no request through the proxy {proxy} matched {rule.pattern}")

    @staticmethod
    def until(look: Callable[[], T], seconds: float) -> T | None:
        """Poll until `look` returns something true or the time is over; return what it returned last."""
        deadline = time.monotonic() + seconds
        while not (seen := look()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return seen
