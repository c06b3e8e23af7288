"""Fixtures for the integration tests: real servers, started once, used by many tests."""

from __future__ import annotations

from tests.integration.sandbox import driver, sandbox  # noqa: F401 - fixtures
