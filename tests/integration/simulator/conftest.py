"""One simulator process, and a client of it per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.genesys.process import running
from tests.support.simulator import SimulatorClient, reset_client


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A running simulator, which is reset before each test."""
    with running() as url:
        yield url


@pytest.fixture
def genesys(address: str) -> Iterator[SimulatorClient]:
    """A client with a new token, after a reset."""
    yield from reset_client(address)
