"""The bridge's figures: which metrics a line declares, and what it looks at once a minute."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from api_key import Credentials
from configuration import configuration
from connection import Connection
from figures import delivery_figures, metric_line, oldest_seconds
from prefect_api import PrefectApi
from watch import Watch

from tests.support.bridge import Bridge
from tests.support.bridge_messages import messages
from tests.support.fake_prefect import FakePrefect


def look(prefect: FakePrefect, **changes: str) -> tuple[dict[str, float], dict[str, Any] | None]:
    """Return what a watch sees in front of the fake."""
    settings = configuration({"PREFECT_API_URL": prefect.url, **changes})
    connection = Connection(settings.prefect_api_url)
    api = PrefectApi(connection, Credentials(None), deployment_name=settings.deployment_name, timeout=25)
    sqs, dynamodb = boto3.client("sqs"), boto3.client("dynamodb")
    try:
        return Watch(api, sqs, dynamodb, settings).look(lambda: 100.0)
    finally:
        for each in (connection, sqs, dynamodb):
            each.close()


def test_a_line_declares_exactly_its_figures() -> None:
    """Every declared metric has a number at the top of the line, by stack alone; a stop has its code as well."""
    line = metric_line({"message": "batch delivered"}, {"received": 3, "durationMs": 5}, "blue", "outage")

    by_stack, by_code = line["_aws"]["CloudWatchMetrics"]
    assert by_stack["Dimensions"] == [["stack"]]
    assert by_code["Dimensions"] == [["stack", "code"]]
    assert by_stack["Metrics"] == [
        {"Name": "received", "Unit": "Count"},
        {"Name": "durationMs", "Unit": "Milliseconds"},
    ]
    assert [line[each] for each in ("stack", "code", "received", "durationMs", "stops")] == [
        *("blue", "outage", 3, 5, 1)
    ]
    assert len(metric_line({}, {"received": 3}, "blue", None)["_aws"]["CloudWatchMetrics"]) == 1


@pytest.mark.parametrize(
    ("fault", "stalled"), [(None, 0), (502, 1), (422, 0)], ids=["accepted", "returned", "dead-lettered"]
)
def test_only_a_delivery_without_any_effect_is_stalled(
    bridge: Bridge, prefect: FakePrefect, fault: int | None, stalled: int
) -> None:
    """A message that is accepted or dead-lettered has left the buffer."""
    prefect.faults.append(fault)
    assert delivery_figures(bridge.deliver(messages(1)), None, 1)["stalled"] == stalled


def test_nothing_received_is_neither() -> None:
    """A delivery of nothing is not stalled, and what it does not know it does not say."""
    from delivery import Report  # noqa: PLC0415

    figures = delivery_figures(Report(0), None, 1.4)
    assert figures["stalled"] == 0
    assert not {"waitingRuns", "oldestSeconds"} & set(figures)


def test_the_age_is_that_of_the_oldest_message() -> None:
    """SQS says when each message was sent; a record without it, or with nonsense, is passed over."""
    now = time.time()
    sent = [{"attributes": {"SentTimestamp": str(round((now - age) * 1000))}} for age in (5, 300)]
    assert oldest_seconds([*sent, {}, {"attributes": {"SentTimestamp": "?"}}]) == pytest.approx(300, abs=60)
    assert oldest_seconds([{}]) is None


@pytest.mark.usefixtures("aws_environment")
def test_a_watch_goes_on_whatever_cannot_be_read(prefect: FakePrefect) -> None:
    """Queues that do not exist cost their own figures only."""
    here = "http://127.0.0.1:1/000000000000/none"
    figures, stopped = look(prefect, BUFFER_QUEUE_URL=here, DEAD_LETTER_QUEUE_URL=here, BUDGET_TABLE="none")
    assert stopped is None
    assert figures == {"received": 0, "workers": 1, "waitingRuns": 0}


@pytest.mark.usefixtures("aws_environment")
def test_a_watch_says_why_nothing_can_be_accepted(prefect: FakePrefect) -> None:
    """The codes are the delivery's; a watch that finds nothing wrong leaves `stalled` to the deliveries."""
    assert "stalled" not in look(prefect)[0]
    prefect.waiting = 51
    assert look(prefect)[1] == {"code": "too-many-waiting-runs", "status": None}
    prefect.deployments = {}
    figures, stopped = look(prefect)
    assert figures["stalled"] == 1
    assert cast("dict[str, Any]", stopped)["code"] == "deployment-not-found"


@pytest.mark.usefixtures("aws_environment")
def test_the_budget_is_what_the_workers_window_holds(prefect: FakePrefect) -> None:
    """The item that `DynamoWindowStore` writes is read here: requests of the last minute, whatever is older."""
    from tasks.genesys.rate_limit.store import DynamoWindowStore  # noqa: PLC0415
    from tasks.genesys.rate_limit.window import RateWindow  # noqa: PLC0415

    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="budget-of-figures",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "budgetId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "budgetId", "KeyType": "HASH"}],
    )
    try:
        now = time.time()
        window = RateWindow(61).add(40, now - 4000, background=False).add(150, now + 61, background=False)
        store = DynamoWindowStore(dynamodb, "budget-of-figures")
        assert store.compare_and_set(replace(window, revision=1)).written
        assert look(prefect, BUDGET_TABLE="budget-of-figures")[0]["budgetPercent"] == 50
    finally:
        dynamodb.delete_table(TableName="budget-of-figures")
        dynamodb.close()
