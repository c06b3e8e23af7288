"""A simulator for the tests of a file, and a client of it for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.genesys.process import running
from tests.integration.genesys_simulator import Genesys, fresh


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """One simulator for all tests here."""
    with running() as url:
        yield url


@pytest.fixture
def genesys(address: str) -> Iterator[Genesys]:
    """A client of it, for one test."""
    yield from fresh(address)
