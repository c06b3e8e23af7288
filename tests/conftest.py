"""How the tests are shared out: everything that uses the one sandbox stays together, and begins first."""

from __future__ import annotations

import pytest

TOGETHER = "sandbox"


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test a group, which one process runs: the session's sandbox, otherwise the test's file."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(TOGETHER if TOGETHER in names else item.path.stem))
    items.sort(key=lambda item: TOGETHER not in getattr(item, "fixturenames", ()))
