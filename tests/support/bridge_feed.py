"""The bridge's handler in the test's own process, configured for a sandbox."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.event_source_mapping import EventSourceMapping
from tests.support.sandbox import SandboxDriver

BRIDGE = Path(__file__).parents[2] / "infra" / "bridge"


@contextmanager
def bridge_feed(
    driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> Iterator[EventSourceMapping]:
    """Configure the handler for a sandbox, as the template does; `settings` are further environment variables."""
    monkeypatch.syspath_prepend(str(BRIDGE))
    known = {
        "PREFECT_API_URL": driver.addresses.prefect_api_url,
        "DEPLOYMENT_NAME": "process-interactions/live",
        "DEAD_LETTER_QUEUE_URL": "",
    }
    for name, value in (known | settings).items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("handler")
    module.bridge.cache_clear()  # it is cached for the life of a process
    try:
        yield EventSourceMapping(module.handler)
    finally:
        module.bridge.cache_clear()
