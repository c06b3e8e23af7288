"""deploy packages the bridge, shows the changes, asks, explains a failure, and changes nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.errors import InfraError, StackFailed
from infra.stack.bundle import bundle
from infra.stack.change_set import Stack
from infra.stack.parameters import complete
from tests.support.stack import (
    CUSTOMER_END,
    OTHER_QUEUE,
    QUEUE,
    ROOT,
    SOURCE,
    Deployed,
    Receiver,
    eventually,
    infra,
)

FIRST = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--detail-type", "conversation.end")
PREFECT = ("--prefect-api-url", "http://127.0.0.1:9/api")


def test_an_event_on_the_bus_reaches_the_bridge(stack: Deployed, received: Receiver) -> None:
    """Rule, queue, its policy, the mapping and the function work together."""
    stack.deploy()
    stack.put({"conversationId": "one"})
    eventually(lambda: received.posts)
    assert [event["detail"] for event in received.events()] == [{"conversationId": "one"}]


def test_a_message_that_is_not_accepted_comes_back_alone(stack: Deployed, received: Receiver) -> None:
    """The mapping uses partial batch responses: a failed message returns after its visibility time-out."""
    stack.deploy(VisibilitySeconds=10)
    stack.put({"n": 0})  # the function's first start may take longer than the time-out of what follows
    eventually(lambda: received.posts)
    stack.put({"n": 1, "refuse": True})
    stack.put({"n": 2})
    eventually(lambda: [event["detail"]["n"] for event in received.events()].count(1) > 1)
    assert [event["detail"]["n"] for event in received.events()].count(2) == 1


def test_the_buffer_holds_events_back(stack: Deployed, received: Receiver) -> None:
    """The settle delay is the delay of the queue."""
    outputs = stack.deploy(SettleSeconds=900)
    stack.put({"conversationId": "one"})
    sqs: Any = stack.session.client("sqs")

    def attribute(name: str) -> str:
        found = sqs.get_queue_attributes(QueueUrl=outputs["BufferQueueUrl"], AttributeNames=["All"])
        return str(found["Attributes"][name])

    assert attribute("DelaySeconds") == "900"
    eventually(lambda: attribute("ApproximateNumberOfMessagesDelayed") == "1")
    assert received.posts == []


def test_a_second_deploy_changes_nothing(stack: Deployed) -> None:
    """With the same sources and parameters CloudFormation has nothing to do."""
    first = stack.deploy()
    history = stack.session.client("cloudformation").describe_stack_events(StackName="interactions")
    assert stack.deploy() == first
    again = stack.session.client("cloudformation").describe_stack_events(StackName="interactions")
    assert len(again["StackEvents"]) == len(history["StackEvents"])


def test_the_bundle_depends_on_the_sources_alone(tmp_path: Path) -> None:
    """Other times and compiled files give the same zip file; another source gives another."""
    (tmp_path / "handler.py").write_text("one")
    first = bundle(tmp_path)
    os.utime(tmp_path / "handler.py", (1, 1))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "handler.pyc").write_bytes(b"x")
    assert bundle(tmp_path) == first
    (tmp_path / "handler.py").write_text("two")
    assert bundle(tmp_path).key != first.key


def test_a_failed_update_names_the_resource_and_leaves_the_former_state(stack: Deployed) -> None:
    """A rule on a bus that does not exist fails; the rule on the old bus stays as it was."""
    stack.deploy()
    with pytest.raises(StackFailed, match=r"Rule \(AWS::Events::Rule\).*nowhere does not exist"):
        stack.deploy(BusMode="existing", BusName="nowhere")
    former = Stack(stack.session.client("cloudformation"), "interactions")
    assert former.parameters()["BusName"] == "genesys"


def test_a_failed_creation_leaves_nothing(stack: Deployed) -> None:
    """A stack that could not be created is deleted with its tables, and can be deployed again."""
    stack.session.client("events").create_event_bus(Name="genesys")
    with pytest.raises(StackFailed, match="EventBus"):
        stack.deploy()
    assert stack.session.client("dynamodb").list_tables()["TableNames"] == []
    stack.session.client("events").delete_event_bus(Name="genesys")
    assert stack.deploy()["EventBusName"] == "genesys"


def test_changing_the_queue_filter_is_an_update(stack: Deployed, received: Receiver) -> None:
    """Only events of the queue match, in the tutorial's shape and in Genesys's; without the filter all match."""
    stack.deploy(QueueIds=[QUEUE])
    for number, queue in enumerate((QUEUE, OTHER_QUEUE)):
        stack.put({"n": number, "queueId": queue})
        stack.put({"n": number + 10, "eventBody": {"queueId": queue}}, CUSTOMER_END)
    eventually(lambda: len(received.events()) == 2)
    stack.deploy(QueueIds=[])
    stack.put({"n": 20, "queueId": OTHER_QUEUE})
    eventually(lambda: len(received.events()) == 3)
    assert sorted(event["detail"]["n"] for event in received.events()) == [0, 10, 20]


def test_what_is_not_given_stays_as_deployed(stack: Deployed) -> None:
    """A later deploy of one parameter keeps the others."""
    stack.deploy(SettleSeconds=7)
    stack.parameters = {"QueueIds": [QUEUE]}
    stack.deploy()
    deployed = Stack(stack.session.client("cloudformation"), "interactions").parameters()
    assert (deployed["SettleSeconds"], deployed["QueueIds"]) == ("7", QUEUE)


def test_a_new_stack_has_a_retention_and_a_deployed_one_keeps_its_own() -> None:
    """730 and 365 days; a stack that had neither parameter, or kept for ever, goes on until it is told."""
    new = complete({}, {})
    assert (new["RecordDays"], new["ConversationDays"]) == ("730", "365")
    former = complete({}, {"ConversationDays": "0", "BusName": "genesys"})
    assert (former["RecordDays"], former["ConversationDays"]) == ("0", "0")
    told = complete({"RecordDays": "90"}, {"ConversationDays": "0", "BusName": "genesys"})
    assert (told["RecordDays"], told["ConversationDays"]) == ("90", "0")
    assert complete({}, new | {"RecordDays": "30"})["RecordDays"] == "30"


@pytest.mark.usefixtures("aws")
def test_deploy_says_how_long_what_is_kept() -> None:
    """Before it asks, and with what the workers need for it."""
    done = infra("deploy", *FIRST, *PREFECT, typed="no\n")
    assert "Kept: records 730 days, whole conversations 365 days, raw events 30 days" in done.stdout
    assert "RETENTION_DAYS=730 CONVERSATION_DAYS=365" in done.stdout
    assert infra("deploy", *FIRST, *PREFECT, "--set.RecordDays", "0", "--yes").returncode == 0
    found = Stack(boto3.client("cloudformation"), "interactions").outputs()
    assert found["RecordDays"] == "0"


def test_too_many_queues_for_a_pattern_are_refused(stack: Deployed) -> None:
    """EventBridge's limit is checked before CloudFormation is called, and the alternative is named."""
    queues = [f"{number:08d}-1111-4222-8333-944445555666" for number in range(40)]
    with pytest.raises(InfraError, match="--filter-at fetch"):
        stack.deploy(QueueIds=queues)


def test_more_wildcards_than_aws_takes_are_refused(stack: Deployed) -> None:
    """Five detail-types with any id in the place of {id} are refused before CloudFormation is; as text they deploy."""
    topics = [
        CUSTOMER_END.replace("customer.end", topic) for topic in ("acd.end", "acw", "user.end", "wrapup")
    ]
    stack.deploy(DetailTypes=[*topics, "conversation.end"])
    with pytest.raises(InfraError, match="ConcreteIds false"):
        stack.deploy(DetailTypes=[*topics, CUSTOMER_END])
    stack.deploy(ConcreteIds=False)


@pytest.mark.usefixtures("aws")
def test_deploy_without_a_confirmation_changes_nothing() -> None:
    """Without a yes nothing is created, not even an empty stack."""
    answer = infra("deploy", *FIRST, *PREFECT, typed="no\n")
    assert (answer.returncode, "Create stack interactions?" in answer.stdout) == (1, True)
    assert infra("outputs").stderr.startswith("there is no stack interactions")


@pytest.mark.usefixtures("aws")
def test_the_command_line_from_deploy_to_delete() -> None:
    """Deploy, deploy again, plan, outputs and delete, as a user types them."""
    assert infra("deploy", *FIRST, *PREFECT, typed="yes\n").returncode == 0
    assert "Nothing changed" in infra("deploy").stdout
    planned = infra("plan", "--queue-id", QUEUE)
    assert f"QueueIds: any -> {QUEUE}" in planned.stdout
    assert "Nothing would change" in infra("plan").stdout
    names = json.loads(infra("outputs", "--json").stdout)
    assert names["EventBusName"] == "genesys"
    assert infra("delete", typed="yes\n").returncode == 0


def test_delete_keeps_the_data(stack: Deployed) -> None:
    """The stack is deleted; the tables and the bucket remain, and their names are printed."""
    outputs = stack.deploy()
    deleted = infra("delete", "--yes")
    assert (deleted.returncode, outputs["InteractionTableName"] in deleted.stdout) == (0, True)
    tables = stack.session.client("dynamodb").list_tables()["TableNames"]
    assert {outputs["InteractionTableName"], outputs["QuarantineTableName"]} <= set(tables)
    stack.session.client("s3").head_bucket(Bucket=outputs["ConversationBucketName"])


def test_delete_with_data_asks_for_the_stacks_name(stack: Deployed) -> None:
    """--yes does not delete data; typing the stack's name does."""
    outputs = stack.deploy()
    stack.session.client("s3").put_object(Bucket=outputs["ConversationBucketName"], Key="a", Body=b"b")
    assert infra("delete", "--with-data", "--yes", typed="yes\n").returncode == 1
    assert stack.session.client("cloudformation").describe_stacks(StackName="interactions")["Stacks"]
    assert infra("delete", "--with-data", "--yes", typed="interactions\n").returncode == 0
    assert stack.session.client("dynamodb").list_tables()["TableNames"] == []
    assert outputs["ConversationBucketName"] not in str(stack.session.client("s3").list_buckets()["Buckets"])


@pytest.mark.usefixtures("aws")
def test_a_queue_filter_that_no_event_matches_is_refused() -> None:
    """customer.end has no queue id: the message names the other way to filter."""
    refused = infra("deploy", "--bus", "genesys", "--bus-mode", "own", *PREFECT, "--queue-id", QUEUE)
    assert (refused.returncode, "--filter-at fetch" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("aws")
def test_filtering_after_the_fetch_is_the_workers_setting() -> None:
    """The rule has no filter, and the command prints the setting of the workers."""
    first = ("--bus", "genesys", "--bus-mode", "own", *PREFECT, "--queue-id", QUEUE, "--filter-at", "fetch")
    answer = infra("deploy", *first, "--yes")
    assert (answer.returncode, f"QUEUE_IDS={QUEUE}" in answer.stdout) == (0, True)
    assert "Nothing would change" in infra("plan", "--every-queue").stdout


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("queue", ["7f3c1a1e", QUEUE + "0", "Support"])
def test_a_queue_id_is_a_whole_uuid(queue: str) -> None:
    """A part of a UUID, one with a digit too many and a name are each refused, by their value."""
    refused = infra("deploy", *FIRST, *PREFECT, "--queue-id", queue)
    assert (refused.returncode, f"'{queue}' is not a whole UUID" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("aws")
def test_flags_come_from_the_environment_and_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """INFRA_ variables and infra.toml give values of flags; a flag takes precedence."""
    Path("infra.toml").write_text(f'bus = "from-file"\nbus-mode = "own"\nsource = ["{SOURCE}"]\n')
    monkeypatch.setenv("INFRA_PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert infra("deploy", "--yes", "--bus", "from-flag").returncode == 0
    assert json.loads(infra("outputs", "--json").stdout)["EventBusName"] == "from-flag"


@pytest.mark.usefixtures("aws")
def test_an_expected_failure_is_a_line_and_an_exit_code() -> None:
    """`python -m infra` ends with 1 and one line on stderr, without a traceback."""
    command = [sys.executable, "-m", "infra", "outputs"]
    answer = subprocess.run(  # noqa: S603  # our own command
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (1, "", 1)


@pytest.mark.usefixtures("aws")
def test_tags_and_any_other_parameter_can_be_given() -> None:
    """--tag and --set reach the stack; a parameter that does not exist is named."""
    words = (*FIRST, *PREFECT, "--tag.team", "contact", "--set.MaximumConcurrency", "4", "--yes")
    assert infra("deploy", *words).returncode == 0
    (found,) = boto3.client("cloudformation").describe_stacks(StackName="interactions")["Stacks"]
    assert {"Key": "team", "Value": "contact"} in found["Tags"]
    assert {"ParameterKey": "MaximumConcurrency", "ParameterValue": "4"} in found["Parameters"]
    assert "Nonsense" in infra("deploy", "--set.Nonsense", "1").stderr


def test_every_optional_part_deploys(stack: Deployed) -> None:
    """A customer key, a network, a secret, a topic, a retention and a reserved concurrency, all at once."""
    here = "us-east-1:000000000000"
    network = stack.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = stack.session.client("ec2").create_subnet(VpcId=network, CidrBlock="10.0.1.0/24")
    group = stack.session.client("ec2").create_security_group(GroupName="g", Description="d", VpcId=network)
    stack.deploy(
        KmsKeyArn=f"arn:aws:kms:{here}:key/11111111-1111-4222-8333-944445555666",
        PrefectSecretArn=f"arn:aws:secretsmanager:{here}:secret:prefect-a1b2c3",
        AlarmTopicArn=f"arn:aws:sns:{here}:alarms",
        SubnetIds=[subnet["Subnet"]["SubnetId"]],
        SecurityGroupIds=[group["GroupId"]],
        ConversationDays=400,
        ReservedConcurrency=5,
        Archive=False,
    )
    found = stack.session.client("lambda").get_function(FunctionName=stack.outputs["BridgeFunctionName"])
    role = found["Configuration"]["Role"].rsplit("/", 1)[1]
    names = stack.session.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    assert set(names) == {"bridge", "prefect-secret", "customer-key", "network-interfaces"}
    alarms = stack.session.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} == {f"arn:aws:sns:{here}:alarms"}
    assert "ArchiveArn" not in stack.outputs
