"""`verify`: every check passes on a working path, and a broken part fails its own check only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.stack.change_set import Stack
from infra.verify.bus import partner_source
from infra.verify.check import Check
from infra.verify.context import CheckContext
from tests.support.stack import CUSTOMER_END, Deployed, infra
from tests.support.verified import FakePrefectServer, failures


@pytest.mark.usefixtures("working")
def test_a_working_path_passes_from_genesys_to_the_table() -> None:
    """Every check passes, the synthetic event has its row, and the exit code is 0, as text and as JSON."""
    assert infra("verify", "--wait", "180").returncode == 0
    found = json.loads(infra("verify", "--wait", "180", "--json").stdout)
    assert {each["state"] for each in found} == {"pass"}
    assert found[-1]["name"] == "synthetic event"


def test_verifying_again_leaves_one_row(working: Deployed) -> None:
    """The synthetic interaction is always the same."""
    for _ in range(2):
        assert infra("verify", "--wait", "180").returncode == 0
    database = working.session.client("dynamodb")
    assert database.scan(TableName=working.outputs["InteractionTableName"])["Count"] == 1


def test_an_event_that_gets_lost_is_a_failure(
    working: Deployed, prefect: tuple[FakePrefectServer, str]
) -> None:
    """When every other check passes but no row appears, the synthetic event fails."""
    api, _ = prefect
    api.table = ""
    api.answers["/api"] = {}
    found = json.loads(infra("verify", "--wait", "1", "--json").stdout)
    assert [each["name"] for each in found if each["state"] == "fail"] == ["synthetic event"]
    assert working.outputs


BROKEN_PREFECT: dict[str, dict[str, Any]] = {
    "Prefect API": {"/api/deployments/count": None},
    "Prefect deployment": {"/api/deployments/name/process-interactions/live": None},
    "Prefect worker": {"/api/work_pools/interactions/workers/filter": []},
}


@pytest.mark.parametrize("name", BROKEN_PREFECT)
def test_what_is_wrong_in_prefect_is_named(
    name: str, working: Deployed, prefect: tuple[FakePrefectServer, str]
) -> None:
    """No API, no deployment, no worker: each fails its own check."""
    prefect[0].answers |= BROKEN_PREFECT[name]
    assert failures(working) == {name}


@pytest.mark.parametrize("what", ["pool", "queue", "deployment"])
def test_a_pause_is_named(what: str, working: Deployed, prefect: tuple[FakePrefectServer, str]) -> None:
    """A paused pool, queue or deployment is named, before a missing worker."""
    answers = prefect[0].answers
    live = "/api/deployments/name/process-interactions/live"
    paused = {
        "pool": {"/api/work_pools/interactions": {"is_paused": True}},
        "queue": {"/api/work_pools/interactions/queues/live": {"is_paused": True}},
        "deployment": {live: answers[live] | {"paused": True}},
    }
    prefect[0].answers = answers | paused[what]
    assert failures(working) == {"Prefect deployment" if what == "deployment" else "Prefect worker"}


def _disable_rule(session: boto3.Session, outputs: dict[str, str]) -> None:
    session.client("events").disable_rule(Name=outputs["RuleName"], EventBusName=outputs["EventBusName"])


def _other_pattern(session: boto3.Session, outputs: dict[str, str]) -> None:
    session.client("events").put_rule(
        Name=outputs["RuleName"], EventBusName=outputs["EventBusName"], EventPattern='{"source": ["else"]}'
    )


def _no_dead_letters(session: boto3.Session, outputs: dict[str, str]) -> None:
    buffer = session.client("sqs").get_queue_attributes(
        QueueUrl=outputs["BufferQueueUrl"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    session.client("events").put_targets(
        Rule=outputs["RuleName"],
        EventBusName=outputs["EventBusName"],
        Targets=[{"Id": "buffer", "Arn": buffer}],
    )


def _other_source_arn(session: boto3.Session, outputs: dict[str, str]) -> None:
    sqs, url = session.client("sqs"), outputs["BufferQueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": policy.replace(outputs["RuleName"], "another-rule")}
    )


def _dead_letter(session: boto3.Session, outputs: dict[str, str]) -> None:
    session.client("sqs").send_message(QueueUrl=outputs["DeadLetterQueueUrl"], MessageBody="{}")


def _disable_mapping(session: boto3.Session, outputs: dict[str, str]) -> None:
    functions = session.client("lambda")
    found = functions.list_event_source_mappings(FunctionName=outputs["BridgeFunctionName"])
    functions.update_event_source_mapping(UUID=found["EventSourceMappings"][0]["UUID"], Enabled=False)


def _other_prefect(session: boto3.Session, outputs: dict[str, str]) -> None:
    session.client("lambda").update_function_configuration(
        FunctionName=outputs["BridgeFunctionName"],
        Environment={"Variables": {"PREFECT_API_URL": "http://else"}},
    )


def _throttles(session: boto3.Session, outputs: dict[str, str]) -> None:
    session.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "Throttles",
                "Value": 3,
                "Dimensions": [{"Name": "FunctionName", "Value": outputs["BridgeFunctionName"]}],
            }
        ],
    )


BROKEN_AWS: dict[str, Callable[[boto3.Session, dict[str, str]], None]] = {
    "rule enabled": _disable_rule,
    "rule pattern": _other_pattern,
    "rule target": _no_dead_letters,
    "queue policies": _other_source_arn,
    "dead letters": _dead_letter,
    "bridge mapping": _disable_mapping,
    "bridge function": _other_prefect,
    "bridge throttles": _throttles,
}


@pytest.mark.parametrize("name", BROKEN_AWS)
def test_what_is_wrong_in_aws_is_named(name: str, working: Deployed) -> None:
    """Each of the causes that the tutorials list fails its own check."""
    BROKEN_AWS[name](working.session, working.outputs)
    assert failures(working) == {name}


def test_a_rule_that_is_gone_is_one_failure(working: Deployed) -> None:
    """Without a rule the checks of its pattern and target are unknown."""
    bus, rule = working.outputs["EventBusName"], working.outputs["RuleName"]
    events = working.session.client("events")
    events.remove_targets(Rule=rule, EventBusName=bus, Ids=["buffer"])
    events.delete_rule(Name=rule, EventBusName=bus)
    assert failures(working) == {"rule enabled"}


def test_after_a_failure_no_synthetic_event_is_sent(working: Deployed) -> None:
    """Its check is unknown, and the exit code is 1."""
    _disable_rule(working.session, working.outputs)
    answer = infra("verify", "--json")
    states = {each["name"]: each["state"] for each in json.loads(answer.stdout)}
    assert (answer.returncode, states["synthetic event"]) == (1, "unknown")


@pytest.mark.usefixtures("aws")
def test_without_a_stack_the_hint_is_to_deploy() -> None:
    """The missing stack is one failure with one hint."""
    answer = infra("verify")
    assert (answer.returncode, "python -m infra deploy" in answer.stdout) == (1, True)


def test_without_credentials_of_genesys_its_checks_are_unknown(
    working: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing variable is no failure, and the hint names it."""
    monkeypatch.delenv("GENESYS_CLIENT_ID")
    assert failures(working) == set()
    assert "GENESYS_CLIENT_ID" in infra("verify", "--no-send").stdout


def test_a_filtered_rule_is_checked_with_its_queue(working: Deployed) -> None:
    """The sample events have the queue; those with another queue or none must not match."""
    working.deploy(
        DetailTypes=[CUSTOMER_END.replace("customer", "acd")],
        QueueIds=["7f3c1a1e-1111-4222-8333-944445555666"],
    )
    assert failures(working) == {"Genesys integration"}  # the integration does not send acd.end


@pytest.mark.parametrize(("state", "problem"), [("PENDING", True), ("DELETED", True), ("ACTIVE", False)])
def test_a_partner_source_must_be_associated(state: str, problem: bool) -> None:
    """A source without a bus, or a deleted one, drops the events of Genesys."""
    name = "aws.partner/genesys.com/cloud/org/suffix"
    session = boto3.Session("x", "x", region_name="us-east-1")
    context = CheckContext(session, Stack(session.client("cloudformation"), "interactions"))
    context.__dict__["outputs"] = {"EventBusName": name}
    with Stubber(context.client("events")) as stubbed:
        stubbed.add_response("describe_event_source", {"Name": name, "State": state}, {"Name": name})
        result = Check("partner event source", lambda: partner_source(context)).run()
    assert (result.failed, state in result.found) == (problem, True)
