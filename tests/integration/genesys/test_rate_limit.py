"""One request limit for all workers, on the embedded AWS and the Genesys simulator, with real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
import requests
from botocore.config import Config
from pydantic import SecretStr

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.genesys.process import running, stop
from tasks.errors import TransientError
from tasks.genesys import (
    Clock,
    DynamoWindowStore,
    GenesysClient,
    RateLimiter,
    RateLimiterUnavailable,
    SharedWindow,
    Throttled,
)
from tasks.settings import Settings
from tests.support.servers import running_emulator
from tests.support.stack import eventually

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[3]
AWS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of an AWS emulator for this module."""
    with running_emulator() as address:
        yield address


@pytest.fixture
def dynamodb(aws: str) -> DynamoDBClient:
    """A client of the emulator."""
    return client_of(aws)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> str:
    """A table for the shared window of one test."""
    name = f"budget-{uuid4().hex}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "budgetId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "budgetId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def genesys() -> Iterator[str]:
    """The address of a simulator for one test."""
    with running() as address:
        yield address


class StillClock(Clock):
    """A clock that stands still: a permit cannot expire, however long its thread waits for a busy machine."""

    def monotonic(self) -> float:
        """Return the same time at every call."""
        return 0.0


def client_of(address: str) -> DynamoDBClient:
    """Return a DynamoDB client that tries each request once."""
    return boto3.client(
        "dynamodb",
        endpoint_url=address,
        region_name=AWS["AWS_DEFAULT_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def limiter_of(dynamodb: DynamoDBClient, table: str, limit: int, **options: Any) -> RateLimiter:
    """Return a limiter as another worker process would have it: it shares only the table."""
    window = SharedWindow(DynamoWindowStore(dynamodb, table), 60.0, 5.0, StillClock())
    return RateLimiter(window, lambda: limit, **options)


def simulator(address: str, path: str = "", **faults: Any) -> dict[str, Any]:
    """Set faults if there are any, and return the simulator's state."""
    if faults:
        requests.post(f"{address}/_sim/faults", json=faults, timeout=60).raise_for_status()
    answer: dict[str, Any] = requests.get(f"{address}/_sim{path}", timeout=60).json()
    return answer


def test_workers_share_the_limit_through_the_table(dynamodb: DynamoDBClient, table: str) -> None:
    """A permit of one worker is not available to another, and background work counts with all."""
    one, other = (limiter_of(dynamodb, table, 10, max_wait=0) for _ in range(2))
    background, began = other.background(lambda: 2), time.monotonic()
    for _ in range(4):
        one.acquire()
        other.acquire()
    background.acquire()
    background.acquire()
    for each in (one, other, background):
        with pytest.raises(Throttled) as caught:
            each.acquire()
        assert 64 - (time.monotonic() - began) - 2 < caught.value.retry_after <= 67
    usage = limiter_of(dynamodb, table, 10).usage()
    assert (usage.used, usage.limit, usage.background_used) == (10, 10, 2)


def test_concurrent_writers_lose_no_count(dynamodb: DynamoDBClient, table: str) -> None:
    """Five workers of eight threads each, all at once: exactly as many permits as the limit."""
    workers = [limiter_of(dynamodb, table, 25, max_wait=0) for _ in range(5)]

    def acquire(number: int) -> bool:
        try:
            workers[number % 5].acquire()
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(40) as threads:
        assert sum(threads.map(acquire, range(40))) == 25
    assert workers[0].usage().used == 25


def test_a_lower_limit_of_genesys_reaches_every_worker(dynamodb: DynamoDBClient, table: str) -> None:
    """A header that one worker received limits the others from that worker's next permit on."""
    one, other = (limiter_of(dynamodb, table, 300) for _ in range(2))
    one.observe({"inin-ratelimit-allowed": "180", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "60"})
    one.acquire()
    assert other.usage().limit == 180


def test_a_missing_table_is_named(dynamodb: DynamoDBClient) -> None:
    """The error names table and variable, and no request is permitted."""
    with pytest.raises(RateLimiterUnavailable, match=r"no-such-table.*BUDGET_TABLE.*ResourceNotFound"):
        limiter_of(dynamodb, "no-such-table", 10).acquire()


def test_a_table_that_cannot_be_reached_is_an_error_of_every_thread(table: str) -> None:
    """Without DynamoDB every waiting thread gets a transient error."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        limiter = limiter_of(client_of(f"http://127.0.0.1:{silent.getsockname()[1]}"), table, 10)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(limiter.acquire) for _ in range(4)]
            assert all(isinstance(each.exception(180), RateLimiterUnavailable) for each in asked)


def test_an_unreadable_item_is_not_overwritten(dynamodb: DynamoDBClient, table: str) -> None:
    """An item that is not a window stops all requests, and the error names the remedy."""
    dynamodb.put_item(TableName=table, Item={"budgetId": {"S": "genesys"}, "grants": {"S": "what?"}})
    with pytest.raises(RateLimiterUnavailable, match="delete it"):
        limiter_of(dynamodb, table, 10).acquire()


def test_without_a_table_requests_are_counted_in_the_process(
    dynamodb: DynamoDBClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Without BUDGET_TABLE the limit holds for this process, and the log says so."""
    config = Settings(
        genesys_client_id="c",
        genesys_client_secret=SecretStr("s"),
        interaction_table="i",
        quarantine_table="q",
        budget_table="",
        budget_max_wait=0,
    )
    alone = RateLimiter.from_settings(config, lambda: 1, dynamodb)
    alone.acquire()
    with pytest.raises(Throttled):
        alone.acquire()
    assert "BUDGET_TABLE is not set" in caplog.text


def test_every_request_that_genesys_counts_was_counted_before(
    dynamodb: DynamoDBClient, table: str, genesys: str
) -> None:
    """With 5 % of 500s and of time-outs, and tokens of 2 s: nothing is lost, and every attempt has a permit.

    One permit in a hundred may be surplus: of a request that timed out before the simulator read it. The simulator
    may read others only after their time-out.
    """
    simulator(genesys, error_rate=0.05, timeout_rate=0.05, timeout_seconds=60.0, token_life=2.0, seed=7)
    limiter = limiter_of(dynamodb, table, 5000)
    config = Settings(
        genesys_client_id=CLIENT_ID,
        genesys_client_secret=SecretStr(CLIENT_SECRET),
        genesys_login_url=genesys,
        genesys_api_url=genesys,
        genesys_read_timeout=3.0,
        genesys_retry_delay=0.0,
        interaction_table="i",
        quarantine_table="q",
    )
    client = GenesysClient.from_settings(config, limiter)

    deadline = time.monotonic() + 180

    def fetch(ids: list[str]) -> set[str]:
        while time.monotonic() < deadline:  # as the task retries
            try:
                return set(client.get_conversations(ids).conversations)
            except TransientError:
                continue
        return set()

    wanted = [[str(uuid4()) for _ in range(5)] for _ in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = set().union(*threads.map(fetch, wanted))
    assert found == {name for ids in wanted for name in ids}
    state = simulator(genesys)
    assert state["requests"]["token"] >= 2
    assert state["requests"]["all"] > 200

    def surplus() -> int:
        return limiter.usage().used - int(simulator(genesys)["requests"]["all"])

    eventually(lambda: surplus() <= state["requests"]["all"] / 100, 180)
    assert surplus() >= 0


def test_two_workers_with_wrong_clocks_use_the_limit_and_never_more(
    aws: str, table: str, genesys: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes whose clocks are two minutes apart, 160 requests in 8 s (the minute, scaled) for both.

    The simulator never counts more in any 8 s, refuses none, and counts at least 90 % of what the margin of 1 s
    leaves. Counted where the machine stood still for the least time.
    """
    window, margin, limit, rounds = 8.0, 1.0, 160, 2
    simulator(genesys, rate_limit=limit, rate_window=window)
    options = {"BUDGET_WINDOW": str(window), "BUDGET_MARGIN": str(margin), "LIMIT": str(limit)}
    run_workers(aws, table, genesys, **options, REQUESTS=str((rounds * limit + 60) // 2))
    moments = sorted(simulator(genesys, "/requests")["all"])
    state = simulator(genesys)
    assert state["most_in_window"]["all"] <= limit
    assert state["given_429"] == 0
    shortest = min(later - moment for moment, later in zip(moments, moments[limit:], strict=False))
    used = (window + margin) / shortest
    with capsys.disabled():
        most = state["most_in_window"]["all"]
        print(f"\n{used:.0%} of what the margin leaves used, at most {most} in {window} s")  # noqa: T201 - a figure
    assert used >= 0.9


def test_requests_that_genesys_counts_late_never_exceed_the_limit(aws: str, table: str, genesys: str) -> None:
    """Two processes whose requests take up to 2 s until they are counted, and a second more until they are answered.

    The margin is half a second: nearly every permit is moved, and the simulator never counts too many.
    """
    simulator(genesys, rate_limit=40, rate_window=8.0, travel=[0, 2], latency=[0, 1], seed=5)
    options = {"BUDGET_WINDOW": "8", "BUDGET_MARGIN": "0.5", "LIMIT": "40", "REQUESTS": "60"}
    run_workers(aws, table, genesys, **options)
    state = simulator(genesys)
    assert state["requests"]["all"] >= 120
    assert state["most_in_window"]["all"] <= 40
    assert state["given_429"] == 0


def run_workers(aws: str, table: str, genesys: str, **options: str) -> None:
    """Let two processes, whose clocks are two minutes apart, make their requests; options are their variables."""
    environment = (
        os.environ
        | AWS
        | {
            "AWS_ENDPOINT_URL": aws,
            "GENESYS_CLIENT_ID": CLIENT_ID,
            "GENESYS_CLIENT_SECRET": CLIENT_SECRET,
            "GENESYS_LOGIN_URL": genesys,
            "GENESYS_API_URL": genesys,
            "INTERACTION_TABLE": "-",
            "QUARANTINE_TABLE": "-",
            "BUDGET_TABLE": table,
            "THREADS": "8",
        }
        | options
    )
    command = [sys.executable, "-m", "tests.support.rate_limit_process"]
    workers = [
        subprocess.Popen(command, cwd=ROOT, env=environment | {"SKEW": skew}, text=True)  # noqa: S603 - ours
        for skew in ("-60", "60")
    ]
    try:
        assert [worker.wait(180) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            stop(worker)
