"""`verify`: every check passes on a working path, and a broken part fails its own check only."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployments.sandbox.genesys.process import running
from infra.stack.change_set import Stack
from infra.verify.bus import partner_source
from infra.verify.check import Check
from infra.verify.context import CheckContext
from infra.verify.run import verify
from tests.support.stack import CUSTOMER_END, Deployed, infra

POOL = {"is_paused": False}


class FakePrefectServer:
    """The part of Prefect's API that is checked; it also writes a row for each event that the bridge posts."""

    def __init__(self) -> None:
        self.table = ""
        self.answers: dict[str, Any] = {
            "/api/deployments/count": 4,
            "/api/deployments/name/process-interactions/live": {
                "id": "d",
                "paused": False,
                "work_pool_name": "interactions",
                "work_queue_name": "live",
            },
            "/api/work_pools/interactions": POOL,
            "/api/work_pools/interactions/queues/live": POOL,
            "/api/work_pools/interactions/workers/filter": [{"status": "ONLINE"}, {"status": "OFFLINE"}],
            "/api/flow_runs/filter": [],
        }

    def answer(self, path: str, body: Any) -> Any:
        """Return the response to a path, None for 404."""
        if path == "/api" and self.table:
            for event in body:
                item = {"interactionId": {"S": event["detail"]["eventBody"]["conversationId"]}}
                boto3.client("dynamodb").put_item(
                    TableName=self.table, Item=item | {"settled": {"BOOL": True}}
                )
            return {}
        return self.answers.get(path)


@pytest.fixture
def prefect() -> Iterator[tuple[FakePrefectServer, str]]:
    """Return a running API and its address."""
    api = FakePrefectServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(None)

        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or b"null"))

        def reply(self, body: Any) -> None:
            found = api.answer(self.path, body)
            content = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield api, f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """Return the address of a Genesys simulator that runs as long as the module."""
    with running() as found:
        yield found


@pytest.fixture
def genesys(
    simulator: str,
    aws: boto3.Session,  # noqa: ARG001 - it clears the environment first
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Return a function that changes the behaviour of Genesys; its credentials are in the environment."""
    monkeypatch.setenv("GENESYS_LOGIN_URL", simulator)
    monkeypatch.setenv("GENESYS_API_URL", simulator)
    monkeypatch.setenv("GENESYS_CLIENT_ID", "sandbox-client")
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "sandbox-secret")

    def change(path: str, body: Any) -> None:
        request = urllib.request.Request(f"{simulator}/_sim/{path}", json.dumps(body).encode(), method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310

    change("reset", {"only": ["faults", "all"]})
    return change


@pytest.fixture
def working(
    stack: Deployed,
    prefect: tuple[FakePrefectServer, str],
    genesys: Callable[..., None],  # noqa: ARG001 - it configures Genesys
) -> Deployed:
    """Return a deployed stack whose path works from Genesys to the table."""
    api, url = prefect
    stack.deploy(PrefectApiUrl=url)
    api.table = stack.outputs["InteractionTableName"]
    return stack


def failures(working: Deployed) -> set[str]:
    """Return the names of the checks that fail, without the synthetic event."""
    results = verify(
        working.session, Stack(working.session.client("cloudformation"), "interactions"), send=False
    )
    assert all(result.hint for result in results if result.failed)
    return {result.name for result in results if result.failed}


@pytest.mark.usefixtures("working")
def test_a_working_path_passes_from_genesys_to_the_table() -> None:
    """Every check passes, the synthetic event has its row, and the exit code is 0, as text and as JSON."""
    assert infra("verify", "--wait", "20").returncode == 0
    found = json.loads(infra("verify", "--wait", "20", "--json").stdout)
    assert {each["state"] for each in found} == {"pass"}
    assert found[-1]["name"] == "synthetic event"


def test_verifying_again_leaves_one_row(working: Deployed) -> None:
    """The synthetic interaction is always the same."""
    for _ in range(2):
        assert infra("verify", "--wait", "20").returncode == 0
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
    "Prefect worker": {"/api/work_pools/interactions/workers/filter": [{"status": "OFFLINE"}]},
    "Prefect runs": {"/api/flow_runs/filter": [{"state_name": "TimedOut"}]},
}


@pytest.mark.parametrize("name", BROKEN_PREFECT)
def test_what_is_wrong_in_prefect_is_named(
    name: str, working: Deployed, prefect: tuple[FakePrefectServer, str]
) -> None:
    """No API, no deployment, no online worker, a run that timed out: each fails its own check."""
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


BROKEN_GENESYS = {
    "Genesys permissions": ("faults", {"missing_permission": "analytics:conversationDetail:view"}),
    "Genesys directory": ("faults", {"missing_permission": ["routing:queue:view", "directory:user:view"]}),
    "Genesys integration": ("integrations", [{"reportedState": "ERROR"}]),
    "Genesys integration ": ("integrations", [{"awsAccountRegion": "eu-west-1"}]),
    "Genesys integration  ": ("integrations", [{"eventFilter": ["v2.users.{id}.presence"]}]),
}


@pytest.mark.parametrize("name", BROKEN_GENESYS)
def test_what_is_wrong_in_genesys_is_named(
    name: str, working: Deployed, genesys: Callable[..., None]
) -> None:
    """A missing permission; an integration in error, in another region, without the topic."""
    genesys(*BROKEN_GENESYS[name])
    assert failures(working) == {name.strip()}


def test_the_permissions_of_missing_names_are_named(working: Deployed, genesys: Callable[..., None]) -> None:
    """The hint has each permission of the directory that is missing, and no other."""
    genesys("faults", {"missing_permission": ["routing:wrapupCode:view", "authorization:division:view"]})
    stack = Stack(working.session.client("cloudformation"), "interactions")
    found = {each.name: each for each in verify(working.session, stack, send=False)}["Genesys directory"]
    assert found.found == "not permitted: names of wrap-up codes, divisions"
    assert "routing:wrapupCode:view, authorization:division:view;" in found.hint
    assert "routing:queue:view" not in found.hint


def test_wrong_genesys_credentials_are_named(working: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret is one failure; the checks that need a token are unknown."""
    monkeypatch.setenv("GENESYS_CLIENT_SECRET", "wrong")
    assert failures(working) == {"Genesys credentials"}


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
