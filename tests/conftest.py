"""Fixtures of all tests: the sandbox, its driver, one for outages, steady ids, an environment without settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from tests.support.commands import home  # noqa: F401 - fixtures
from tests.support.outage_sandbox import outage_driver  # noqa: F401 - fixtures
from tests.support.preloaded import forked_workers  # noqa: F401 - fixtures
from tests.support.sandbox import driver, sandbox  # noqa: F401 - fixtures
from tests.support.slow_first import SlowFirst
from tests.support.steady_ids import steady_ids  # noqa: F401 - fixtures

if TYPE_CHECKING:
    import pytest

# A busy machine must not fail a property test: neither by its time nor by how long its data took to draw.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SlowFirst | None:
    """With `--dist loadfile`, choose the order of the files."""
    return SlowFirst(config, log) if config.getvalue("dist") == "loadfile" else None
