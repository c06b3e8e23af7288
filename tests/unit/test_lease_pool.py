"""Leases of a limit's slots: few requests to Prefect, and no slot that is kept for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import HTTPStatusError, Request, Response

from tasks import concurrency
from tasks.concurrency import LeasePool, LimitMissing
from tasks.errors import DependencyUnavailable

LIMIT = {"id": str(uuid4()), "name": "store-writes", "limit": 8}


class Prefect:
    """Grants leases of `free` slots, and notes what it was asked for."""

    def __init__(self, free: int = 8) -> None:
        self.free = free
        self.leases: set[UUID] = set()
        self.has_granted = asyncio.Event()
        self.granted = self.refused = 0
        self.limits = [LIMIT]

    async def increment_concurrency_slots_with_lease(self, **_: Any) -> Response:
        """Grant a lease, or answer 423."""
        if not self.free:
            self.refused += 1
            locked = Response(423, headers={"Retry-After": "0.02"})
            raise HTTPStatusError("Locked", request=Request("POST", "http://prefect"), response=locked)
        self.free -= 1
        self.granted += 1
        self.has_granted.set()
        self.leases.add(lease := uuid4())
        return Response(200, json={"lease_id": str(lease), "limits": self.limits})

    async def release_concurrency_slots_with_lease(self, lease_id: UUID) -> None:
        """Take a lease back."""
        self.leases.remove(lease_id)
        self.free += 1


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    """Prefect in the place of its client; a lease is passed on however busy the machine is."""
    monkeypatch.setattr(concurrency, "REUSE_SECONDS", 180.0)
    server = Prefect()

    @asynccontextmanager
    async def client() -> AsyncIterator[Prefect]:
        yield server

    monkeypatch.setattr(concurrency, "get_client", client)
    return server


@pytest.fixture
def pool() -> LeasePool:
    """A pool of at most three leases."""
    return LeasePool("store-writes", at_once=3, longest_use=30)


async def use(pool: LeasePool, seconds: float = 0.01) -> None:
    """Hold a slot."""
    async with pool.slot(8):
        await asyncio.sleep(seconds)


async def test_a_lease_is_passed_on(prefect: Prefect, pool: LeasePool) -> None:
    """Twenty chunks of a run take three leases, and the run's end releases them."""
    async with pool.reuse():
        await asyncio.gather(*(use(pool) for _ in range(20)))
        assert len(prefect.leases) == 3
    assert (prefect.granted, prefect.leases) == (3, set())


async def test_a_lease_that_is_old_is_released(
    prefect: Prefect, pool: LeasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes have their turn."""
    monkeypatch.setattr(concurrency, "REUSE_SECONDS", 0.0)
    async with pool.reuse():
        await use(pool)
        assert prefect.leases == set()


async def test_a_chunk_that_waits_takes_what_this_process_has(prefect: Prefect, pool: LeasePool) -> None:
    """While other processes hold the rest, a lease that becomes free here goes to the chunk that waits here."""
    prefect.free = 1
    async with pool.reuse():
        await asyncio.gather(*(use(pool, 0.1) for _ in range(3)))
    assert (prefect.granted, prefect.leases) == (1, set())
    assert prefect.refused > 1


async def test_no_slot_in_time_is_not_ready(
    prefect: Prefect, pool: LeasePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that stays full reschedules the run; so does one that is not there."""
    monkeypatch.setattr(concurrency, "_WAIT_SECONDS", 0.1)
    prefect.free = 0
    with pytest.raises(DependencyUnavailable, match="no slot of the limit 'store-writes' \\(TimeoutError\\)"):
        await use(pool)
    monkeypatch.setattr(concurrency, "_WAIT_SECONDS", 180.0)
    prefect.free, prefect.limits = 1, []
    with pytest.raises(LimitMissing):
        await use(pool)


async def test_a_cancelled_chunk_releases_its_lease(prefect: Prefect, pool: LeasePool) -> None:
    """A run that is cancelled in the middle of a write leaves no slot taken."""
    chunk = asyncio.create_task(use(pool, 60))
    await prefect.has_granted.wait()
    chunk.cancel()
    await asyncio.wait([chunk])
    assert prefect.leases == set()
