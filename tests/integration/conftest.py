"""Fixtures of the integration tests, and their order."""

from __future__ import annotations

import pytest

from tests.support.emulator import aws, aws_process  # noqa: F401 - fixtures
from tests.support.genesys import client, clock, genesys, limiter  # noqa: F401 - fixtures


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of leaks last: they search what all others have left."""
    items.sort(key=lambda item: item.path.stem == "test_leaks")
