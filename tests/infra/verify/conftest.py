"""Fixtures of the tests of `verify`."""

from __future__ import annotations

from tests.support.verified import genesys, prefect, simulator, working

__all__ = ["genesys", "prefect", "simulator", "working"]
