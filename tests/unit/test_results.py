"""Flows keep no results, so a run asks Prefect for no place of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prefect import Flow, flow
from prefect.results import ResultStore
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.erase_interactions import erase_interactions
from flows.process_interactions import process_interactions
from flows.publish_interactions import publish_interactions
from flows.reconcile_interactions import reconcile_interactions
from flows.refresh_directory import refresh_directory
from flows.replay_interactions import replay_interactions

FLOWS = (
    erase_interactions,
    process_interactions,
    publish_interactions,
    reconcile_interactions,
    refresh_directory,
    replay_interactions,
)


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """The paths that are asked for at the address which is Prefect's meanwhile."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{web.server_port}/api"}):
            yield paths
        web.shutdown()


@pytest.mark.parametrize("ours", FLOWS, ids=lambda each: each.name)
def test_a_run_asks_for_no_place_of_its_result(asked: list[str], ours: Flow[..., Any]) -> None:
    """What the engine does twice at each run's start, with a client made anew each time; a plain flow's run asks."""

    @flow
    async def plain() -> None: ...

    assert ours.persist_result is False
    ResultStore().update_for_flow(ours, _sync=True)  # type: ignore[call-arg]
    assert asked == []
    ResultStore().update_for_flow(plain, _sync=True)  # type: ignore[call-arg]
    assert [path for path in asked if "storage" in path]
