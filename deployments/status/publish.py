"""Publish's lag: the oldest conversation that is staged and in no table yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from deployments.status.finding import Finding, SourceStatus, age, counted
from tasks.stores import StagingBucket

MAX_OBJECTS = 1_000
"""Staged objects that are counted: one page of S3's listing."""


def read(bucket: StagingBucket, allowed: float, now: datetime, *, published: bool) -> SourceStatus:
    """Return how many objects are staged and since when; publish deletes what it has published.

    Raises StoreUnavailable.
    """
    staged = [each.modified for each in islice(bucket.list(), MAX_OBJECTS)]
    return judge(staged, allowed, now, published=published)


def judge(staged: Sequence[datetime], allowed: float, now: datetime, *, published: bool) -> SourceStatus:
    """Return the lag; a finding where it is longer than `allowed` seconds and somebody should have published."""
    oldest = min(staged, default=None)
    count = counted(len(staged), "object", at_least=len(staged) == MAX_OBJECTS)
    status = SourceStatus("publish", data={"staged": len(staged), "oldest": oldest, "published": published})
    status.lines = [f"{count} staged, oldest {age(oldest, now)}" if oldest else "nothing staged"]
    if not published:
        status.lines.append("analytics are off: ANALYTICS_DATABASE is not set")
    elif oldest and now - oldest > timedelta(seconds=allowed):
        text = f"{count} staged and in no table yet"
        step = "`prefect deployment run 'publish-interactions/publish'`"
        status.findings.append(Finding("publish-late", text, step, len(staged), oldest))
    return status
