"""Every page of an interval, read by the reconciler from the simulator, whose totals are estimates."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from tasks.genesys import Authenticator, GenesysClient, QueryPage, Transport, resolve
from tasks.operations.intervals import Interval
from tasks.operations.reconciler import Conversations, IntervalReconciler, QueryCursor, ReconcileCounts
from tests.support.genesys import UnlimitedLimiter

START = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
INTERVAL = Interval(START, START + timedelta(hours=12))


@pytest.fixture
def genesys(simulator: str) -> str:
    """The simulator without faults, and with a limit that no test meets."""
    control(simulator, "reset")
    control(simulator, "faults", rate_limit=10_000)
    return simulator


def control(genesys: str, path: str, **body: Any) -> Any:
    """POST to a path of /_sim."""
    answer = requests.post(f"{genesys}/_sim/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def added(genesys: str, count: int) -> list[str]:
    """Let Genesys have so many conversations that started in the first hours of INTERVAL; return their ids, sorted."""
    end = START + timedelta(hours=6)
    ids = control(genesys, "conversations", count=count, start=START.isoformat(), end=end.isoformat())["ids"]
    return sorted(ids)


def reconciled(genesys: str) -> tuple[list[str], ReconcileCounts]:
    """Read INTERVAL; return the conversations as often as they came, sorted, and the counts."""
    hosts = resolve("us-east-1", login_url=genesys, api_url=genesys)
    transport = Transport()
    authenticator = Authenticator(transport, hosts, CLIENT_ID, SecretStr(CLIENT_SECRET))
    client = GenesysClient(transport, authenticator, hosts, UnlimitedLimiter())
    saved, counts = list[str](), ReconcileCounts()

    async def query(cursor: QueryCursor) -> QueryPage:
        interval = cursor.interval
        return await asyncio.to_thread(
            client.query_conversations,
            interval.start,
            interval.end,
            page=cursor.page,
            page_size=cursor.page_size,
        )

    async def save_page(page: QueryPage, conversations: Conversations) -> None:
        del page
        saved.extend(conversations)

    asyncio.run(IntervalReconciler(counts, query, save_page).reconcile(INTERVAL))
    return sorted(saved), counts


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199, 200, 205, 297, 303])
def test_no_conversation_is_left_out_whatever_the_total_says(genesys: str, count: int) -> None:
    """Pages are read until one is empty: a total that is too low hides nothing, one that is too high costs nothing."""
    ids = added(genesys, count) if count else []
    saved, counts = reconciled(genesys)
    assert saved == ids
    assert counts["requests"] == -(-count // 100) + 1


@pytest.mark.parametrize("total_hits", ["half", "absent"])
@pytest.mark.parametrize("page_max", [100, 99, 50, 25, 13, 7, 1])
@pytest.mark.parametrize("count", [1, 24, 26, 101])
def test_every_size_and_total(genesys: str, count: int, page_max: int, total_hits: str) -> None:
    """Whatever page Genesys gives at the most and says of its total: every conversation, once."""
    ids = added(genesys, count)
    control(genesys, "faults", page_max=page_max, total_hits=total_hits)
    saved, counts = reconciled(genesys)
    assert saved == ids
    assert counts["unreadable"] == 0


def test_pages_that_are_too_large_are_read_in_smaller_ones(genesys: str) -> None:
    """Genesys's 413 halves the page, and nothing is lost or doubled."""
    ids = added(genesys, 130)
    control(genesys, "faults", response_bytes_max=200_000)
    saved, counts = reconciled(genesys)
    assert saved == ids
    assert counts["unreadable"] == 0


def test_a_conversation_that_is_too_large_alone_hides_no_other(genesys: str) -> None:
    """It is passed over after a few requests, and counted."""
    ids = added(genesys, 60)
    control(genesys, f"conversations/{ids[7]}/events", type="grown", bytes=400_000)
    control(genesys, "faults", response_bytes_max=200_000)
    saved, counts = reconciled(genesys)
    assert saved == [id_ for id_ in ids if id_ != ids[7]]
    assert counts["unreadable"] == 1
    assert counts["requests"] < 40
