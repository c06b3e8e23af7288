"""The workers' two policies allow every AWS call that they make, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deployments.sandbox import servers
from tests.support.events import oversize_event
from tests.support.permissions import Needed, allowed, matching, needed
from tests.support.prefect_runs import (
    PUBLISH,
    RECONCILE,
    REFRESH,
    REPLAY,
    erase,
    follow_up_erasure,
    start_run,
)
from tests.support.sandbox import SandboxDriver, replaced_worker
from tests.support.stored import put_former_object, staged_conversation

RECORDING = Path(__file__).parents[2] / "support" / "recording"
# What the policy allows and the test does not call, with the reason.
UNSEEN = {
    (
        "s3:DeleteObjectVersion",
        "ConversationBucket",
    ): "in a bucket with versioning an erasure deletes all versions",
    ("s3:ListBucketVersions", "ConversationBucket"): "the same",
    ("kms:Decrypt", "KmsKeyArn"): "only with a customer-managed key; AWS's services call it for the worker",
    ("kms:GenerateDataKey", "KmsKeyArn"): "the same",
}


@pytest.fixture
def recorded(driver: SandboxDriver, tmp_path: Path) -> Iterator[Path]:
    """Return the file into which the sandbox's one worker writes its AWS calls, from its start on."""
    file = tmp_path / "calls"
    environment = {
        "PYTHONPATH": f"{RECORDING}:{servers.ROOT}",
        "RECORD_AWS": str(file),
        "DEFERRAL_LIMIT": "4",
        "DEAD_LETTER_QUEUE_URL": driver.addresses.dead_letter_queue_url,
    }
    with replaced_worker(driver.sandbox, **environment):
        yield file


def names(driver: SandboxDriver) -> dict[str, str]:
    """Return the template's logical ids by the physical names that the workers use."""
    at = driver.addresses
    return {
        at.interaction_table: "InteractionTable",
        at.quarantine_table: "QuarantineTable",
        at.budget_table: "BudgetTable",
        at.directory_table: "DirectoryTable",
        at.conversation_bucket: "ConversationBucket",
        at.analytics_database: "AnalyticsDatabase",
        at.dead_letter_queue_url: "DeadLetters",
    }


def make_former(driver: SandboxDriver, interaction_id: str) -> None:
    """Turn what is stored of an interaction into what a release before 0.2 stored: a version, an object of its own."""
    row, at = driver.stored_row(interaction_id), driver.addresses
    whole = staged_conversation(driver, row)
    put_former_object(driver.sandbox.client("s3"), at.conversation_bucket, interaction_id, whole)
    driver.sandbox.client("dynamodb").update_item(
        TableName=at.interaction_table,
        Key={"interactionId": {"S": interaction_id}},
        UpdateExpression="SET version = :former",
        ExpressionAttributeValues={":former": {"S": "1|2026-01-15T10:00:00.000Z"}},
    )


def do_everything(driver: SandboxDriver) -> None:
    """Save, save again, defer, reject, fail, replay, reconcile, refresh names, publish, rebuild and erase."""
    ids = [driver.end() for _ in range(3)]
    for id_ in ids:
        driver.until_settled(id_)
    make_former(driver, ids[0])
    make_former(driver, ids[1])
    unknown, refused = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[unknown], reject_ids=[refused])
    driver.end(ids[0])
    driver.end(unknown)
    driver.end(refused)
    driver.create_run([oversize_event(str(uuid.uuid4()))])
    for id_ in (unknown, refused):
        driver.until(partial(driver.quarantined, interactionId=id_, reason="failed"))
    driver.simulator("reset", only=["faults"])
    replays: list[dict[str, Any]] = [
        {"interaction_ids": [ids[0], refused]},
        {"quarantined": "all"},
        {"rebuild": True},
        {"interaction_ids": ids, "dry_run": True},
    ]
    for parameters in replays:
        driver.finished(start_run(driver, REPLAY, **parameters))
    driver.finished(start_run(driver, RECONCILE, unsettled="all"))
    driver.finished(start_run(driver, REFRESH))
    driver.finished(start_run(driver, PUBLISH))
    driver.finished(start_run(driver, PUBLISH, start=datetime.now(UTC).date().isoformat()))
    receipt = erase(driver, interaction_ids=[ids[1]], dry_run=False)
    erase(driver, interaction_ids=[ids[2]])
    follow_up_erasure(driver, receipt["id"])


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_policy_is_exactly_what_the_workers_call(driver: SandboxDriver, recorded: Path) -> None:
    """Action and resource of each call, indexes included, are in the policy; only UNSEEN is besides."""
    do_everything(driver)
    written, _, _ = recorded.read_text().rpartition("\n")  # the last line may not be complete
    calls = [json.loads(line) for line in written.splitlines()]
    assert len(calls) > 50
    pairs: set[Needed] = set().union(*(needed(call, names(driver)) for call in calls))
    policy = allowed("WorkerPolicy") | allowed("PublishPolicy")
    assert sorted(pair for pair in pairs if not matching(pair, policy)) == []
    used = set().union(*(matching(pair, policy) for pair in pairs))
    unused = {each for each in policy - used if (each.action, each.resource.split("/")[0]) not in UNSEEN}
    assert sorted(unused) == []
