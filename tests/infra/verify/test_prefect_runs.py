"""`verify` sees workers that are silent and runs that do not go on, with counts and since when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from infra import output
from infra.stack.change_set import Stack
from infra.verify.check import Check, CheckResult
from infra.verify.context import CheckContext
from infra.verify.prefect import PrefectChecks
from tests.support.verified import FakePrefectServer, worker

WORKERS = "/api/work_pools/interactions/workers/filter"


@pytest.fixture
def context(prefect: tuple[FakePrefectServer, str], monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    """Return a stack whose Prefect is the fake one; AWS is not asked."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    session = boto3.Session("x", "x", region_name="us-east-1")
    found = CheckContext(session, Stack(session.client("cloudformation"), "interactions"))
    found.__dict__["values"] = {"PrefectApiUrl": prefect[1], "DeploymentName": "process-interactions/live"}
    return found


def checked(context: CheckContext) -> dict[str, CheckResult]:
    """Return the results of Prefect's checks by name."""
    return {check.name: check.run() for check in PrefectChecks(context).checks()}


def failures(context: CheckContext) -> set[str]:
    """Return the names of those that fail."""
    return {name for name, result in checked(context).items() if result.failed}


def run(name: str, kind: str, message: str = "", seconds: float = 300) -> dict[str, Any]:
    """Return a run whose times are all so many seconds ago."""
    at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    times = dict.fromkeys(("expected_start_time", "start_time", "end_time"), at)
    return {"state_name": name, "state_type": kind, "state": {"message": message}, **times}


def test_a_frozen_worker_is_named_though_it_is_online(
    context: CheckContext, prefect: tuple[FakePrefectServer, str]
) -> None:
    """Prefect calls it online; its last poll is told, and it fails after 30 s, but for another one that polls."""
    prefect[0].answers[WORKERS] = lambda: [worker("frozen", 40), worker("stopped", 9000)]
    found = checked(context)["Prefect worker"]
    assert (found.state, "stopped" in found.found) == ("fail", False)
    assert re.search(r"frozen: last poll [4-9]\d s", found.found)
    prefect[0].answers[WORKERS] = lambda: [worker("frozen", 40), worker("live", 5)]
    found = checked(context)["Prefect worker"]
    assert found.state == "pass"
    assert re.search(r"live: last poll [12]?\d s", found.found)


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("Prefect late runs", ("Late", "SCHEDULED"), ("1 run late", "5 min ago")),
        (
            "Prefect retries",
            ("AwaitingRetry", "SCHEDULED", "store-unavailable: no answer"),
            ("1 run cannot work", "5 min ago", "store-unavailable"),
        ),
        ("Prefect runs", ("TimedOut", "FAILED"), ("1 run crashed or timed out", "5 min ago")),
        ("Prefect runs", ("Crashed", "CRASHED"), ("1 run crashed or timed out", "5 min ago")),
    ],
)
def test_runs_that_do_not_go_on_are_counted(
    context: CheckContext,
    prefect: tuple[FakePrefectServer, str],
    name: str,
    found: tuple[str, str] | tuple[str, str, str],
    words: tuple[str, ...],
) -> None:
    """Late, given back, crashed: each fails its own check, with how many and since when."""
    prefect[0].runs = [run(*found)]
    results = checked(context)
    assert {each.name for each in results.values() if each.failed} == {name}
    assert [word for word in words if word not in results[name].found] == []


def test_a_misconfigured_worker_is_named_with_its_setting(
    context: CheckContext, prefect: tuple[FakePrefectServer, str]
) -> None:
    """The run that it gave back says which variable is wrong."""
    prefect[0].runs = [run("AwaitingRetry", "SCHEDULED", "bad-settings: GENESYS_REGION is missing")]
    hint = checked(context)["Prefect retries"].hint
    assert "GENESYS_REGION" in hint
    assert "restart" in hint


def test_failed_runs_are_told_and_fail_nothing(
    context: CheckContext, prefect: tuple[FakePrefectServer, str]
) -> None:
    """One wrong event is no wrong setting: the last message is there to judge by."""
    prefect[0].runs = [run("Failed", "FAILED", "1 rejected: wrong-type")]
    assert failures(context) == set()
    found = checked(context)["Prefect failures"]
    assert found.state == "unknown"
    assert "1 run Failed" in found.found
    assert "wrong-type" in found.found


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE])
def test_a_busy_prefect_is_unknown_and_when_to_come_again(
    status: HTTPStatus, context: CheckContext, prefect: tuple[FakePrefectServer, str]
) -> None:
    """429 and 5xx say nothing about what is set up: no check fails."""
    prefect[0].answers |= dict.fromkeys([*prefect[0].answers, "/api/flow_runs/filter"], status)
    results = checked(context)
    assert {each.name for each in results.values() if each.failed} == set()
    assert "come again in a minute" in results["Prefect API"].hint


def test_each_result_is_printed_in_a_line_and_its_hint_below(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing waits for the last check; brackets in what was found are no markup."""
    output.show_check(CheckResult("Prefect worker", "pass", "[a]: last poll 1 s ago"))
    output.show_check(CheckResult("Prefect late runs", "fail", "1 run late", "start workers"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pass    Prefect worker         [a]: last poll 1 s ago"
    assert lines[1].startswith("fail    Prefect late runs      1 run late")
    assert lines[2].strip() == "hint: start workers"


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500)])
def test_a_busy_aws_is_unknown_and_when_to_come_again(code: str, status: int) -> None:
    """What passes by itself is no failure."""
    session = boto3.Session("x", "x", region_name="us-east-1")
    events = session.client("events", config=Config(retries={"total_max_attempts": 1}))
    with Stubber(events) as stubbed:
        stubbed.add_client_error("describe_rule", code, http_status_code=status)
        result = Check("rule enabled", lambda: str(events.describe_rule(Name="x"))).run()
    assert result.state == "unknown"
    assert "come again in a minute" in result.hint
