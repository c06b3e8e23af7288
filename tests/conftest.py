"""Fixtures of all tests: the sandbox, its driver, one for outages, steady ids, an environment without settings."""

from tests.support.commands import home  # noqa: F401 - fixtures
from tests.support.outage_sandbox import outage_driver  # noqa: F401 - fixtures
from tests.support.sandbox import driver, sandbox  # noqa: F401 - fixtures
from tests.support.steady_ids import steady_ids  # noqa: F401 - fixtures
