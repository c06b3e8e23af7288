"""Thousands of interactions at once, by two workers, within the request limit of a Genesys token."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from deployments.sandbox.sandbox import Sandbox
from tests.support.bridge_feed import bridge_feed
from tests.support.events import envelope
from tests.support.request_rate import requests_a_minute
from tests.support.sandbox import SCALED, SandboxDriver

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LIMIT = 300  # requests in any 60 s: the simulator enforces it, as Genesys does
WINDOW = 60.0
BATCH = "500"  # interactions of a run
SUSTAINED = 291  # requests a minute while there is work: 97 % of the limit
MAX_WAITING_RUNS = "50"  # as deployed: the bridge accepts no more
POLL_SECONDS = 1.0  # between two questions whether all is done: each costs the server some work


@dataclass(frozen=True)
class Measured:
    """The figures of a load; `seconds` are those from the first request to Genesys to the last."""

    requests: int
    most_in_window: int
    seconds: float
    sustained: float  # requests a minute while there is work; over those seconds, if the limit did not bind
    total_seconds: float  # from the first event delivered to the last one stored

    def __str__(self) -> str:
        return (
            f"{self.requests} requests in {self.seconds:.1f} s, {self.sustained:.0f} a minute, at most "
            f"{self.most_in_window} in any {WINDOW:.0f} s; {self.total_seconds:.1f} s from first event to last row"
        )


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxDriver]:
    """A sandbox with two workers and nothing scheduled; delays are scaled, the request limit is the real one."""
    folder = tmp_path_factory.mktemp("request-limit")
    with Sandbox(folder, workers=2, environment=SCALED | {"LIMIT_CACHE": "10"}) as running:
        user = SandboxDriver(running)
        user.pause_schedules()
        yield user


def load(
    driver: SandboxDriver, monkeypatch: pytest.MonkeyPatch, count: int, seconds: float
) -> tuple[list[str], Measured]:
    """Deliver `count` interactions to the bridge in full batches, wait until all are done, and measure."""
    driver.simulator("reset", only=["counters"])
    ids = [str(uuid.uuid4()) for _ in range(count)]
    began = time.monotonic()
    with bridge_feed(driver, monkeypatch, MAX_EVENTS=BATCH, MAX_WAITING_RUNS=MAX_WAITING_RUNS) as bridge:
        bridge.deliver([envelope(id_) for id_ in ids], seconds)
    while unfinished(driver):
        assert time.monotonic() - began < seconds, f"not done within {seconds:.0f} s"
        time.sleep(POLL_SECONDS)
    return ids, measured(driver, time.monotonic() - began)


def unfinished(driver: SandboxDriver) -> int:
    """Return how many runs have not ended, scheduled ones included."""
    states = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}
    names = {"name": {"any_": ["process-interactions"]}}
    return int(driver.api("/flow_runs/count", {"flow_runs": states, "flows": names}))


def measured(driver: SandboxDriver, total_seconds: float) -> Measured:
    """Return what the simulator counted."""
    url = f"{driver.addresses.genesys_api_url}/_sim"
    state = requests.get(url, params={"window": WINDOW}, timeout=60).json()
    moments = requests.get(f"{url}/requests", timeout=60).json()["all"]
    seconds = moments[-1] - moments[0]
    return Measured(
        requests=len(moments),
        most_in_window=state["most_in_window"]["all"],
        seconds=seconds,
        sustained=requests_a_minute(moments, LIMIT) if len(moments) > LIMIT else len(moments) / seconds * 60,
        total_seconds=total_seconds,
    )


def stored(driver: SandboxDriver, ids: list[str]) -> set[str]:
    """Return those of the interactions that have a settled row."""
    settled = {
        row["interactionId"] for row in driver.rows(driver.addresses.interaction_table) if row.get("settled")
    }
    return settled & set(ids)


def test_ten_thousand_interactions_take_a_hundred_requests(
    two_workers: SandboxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 interactions in runs of 500, two workers: all are stored, with at most 300 requests in any 60 s.

    Of these at most 105 are for details, 2 for tokens, and 16 for names: each worker asks for each of the four kinds
    once, and once more when an id is first met later.
    """
    ids, figures = load(two_workers, monkeypatch, 10_000, 600)
    sys.stdout.write(f"\n10,000 interactions: {figures}\n")
    by_path = two_workers.simulator_state()["by_path"]
    assert by_path["GET /api/v2/analytics/conversations/details"] <= 105, by_path
    assert figures.requests - by_path["GET /api/v2/analytics/conversations/details"] <= 18, by_path
    assert figures.most_in_window <= LIMIT
    assert len(stored(two_workers, ids)) == len(ids)
    assert not two_workers.quarantined()


@pytest.mark.bench
def test_thirty_thousand_interactions_stay_within_the_limit(
    two_workers: SandboxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30,000 interactions, two workers: at most 330 requests, 300 in any 60 s, and all are stored.

    The speed is printed, not asserted: here the cores that two workers need are shared with the emulators of AWS
    and Genesys and with the Prefect server.
    """
    ids, figures = load(two_workers, monkeypatch, 30_000, 840)
    sys.stdout.write(f"\n30,000 interactions: {figures}\n")
    assert figures.requests <= 330
    assert figures.most_in_window <= LIMIT
    assert len(stored(two_workers, ids)) == len(ids)
    assert not two_workers.quarantined()


@pytest.fixture
def small_requests(two_workers: SandboxDriver) -> Iterator[SandboxDriver]:
    """The same sandbox, with workers that fetch ten interactions per request, so that requests are scarce."""
    sandbox = two_workers.sandbox
    for number in (1, 2):
        sandbox.children.pop(f"worker {number}").stop()
    workers = [sandbox.start_worker(number, GENESYS_BATCH_SIZE="10") for number in (31, 32)]
    yield two_workers
    for worker in workers:
        sandbox.children.pop(worker.name).stop()
    for number in (1, 2):
        sandbox.start_worker(number)


@pytest.mark.bench
def test_most_of_the_limit_is_used_while_there_is_work(
    small_requests: SandboxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers, 950 requests: 291 a minute or more, never more than 300 in any 60 s, and no 429."""
    ids, figures = load(small_requests, monkeypatch, 9_500, 600)
    sys.stdout.write(f"\n9,500 interactions, ten to a request: {figures}\n")
    assert figures.requests >= 950
    assert figures.most_in_window <= LIMIT
    assert small_requests.simulator_state()["given_429"] == 0
    assert figures.sustained >= SUSTAINED
    assert len(stored(small_requests, ids)) == len(ids)
