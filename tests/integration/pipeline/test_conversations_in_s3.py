"""The bucket of whole conversations, as runs use it; tests/integration/pipeline/test_staging.py has the details."""

from __future__ import annotations

import uuid

from tests.support.events import event_text, new_ids
from tests.support.prefect_runs import awaiting_retry
from tests.support.sandbox import SandboxDriver, replaced_worker
from tests.support.stored import staged_conversation


def test_a_run_stages_what_it_saves_in_one_object(driver: SandboxDriver) -> None:
    """The rows of a run of fifty interactions name one object, which holds each of their conversations."""
    ids = new_ids(50)
    driver.finished(driver.create_run([event_text(id_) for id_ in ids]))
    rows = [driver.stored_row(id_) for id_ in ids]
    assert len({row["staged"] for row in rows}) == 1
    assert [staged_conversation(driver, row)["conversationId"] for row in rows] == ids


def test_a_missing_bucket_delays_the_run_and_loses_nothing(driver: SandboxDriver) -> None:
    """No row is written before its conversation is staged; the run reschedules itself until both are."""
    sandbox, bucket, id_ = driver.sandbox, f"later-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    s3 = sandbox.client("s3")
    with replaced_worker(sandbox, CONVERSATION_BUCKET=bucket):
        run_id = driver.create_run([event_text(id_)])
        assert bucket in awaiting_retry(driver, run_id)["state"]["message"]
        assert driver.row(id_) is None
        s3.create_bucket(Bucket=bucket)
        run = driver.finished(run_id)
        assert run["state"]["message"].startswith("1 saved"), run["state"]
        key = driver.stored_row(id_)["staged"]
        assert s3.head_object(Bucket=bucket, Key=key)["ContentEncoding"] == "gzip"
