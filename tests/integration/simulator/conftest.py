"""One simulator process per file, and a client of it per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.genesys.process import running
from tests.support.simulator import SimulatorClient, reset_client


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running simulator."""
    with running() as url:
        yield url


@pytest.fixture
def genesys(address: str) -> Iterator[SimulatorClient]:
    """A client with a new token, after a reset."""
    yield from reset_client(address)
