"""The workers' policy is what the workers do: every call of theirs is allowed, and what is allowed is called."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.sandbox import servers
from tests.infra.permissions import Needed, allowed, matching, needed
from tests.integration.operations import erase, second_pass, start
from tests.integration.sandbox import Driver

RECORDING = Path(__file__).parent / "recording"
# What is allowed and not seen here, each for its reason.
UNSEEN = {
    (
        "s3:DeleteObjectVersion",
        "ConversationBucket",
    ): "a bucket that somebody made versioned: erasing must reach it",
    ("s3:ListBucketVersions", "ConversationBucket"): "the same",
    ("kms:Decrypt", "KmsKeyArn"): "only with a customer's key, and AWS's services do it in the worker's name",
    ("kms:GenerateDataKey", "KmsKeyArn"): "the same",
}


@pytest.fixture
def recorded(driver: Driver, tmp_path: Path) -> Iterator[Path]:
    """The file into which the sandbox's one worker writes its calls to AWS, from its start on."""
    sandbox = driver.sandbox
    sandbox.children.pop("worker 1").stop()
    file = tmp_path / "calls"
    path = f"{RECORDING}:{servers.ROOT}"
    worker = sandbox.start_worker(
        30,
        PYTHONPATH=path,
        RECORD_AWS=str(file),
        SETTLE_PATIENCE="4",
        DEAD_LETTER_QUEUE_URL=driver.addresses.dead_letter_queue_url,
    )
    try:
        yield file
    finally:
        sandbox.children.pop(worker.name).stop()
        sandbox.start_worker(1)


def names(driver: Driver) -> dict[str, str]:
    """The template's names of what the workers are told."""
    at = driver.addresses
    return {
        at.interaction_table: "InteractionTable",
        at.quarantine_table: "QuarantineTable",
        at.budget_table: "BudgetTable",
        at.conversation_bucket: "ConversationBucket",
        at.dead_letter_queue_url: "DeadLetters",
    }


def live_through_everything(driver: Driver) -> None:
    """Save, save again, defer, reject, fail, replay, reconcile and erase."""
    ids = [driver.end() for _ in range(3)]
    for id_ in ids:
        driver.until(lambda id_=id_: driver.settled(id_))  # type: ignore[misc]
    unknown, refused = str(uuid.uuid4()), str(uuid.uuid4())
    driver.simulator("faults", unknown_ids=[unknown], reject_ids=[refused])
    driver.end(ids[0])
    driver.end(unknown)
    driver.end(refused)
    driver.end(mediaType=True)
    for id_ in (unknown, refused):
        driver.until(lambda id_=id_: driver.quarantined(interactionId=id_, reason="failed"), 120)  # type: ignore[misc]
    driver.simulator("reset", only=["faults"])
    replays: list[dict[str, Any]] = [
        {"interaction_ids": [ids[0], refused]},
        {"quarantined": "all"},
        {"interaction_ids": ids, "dry_run": True},
    ]
    for parameters in replays:
        driver.finished(start(driver, "replay-interactions/replay", **parameters))
    driver.finished(start(driver, "reconcile-interactions/reconcile"), 120)
    receipt = erase(driver, interaction_ids=[ids[1]], dry_run=False)
    erase(driver, interaction_ids=[ids[2]])
    second_pass(driver, receipt["id"])


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_workers_do_what_they_may_and_may_what_they_do(driver: Driver, recorded: Path) -> None:
    """Action and resource of each call, indexes included, are in the policy; nothing else is, but for a reason."""
    live_through_everything(driver)
    calls = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert len(calls) > 50
    pairs: set[Needed] = set().union(*(needed(call, names(driver)) for call in calls))
    policy = allowed("WorkerPolicy")
    assert sorted(pair for pair in pairs if not matching(pair, policy)) == []
    used = set().union(*(matching(pair, policy) for pair in pairs))
    unused = {each for each in policy - used if (each.action, each.resource.split("/")[0]) not in UNSEEN}
    assert sorted(unused) == []
