"""Fixtures of all tests: the sandbox, its driver, one for outages, steady ids, an environment without settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from tests.support.commands import home  # noqa: F401 - fixtures
from tests.support.outage_sandbox import outage_driver  # noqa: F401 - fixtures
from tests.support.preloaded import forks  # noqa: F401 - fixtures
from tests.support.sandbox import driver, sandbox  # noqa: F401 - fixtures
from tests.support.service_models import shared_service_models  # noqa: F401 - fixtures
from tests.support.slow_first import place
from tests.support.steady_ids import steady_ids  # noqa: F401 - fixtures

if TYPE_CHECKING:
    import pytest

# A busy machine must not fail a property test: neither by its time nor by how long its data took to draw.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; `--no-loadscope-reorder` leaves them there."""
    items.sort(key=lambda item: place(item.path))
