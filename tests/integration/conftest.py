"""Fixtures that several integration tests share."""

from tests.integration.prefect_server import prefect_server

__all__ = ["prefect_server"]
