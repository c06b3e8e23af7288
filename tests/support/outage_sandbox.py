"""A sandbox for tests that stop parts of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.sandbox import Sandbox
from tests.support.sandbox import SCALED, SandboxDriver

# A worker is gone after 12 s without a heartbeat instead of 60; it sends one every 3 s instead of 15.
QUICK_RECOVERY = SCALED | {
    "WORKER_LOST_SECONDS": "12",
    "WORKER_HEARTBEAT_SECONDS": "3",
    "SANDBOX_VISIBILITY_SECONDS": "3",
}


@pytest.fixture(scope="module")
def outage_driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxDriver]:
    """Return a driver of a sandbox whose processes a test may stop."""
    with Sandbox(tmp_path_factory.mktemp("outages"), environment=QUICK_RECOVERY) as running:
        driver = SandboxDriver(running)
        driver.pause_schedules()  # an hourly run would take one of the worker's places
        yield driver
