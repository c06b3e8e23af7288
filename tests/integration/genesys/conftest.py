"""Fixtures of the tests of the client with a simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.sandbox.genesys.process import running


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """The address of a simulator for the module."""
    with running() as address:
        yield address
