"""A sandbox of its own for tests that stop parts of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.stack import Sandbox
from tests.integration.sandbox import SCALED, Driver

# A worker is taken for dead after 12 s instead of 90, and beats every 3 s instead of 30.
QUICK = SCALED | {
    "SANDBOX_LOST_AFTER": "12",
    "WORKER_HEARTBEAT_SECONDS": "3",
    "SANDBOX_VISIBILITY_SECONDS": "3",
}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A user of a sandbox that may be broken."""
    with Sandbox(tmp_path_factory.mktemp("fragile"), environment=QUICK) as running:
        yield Driver(running)
