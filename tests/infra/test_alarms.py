"""Alarms fire: each reaches ALARM because its fault happens, and is OK again when it is over.

The bridge runs in the emulator as it is deployed, and writes its real lines; a sandbox aid makes metrics of them, and
the emulator's own evaluation decides. Periods are 2 and 12 s here instead of minutes. AWS has not seen it.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from flows.reports.health import add_look
from infra.stack.deploy import deploy
from tasks.operations.health import HealthLook, Objectives
from tasks.operations.health_table import HealthTable
from tasks.values import iso
from tests.support.bridge_messages import customer_end
from tests.support.fake_prefect import FakePrefect
from tests.support.stack import CUSTOMER_END, SOURCE, eventually

SECONDS = 180
POLL = 0.5  # seconds between two looks at an alarm, each of which invokes the bridge
SHORTENED = 5  # the template's shortest periods are 10 and 60 s: here a fifth of that
KEY = "a-key-of-prefect"


@dataclass
class Stand:
    """The stack in the emulator, with the real bridge in front of a fake Prefect."""

    session: Any
    prefect: FakePrefect
    outputs: dict[str, str]
    secret: str

    def client(self, service: str) -> Any:
        """Return a client of the emulator."""
        return self.session.client(service)

    def watch(self) -> dict[str, Any]:
        """Invoke the bridge as its schedule does; return the figures."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs["BridgeFunctionName"], Payload=b'{"watch": true}'
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    def put(self, number: int) -> None:
        """Put an event on the bus, as the integration does."""
        detail = customer_end(number)["detail"]
        entry = {
            "EventBusName": self.outputs["EventBusName"],
            "Source": SOURCE,
            "DetailType": CUSTOMER_END,
            "Detail": json.dumps(detail),
        }
        assert self.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def alarm(self, name: str) -> str:
        """Return the state of an alarm."""
        found = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        (state,) = [each["StateValue"] for each in found if f"-{name}-" in each["AlarmName"]]
        return str(state)

    def becomes(self, name: str, state: str) -> None:
        """Watch until the alarm has this state."""

        def holds() -> bool:
            self.watch()
            return self.alarm(name) == state

        eventually(holds, SECONDS, POLL)


@pytest.fixture(scope="module")
def deployed(emulator: str) -> Iterator[Stand]:
    """Return the stand of all these tests; Prefect is reachable, one worker is online, no event has come."""
    urllib.request.urlopen(f"{emulator}/_ministack/reset", data=b"", timeout=60).close()  # noqa: S310
    with pytest.MonkeyPatch.context() as patch, FakePrefect(authorization=f"Bearer {KEY}").serving() as fake:
        patch.setenv("AWS_ENDPOINT_URL", emulator)
        aws = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        secret = aws.client("secretsmanager").create_secret(Name="interactions-prefect", SecretString=KEY)
        wanted: dict[str, Any] = {
            "BusMode": "own",
            "BusName": "genesys",
            "EventSources": [SOURCE],
            "SettleSeconds": 0,
            "VisibilitySeconds": 5,
            "BatchWindowSeconds": 0,
            "BatchSize": 10,
            "BridgeTimeoutSeconds": 5,
            "PrefectApiUrl": fake.url,
            "PrefectSecretArn": secret["ARN"],
            "AlarmSeconds": 10,
            "QuietSeconds": 60,
            "BacklogMessages": 1,
            "WantedWorkers": 2,
            "MaxWaitingRuns": 5,
        }
        outputs = deploy("interactions", wanted, session=aws, poll=0.05)
        shorten_periods(aws.client("cloudwatch"))
        yield Stand(aws, fake, outputs, secret["ARN"])


def shorten_periods(cloudwatch: Any) -> None:
    """Put each alarm again with a shorter period, and all else as the template has it."""
    keys = ["AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "EvaluationPeriods"]
    keys += ["DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"]
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        same = {key: alarm[key] for key in keys if key in alarm}
        cloudwatch.put_metric_alarm(**same, Period=alarm["Period"] // SHORTENED)


@pytest.fixture
def stand(deployed: Stand) -> Iterator[Stand]:
    """Return the stand, whose faults end with each test."""
    yield deployed
    restore(deployed)


def restore(stand: Stand) -> None:
    """End every fault of Prefect and its key."""
    stand.prefect.authorization = f"Bearer {KEY}"
    stand.prefect.deployments = {"process-interactions/live": "5b1e0e0a-1111-4222-8333-944445555666"}
    stand.prefect.count_status, stand.prefect.waiting = 200, 0
    stand.prefect.faults.clear()
    stand.prefect.poison = {}
    stand.client("secretsmanager").put_secret_value(SecretId=stand.secret, SecretString=KEY)


def down(stand: Stand) -> None:
    """Prefect answers, and cannot work."""
    stand.prefect.count_status = 503


def revoked(stand: Stand) -> None:
    """The key is no longer valid."""
    stand.prefect.authorization = "Bearer another"


def undeployed(stand: Stand) -> None:
    """The deployment is gone."""
    stand.prefect.deployments = {}


def congested(stand: Stand) -> None:
    """Nobody works on the runs."""
    stand.prefect.waiting = 1000


def unreadable(stand: Stand) -> None:
    """The key has been refused, and the secret does not hold one any more."""
    stand.prefect.authorization = "Bearer another"
    stand.client("secretsmanager").put_secret_value(SecretId=stand.secret, SecretString="{")


def test_no_event_comes(stand: Stand) -> None:
    """Silence raises the alarm, because the watch writes a zero each time; one event ends it."""
    stand.becomes("NoEventsAlarm", "ALARM")
    stand.put(1)
    eventually(lambda: stand.alarm("NoEventsAlarm") == "OK", SECONDS)


@pytest.mark.parametrize("fault", [down, revoked, undeployed, congested, unreadable])
def test_the_bridge_accepts_nothing(stand: Stand, fault: Callable[[Stand], None]) -> None:
    """Whatever keeps the bridge from accepting events raises its alarm; an event that is accepted ends it."""
    before = len(stand.prefect.texts)
    stand.put(1)
    eventually(lambda: stand.alarm("BridgeStalledAlarm") == "OK", SECONDS)
    eventually(lambda: len(stand.prefect.texts) == before + 1, SECONDS)

    fault(stand)
    stand.put(2)
    stand.becomes("BridgeStalledAlarm", "ALARM")
    assert len(stand.prefect.texts) == before + 1

    restore(stand)
    stand.becomes("BridgeStalledAlarm", "OK")
    eventually(lambda: len(stand.prefect.texts) == before + 2, SECONDS)


def test_creation_fails_although_everything_else_answers(stand: Stand) -> None:
    """A full disk of Prefect lets it count and refuse each run: deliveries alone raise the alarm."""
    stand.put(1)
    eventually(lambda: stand.alarm("BridgeStalledAlarm") == "OK", SECONDS)
    stand.prefect.faults.extend([502] * 10_000)
    stand.put(2)
    stand.becomes("BridgeStalledAlarm", "ALARM")

    stand.prefect.faults.clear()
    stand.becomes("BridgeStalledAlarm", "OK")


def test_the_backlog_counts_what_is_in_delivery(stand: Stand) -> None:
    """Messages that come back again and again are one figure with those that nobody has received yet."""
    stand.becomes("BacklogAlarm", "OK")
    down(stand)
    for number in range(4):
        stand.put(number)
    stand.becomes("BacklogAlarm", "ALARM")

    restore(stand)
    stand.becomes("BacklogAlarm", "OK")


def test_fewer_workers_than_wanted(stand: Stand) -> None:
    """Two are wanted, and one is online."""
    stand.becomes("WorkersAlarm", "ALARM")
    stand.prefect.workers = 2
    stand.becomes("WorkersAlarm", "OK")
    stand.prefect.workers = 0
    stand.becomes("WorkersAlarm", "ALARM")


def test_dead_letters(stand: Stand) -> None:
    """An event that Prefect refuses is a dead letter, and raises the alarm until the queue is empty."""
    stand.becomes("DeadLettersAlarm", "OK")
    poison = customer_end(7)["detail"]["eventBody"]["conversationId"]
    stand.prefect.poison = {poison: 409}
    stand.put(7)
    stand.becomes("DeadLettersAlarm", "ALARM")

    stand.client("sqs").purge_queue(QueueUrl=stand.outputs["DeadLetterQueueUrl"])
    stand.becomes("DeadLettersAlarm", "OK")


def test_the_budget_is_exhausted(stand: Stand) -> None:
    """All requests of the last minute are used: what the workers' shared window says against Prefect's limit."""
    stand.becomes("BudgetAlarm", "OK")
    grants = [[round((time.time() + 50) * 1000), 300, 0]]
    item = {
        "budgetId": {"S": "genesys"},
        "revision": {"N": "1"},
        "grants": {"S": json.dumps(grants)},
    }
    stand.client("dynamodb").put_item(TableName=stand.outputs["BudgetTableName"], Item=item)
    stand.becomes("BudgetAlarm", "ALARM")

    stand.prefect.request_limit = 3000
    stand.becomes("BudgetAlarm", "OK")


def test_rows_are_missing(stand: Stand) -> None:
    """A reconcile finds a conversation of hours ago without a row; the next one finds it, and a third never comes."""
    table = HealthTable(stand.client("dynamodb"), stand.outputs["BudgetTableName"])
    objectives, now = Objectives(99.9, 7200, 180), datetime.now(UTC)

    def reconcile(*, row: bool, at: datetime = now) -> None:
        look = HealthLook(at)
        count = look.hours[iso(at)]["voice"]
        count.update(listed=1, due=1, present=int(row), missing=int(not row), late=int(not row))
        add_look(table, look, objectives, at)

    reconcile(row=True)
    stand.becomes("CompletenessAlarm", "OK")
    reconcile(row=False)
    stand.becomes("CompletenessAlarm", "ALARM")
    reconcile(row=True)
    stand.becomes("CompletenessAlarm", "OK")
    reconcile(row=True, at=now - timedelta(hours=4))
    stand.becomes("CompletenessAlarm", "ALARM")


def test_the_schedule_invokes_the_bridge(stand: Stand) -> None:
    """The rule of the stack makes the bridge watch, and its line holds no id."""
    logs = stand.client("logs")

    def lines() -> list[dict[str, Any]]:
        found = logs.filter_log_events(logGroupName=stand.outputs["BridgeLogGroupName"])["events"]
        return [json.loads(each["message"]) for each in found if '"watched"' in each["message"]]

    (first, *_) = eventually(lines, SECONDS)
    assert first["stack"] == "interactions"
    assert {"backlog": 0, "deadLetters": 0, "workers": 1, "waitingRuns": 0}.items() <= first.items()
