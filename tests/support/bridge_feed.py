"""The bridge's handler in the test's own process, configured for a sandbox."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.events import unpacked
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


def delivered(
    driver: SandboxDriver, bridge: EventSourceMapping, bodies: Sequence[str], *marks: str
) -> list[dict[str, Any]]:
    """Deliver messages, and wait for their runs; return these.

    Each batch has an event with one of the marks: the sandbox's own bridge may make a run of another test's events.
    """
    known = {run["id"] for run in _runs(driver)}
    bridge.deliver(bodies)
    made = [run for run in _runs(driver) if run["id"] not in known]
    own = [run for run in made if any(mark in str(unpacked(run["parameters"]["events"])) for mark in marks)]
    assert own
    return [driver.finished(run["id"], 300) for run in own]


def _runs(driver: SandboxDriver) -> list[dict[str, Any]]:
    return driver.runs(tags={"all_": ["bridge"]})
