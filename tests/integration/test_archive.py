"""The whole conversation in S3: what is written, when, and what happens when it cannot be."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from typing import Any

from tests.integration.sandbox import Driver
from tests.integration.test_pipeline import archived, event_text
from tests.integration.test_settling import awaits


def stored(driver: Driver, interaction_id: str) -> tuple[str, bytes]:
    """The key and the body of an interaction's one object."""
    (key,) = driver.until(lambda: archived(driver, interaction_id))
    answer = driver.sandbox.client("s3").get_object(Bucket=driver.addresses.conversation_bucket, Key=key)
    return key, answer["Body"].read()


def saved(driver: Driver, interaction_id: str) -> dict[str, Any]:
    """The one outcome of a run with this interaction."""
    run_id = driver.create_run([event_text(interaction_id)])
    driver.finished(run_id)
    (outcome,) = driver.outcomes(run_id)
    return outcome


def test_the_object_is_named_after_what_it_holds(driver: Driver) -> None:
    """Its name is the sha256 of the conversation as canonical JSON, its bytes depend on nothing else."""
    id_ = str(uuid.uuid4())
    assert saved(driver, id_)["outcome"] == "saved"
    key, body = stored(driver, id_)
    text = gzip.decompress(body)
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()
    assert text == canonical
    assert key == f"conversations/{id_}/{hashlib.sha256(canonical).hexdigest()}.json.gz"
    assert body[4:8] == bytes(4)  # gzip's time of writing
    assert json.loads(text)["conversationId"] == id_


def test_an_object_that_is_gone_is_written_again(driver: Driver) -> None:
    """An event that changes nothing in the table still sees to it that the conversation is there."""
    id_ = str(uuid.uuid4())
    saved(driver, id_)
    before = stored(driver, id_)
    s3, bucket = driver.sandbox.client("s3"), driver.addresses.conversation_bucket
    s3.delete_object(Bucket=bucket, Key=before[0])
    assert saved(driver, id_)["outcome"] == "unchanged"
    assert stored(driver, id_) == before


def test_a_bucket_that_is_not_there_holds_the_run_and_loses_nothing(driver: Driver) -> None:
    """The row comes first; the run goes back until its conversation is stored as well."""
    sandbox, bucket, id_ = driver.sandbox, f"later-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    s3 = sandbox.client("s3")
    sandbox.children.pop("worker 1").stop()
    other = sandbox.start_worker(42, CONVERSATION_BUCKET=bucket)
    try:
        run_id = driver.create_run([event_text(id_)])
        waiting = driver.until(
            lambda: next((r for r in driver.runs() if r["id"] == run_id and awaits(r)), None)
        )
        assert bucket in waiting["state"]["message"]
        assert driver.settled(id_)
        s3.create_bucket(Bucket=bucket)
        run = driver.finished(run_id, 90)
        assert run["state"]["message"].startswith("1 saved"), run["state"]
        assert s3.list_objects_v2(Bucket=bucket, Prefix=f"conversations/{id_}/")["KeyCount"] == 1
    finally:
        sandbox.children.pop(other.name).stop()
        sandbox.start_worker(1)
