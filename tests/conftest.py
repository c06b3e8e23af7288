"""The sandbox, one for all tests of a process that want it."""

from tests.integration.sandbox import driver, sandbox  # noqa: F401 - fixtures
