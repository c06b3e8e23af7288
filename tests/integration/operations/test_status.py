"""`interactions status` in a sandbox: what is well, and what it says of the incidents that a person meets."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.events import event_text, oversize_event
from tests.support.preloaded import run_python
from tests.support.sandbox import SandboxDriver

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(driver: SandboxDriver) -> Look:
    """Return a function that runs the command with --json in the sandbox's environment, and checks its exit code."""

    def run(**changes: str) -> dict[str, Any]:
        known = {**driver.sandbox.environment(), **changes}
        done = run_python("-m", "deployments.cli", "status", "--json", environment=known)
        assert done.stderr == "", done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == int(found["needsPerson"])
        return found

    return run


def finding(status: dict[str, Any], code: str) -> dict[str, Any] | None:
    """Return the finding with a code, if there is one."""
    return next((each for each in status["findings"] if each["code"] == code), None)


def _polls(status: dict[str, Any]) -> bool:
    return any(worker["polls"] for worker in status["sources"]["workers"].get("workers", ()))


def _is_used(status: dict[str, Any]) -> bool:
    return bool(status["sources"]["budget"].get("used"))


def test_every_source_answers(driver: SandboxDriver, look: Look) -> None:
    """In a sandbox that works each source is read, a worker polls, and the used requests are counted."""

    def at_work() -> dict[str, Any] | None:
        driver.until_settled(driver.end())  # the requests of the last minute count
        status = look()
        return status if _polls(status) and _is_used(status) else None

    found = driver.until(at_work)
    assert {name: each["error"] for name, each in found["sources"].items() if "error" in each} == {}
    assert found["sources"]["budget"]["allowed"] == driver.limit("genesys-requests")["limit"]
    assert not finding(found, "source-unreadable")


def test_throttling_is_named_with_what_waits_for_it(driver: SandboxDriver, look: Look) -> None:
    """429: how many interactions wait for it, since when, and how to ask less."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", throttle={"retry_after": 1800, "for_seconds": 600})
    driver.create_run([event_text(id_)])
    driver.until(lambda: (driver.row(id_) or {}).get("deferredFor") == "throttled")
    found = finding(look(), "deferred-throttled")
    assert found is not None
    assert found["count"] >= 1
    assert found["since"]
    assert "genesys-requests" in found["next_step"]


def test_refused_credentials_need_a_person(driver: SandboxDriver, look: Look) -> None:
    """403: the interactions that are refused wait, and the next step is the command that tells why."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", error_rate=1.0, status=403)
    driver.create_run([event_text(id_)])
    driver.until(lambda: (driver.row(id_) or {}).get("deferredFor") == "refused")
    found = look()
    assert found["needsPerson"]
    refused = finding(found, "deferred-refused")
    assert refused is not None
    assert "interactions verify" in refused["next_step"]


def test_dead_letters_and_quarantine_are_counted(driver: SandboxDriver, look: Look) -> None:
    """Each with the command that goes on."""
    sqs, url = driver.sandbox.client("sqs"), driver.addresses.dead_letter_queue_url
    id_ = str(uuid.uuid4())
    driver.create_run([oversize_event(id_)])
    driver.until(lambda: driver.quarantined(interactionId=id_, code="oversize"))
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        found = look()
    finally:
        sqs.purge_queue(QueueUrl=url)
    letters = finding(found, "dead-letters")
    assert letters is not None
    assert letters["count"] >= 1
    rejected = finding(found, "quarantine-rejected")
    assert rejected is not None
    assert "oversize" in rejected["symptom"]


def test_what_is_paused_is_named(driver: SandboxDriver, look: Look) -> None:
    """A paused queue needs a person; what waits in it is counted with its interactions."""
    driver.pause_live(paused=True)
    try:
        driver.create_run([event_text(str(uuid.uuid4())) for _ in range(3)])
        found = look()
    finally:
        driver.pause_live(paused=False)
    paused = finding(found, "paused")
    assert paused is not None
    assert "prefect work-queue resume live" in paused["next_step"]
    groups = [each for each in found["sources"]["runs"].values() if isinstance(each, dict)]
    assert sum(each["interactions"] for each in groups) >= 3


def test_prefect_down_is_named_beside_what_aws_says(look: Look) -> None:
    """The tables and queues are told all the same."""
    found = look(PREFECT_API_URL="http://127.0.0.1:9/api")
    assert finding(found, "prefect-unreachable")
    assert "depth" in found["sources"]["buffer"]
    assert "error" not in found["sources"]["deferred"]
