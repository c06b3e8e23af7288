"""The bridge's buffer and the dead-letter queue, by SQS's own counts; no message is received."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from deployments.status.finding import Finding, SourceStatus, counted, duration
from deployments.status.settings import StatusThresholds
from infra.dead_letters import QUEUE_COUNTS, queue_depth

_METRIC = "ApproximateAgeOfOldestMessage"
_LOOK_BACK = timedelta(minutes=10)


class Buffer(NamedTuple):
    """How many messages are ready, held back and being delivered, and the oldest one's age in seconds if known."""

    ready: int
    delayed: int
    in_flight: int
    oldest: float | None

    @property
    def depth(self) -> int:
        """All of its messages."""
        return self.ready + self.delayed + self.in_flight


def buffer(aws: Any, url: str, thresholds: StatusThresholds, now: datetime) -> SourceStatus:
    """Return the buffer's depth and age. Raises botocore's errors."""
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(QUEUE_COUNTS))
    ready, delayed, in_flight = (int(found["Attributes"][name]) for name in QUEUE_COUNTS)
    oldest = _oldest(aws, url.rsplit("/", 1)[-1], now) if ready + delayed + in_flight else 0.0
    return judge_buffer(Buffer(ready, delayed, in_flight, oldest), thresholds, now)


def _oldest(aws: Any, queue: str, now: datetime) -> float | None:
    """Return the age of the oldest message in seconds, as CloudWatch last had it; None if it does not say."""
    try:
        points = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=_METRIC,
            Dimensions=[{"Name": "QueueName", "Value": queue}],
            StartTime=now - _LOOK_BACK,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
    except (BotoCoreError, ClientError):
        return None
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    return float(latest["Maximum"]) if latest else None


def judge_buffer(found: Buffer, thresholds: StatusThresholds, now: datetime) -> SourceStatus:
    """Return the depth; a finding when it is too deep, or holds a message for too long."""
    age = "age not known" if found.oldest is None else f"oldest {duration(found.oldest)}"
    line = f"{counted(found.depth, 'message')}, {found.in_flight:,} of them in delivery; {age}"
    status = SourceStatus("buffer", [line if found.depth else "empty"])
    since = _since(found.oldest, now) if found.depth else None
    status.data = {**found._asdict(), "depth": found.depth, "since": since}
    too_old = found.oldest is not None and found.oldest > thresholds.status_oldest_message
    if too_old or found.depth > thresholds.status_messages:
        text = f"{counted(found.depth, 'message')} wait in the buffer; {age}"
        step = "the bridge's log says why it stops; `interactions outputs` names it"
        status.findings.append(Finding("buffer-grows", text, step, found.depth, since))
    return status


def dead_letters(aws: Any, url: str, now: datetime) -> SourceStatus:
    """Return how many dead letters there are, and since when. Raises botocore's errors."""
    count = queue_depth(aws.client("sqs"), url)
    return judge_dead_letters(count, _oldest(aws, url.rsplit("/", 1)[-1], now) if count else None, now)


def judge_dead_letters(count: int, oldest: float | None, now: datetime) -> SourceStatus:
    """Return the count; a finding when there is any. `redrive` knows since when in any case, by receiving them."""
    status = SourceStatus("dead letters", [counted(count, "message") if count else "none"])
    status.data = {"depth": count, "oldest": oldest}
    if count:
        text = f"{counted(count, 'dead letter')}"
        step = "`interactions redrive` says why and since when, then asks"
        status.findings.append(Finding("dead-letters", text, step, count, _since(oldest, now)))
    return status


def _since(oldest: float | None, now: datetime) -> datetime | None:
    return None if oldest is None else now - timedelta(seconds=oldest)
