"""Fixtures for the integration tests: real servers, started once, used by many tests."""

from __future__ import annotations

import pytest

from tests.integration.genesys_stand import budget, client, clock, genesys  # noqa: F401 - fixtures


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search for leaks goes last: it looks at what all the others did."""
    items.sort(key=lambda item: item.path.stem == "test_leaks")
