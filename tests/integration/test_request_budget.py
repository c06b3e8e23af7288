"""One budget for all workers, on the embedded AWS and the Genesys simulator, with real processes."""

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

from deployments.sandbox.genesys.process import running, stop
from deployments.sandbox.genesys.tokens import CLIENT_ID, CLIENT_SECRET
from tasks.errors import TransientError
from tasks.genesys import BudgetUnavailable, DynamoLedger, GenesysClient, SharedBudget, Tally, Throttled
from tasks.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[2]
AWS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of an emulator of this module's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "GATEWAY_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_ministack/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture
def dynamodb(aws: str) -> DynamoDBClient:
    """A client of the emulator."""
    return client_of(aws)


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> str:
    """A budget table of the test's own."""
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
    """The address of a simulator of the test's own."""
    with running() as address:
        yield address


def client_of(address: str) -> DynamoDBClient:
    """Return a DynamoDB client that gives up soon."""
    return boto3.client(
        "dynamodb",
        endpoint_url=address,
        region_name=AWS["AWS_DEFAULT_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
    )


def wait_for(url: str, seconds: float = 60.0) -> None:
    """Poll until something answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def budget(dynamodb: DynamoDBClient, table: str, allowance: int, **options: Any) -> SharedBudget:
    """Return a budget as another worker process would have it: nothing but the table is shared."""
    return SharedBudget(Tally(DynamoLedger(dynamodb, table), 65.0), lambda: allowance, **options)


def simulator(address: str, path: str = "", **faults: Any) -> dict[str, Any]:
    """Set faults if there are any, and return what the simulator tells."""
    if faults:
        requests.post(f"{address}/_sim/faults", json=faults, timeout=10).raise_for_status()
    answer: dict[str, Any] = requests.get(f"{address}/_sim{path}", timeout=10).json()
    return answer


def test_workers_share_the_budget_through_the_table(dynamodb: DynamoDBClient, table: str) -> None:
    """What one worker took, another cannot take, and background work counts with all."""
    one, other = (budget(dynamodb, table, 10, max_wait=0) for _ in range(2))
    background = other.background(lambda: 2)
    for _ in range(4):
        one.acquire()
        other.acquire()
    background.acquire()
    background.acquire()
    for each in (one, other, background):
        with pytest.raises(Throttled) as caught:
            each.acquire()
        assert 55 < caught.value.retry_after <= 67
    usage = budget(dynamodb, table, 10).usage()
    assert (usage.used, usage.allowance, usage.background_used) == (10, 10, 2)


def test_writers_at_the_same_time_lose_no_count(dynamodb: DynamoDBClient, table: str) -> None:
    """Five workers of eight threads each, all at once: exactly as many turns as are allowed."""
    workers = [budget(dynamodb, table, 25, max_wait=0) for _ in range(5)]

    def turn(number: int) -> bool:
        try:
            workers[number % 5].acquire()
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(40) as threads:
        assert sum(threads.map(turn, range(40))) == 25
    assert workers[0].usage().used == 25


def test_a_lower_limit_of_genesys_reaches_every_worker(dynamodb: DynamoDBClient, table: str) -> None:
    """A header that one worker saw limits the others with that worker's next turn."""
    one, other = (budget(dynamodb, table, 300) for _ in range(2))
    one.observe({"inin-ratelimit-allowed": "180", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "60"})
    one.acquire()
    assert other.usage().allowance == 180


def test_a_table_that_is_not_there_is_named(dynamodb: DynamoDBClient) -> None:
    """The error names table and variable, is transient, and no request goes out uncounted."""
    with pytest.raises(BudgetUnavailable, match=r"no-such-table.*BUDGET_TABLE.*ResourceNotFound"):
        budget(dynamodb, "no-such-table", 10).acquire()


def test_a_table_that_does_not_answer_is_an_error_in_seconds(table: str) -> None:
    """DynamoDB down is a transient error for all who wait, soon."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        requests = budget(client_of(f"http://127.0.0.1:{nobody.getsockname()[1]}"), table, 10)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(requests.acquire) for _ in range(4)]
            assert all(isinstance(each.exception(20), BudgetUnavailable) for each in asked)


def test_an_item_that_is_something_else_is_not_overwritten(dynamodb: DynamoDBClient, table: str) -> None:
    """A row that cannot be read as a budget stops everything, and the error says what to do."""
    dynamodb.put_item(TableName=table, Item={"budgetId": {"S": "genesys"}, "grants": {"S": "what?"}})
    with pytest.raises(BudgetUnavailable, match="delete it"):
        budget(dynamodb, table, 10).acquire()


def test_without_a_table_the_budget_is_the_processs_own(caplog: pytest.LogCaptureFixture) -> None:
    """No BUDGET_TABLE: the same limits for this process, and a line in the log that says so."""
    chosen = Settings(
        genesys_client_id="c",
        genesys_client_secret=SecretStr("s"),
        interaction_table="i",
        quarantine_table="q",
        budget_table="",
        budget_max_wait=0,
    )
    alone = SharedBudget.from_settings(chosen, lambda: 1)
    alone.acquire()
    with pytest.raises(Throttled):
        alone.acquire()
    assert "BUDGET_TABLE is not set" in caplog.text


def test_every_request_that_genesys_counts_was_counted_before(
    dynamodb: DynamoDBClient, table: str, genesys: str
) -> None:
    """With 5 % of 500s and of time-outs, and tokens of 2 s: nothing is lost, no try escapes the budget.

    The budget may have counted one in a hundred more: a request that was given up before the other side read
    it, or a grant that took too long to write on a busy machine and was left unused.
    """
    simulator(genesys, error_rate=0.05, timeout_rate=0.05, timeout_seconds=1.0, token_life=2.0, seed=7)
    turns = budget(dynamodb, table, 5000)
    chosen = Settings(
        genesys_client_id=CLIENT_ID,
        genesys_client_secret=SecretStr(CLIENT_SECRET),
        genesys_login_url=genesys,
        genesys_api_url=genesys,
        genesys_read_timeout=0.5,
        genesys_retry_delay=0.0,
        interaction_table="i",
        quarantine_table="q",
    )
    client = GenesysClient.from_settings(chosen, turns)

    def fetch(ids: list[str]) -> set[str]:
        for _ in range(10):  # the task's retries
            try:
                return set(client.get_conversations(ids).conversations)
            except TransientError:
                continue
        return set()

    wanted = [[str(uuid4()) for _ in range(5)] for _ in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = set().union(*threads.map(fetch, wanted))
    assert found == {name for ids in wanted for name in ids}
    told = simulator(genesys)
    assert told["requests"]["token"] >= 2
    assert told["requests"]["all"] > 200
    surplus = turns.usage().used - told["requests"]["all"]
    assert 0 <= surplus <= told["requests"]["all"] / 100


def test_two_workers_with_wrong_clocks_use_the_allowance_and_never_more(
    aws: str, table: str, genesys: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes whose clocks are two minutes apart, 160 requests in 8 s (the minute, scaled) for both.

    The simulator never counts more in any 8 s, refuses none, and sees at least 80 % of them, sustained.
    """
    window, allowance, rounds = 8.0, 160, 2
    simulator(genesys, rate_limit=allowance, rate_window=window)
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
            "BUDGET_WINDOW": str(window),
            "BUDGET_MARGIN": "1",
            "ALLOWANCE": str(allowance),
            "REQUESTS": str((rounds * allowance + 60) // 2),
            "THREADS": "8",
        }
    )
    command = [sys.executable, "-m", "tests.integration.budget_worker"]
    workers = [
        subprocess.Popen(command, cwd=ROOT, env=environment | {"SKEW": skew}, text=True)  # noqa: S603 - ours
        for skew in ("-60", "60")
    ]
    try:
        assert [worker.wait(120) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            stop(worker)
    moments = sorted(simulator(genesys, "/requests")["all"])
    told = simulator(genesys)
    assert told["most_in_window"]["all"] <= allowance
    assert told["given_429"] == 0
    sustained = rounds * allowance / (moments[rounds * allowance] - moments[0])
    used = sustained / (allowance / window)
    with capsys.disabled():
        print(f"\n{used:.0%} of the allowance used, at most {told['most_in_window']['all']} in {window} s")  # noqa: T201 - a figure
    assert used >= 0.8
