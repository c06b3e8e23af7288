"""What changes of a stack must not cost: `plan` changes nothing, a change of the bus keeps the archive's events."""

from __future__ import annotations

import json
from typing import Any

from infra.stack.bundle import bundle, upload
from infra.stack.change_set import Stack
from tests.support.stack import SOURCE, Deployed, eventually, infra

FIRST = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--detail-type", "conversation.end")
PREFECT = ("--prefect-api-url", "http://127.0.0.1:9/api")


def state(stack: Deployed) -> dict[str, Any]:
    """Return what there is in the account: stacks, change sets, buckets, tables."""
    cloudformation = stack.session.client("cloudformation")
    stacks = [(each["StackName"], each["StackStatus"]) for each in cloudformation.describe_stacks()["Stacks"]]
    return {
        "stacks": stacks,
        "change sets": [cloudformation.list_change_sets(StackName=name)["Summaries"] for name, _ in stacks],
        "buckets": [each["Name"] for each in stack.session.client("s3").list_buckets()["Buckets"]],
        "tables": stack.session.client("dynamodb").list_tables()["TableNames"],
    }


def failed_stack(stack: Deployed) -> None:
    """Leave a stack whose creation failed, as an interrupted command does."""
    client, events = stack.session.client("cloudformation"), stack.session.client("events")
    events.create_event_bus(Name="taken")
    broken = {"Resources": {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "taken"}}}}
    client.create_stack(StackName="interactions", TemplateBody=json.dumps(broken))
    eventually(lambda: Stack(client, "interactions").unusable())


def test_plan_leaves_an_empty_account_empty(stack: Deployed) -> None:
    """No bucket, no bundle, no change set, no stack; and the plan is shown."""
    before = state(stack)
    planned = infra("plan", *FIRST, *PREFECT)
    assert (planned.returncode, "InteractionTable" in planned.stdout) == (0, True)
    assert state(stack) == before


def test_plan_leaves_a_failed_stack_and_says_what_deploy_does(stack: Deployed) -> None:
    """`plan` deletes nothing; `deploy` asks before it does."""
    failed_stack(stack)
    before = state(stack)
    planned = infra("plan", *FIRST, *PREFECT)
    assert (planned.returncode, "ROLLBACK_COMPLETE" in planned.stderr) == (1, True)
    refused = infra("deploy", *FIRST, *PREFECT, typed="no\n")
    assert (refused.returncode, "Delete it, and make it anew?" in refused.stdout) == (1, True)
    assert state(stack) == before
    assert infra("deploy", *FIRST, *PREFECT, "--yes").returncode == 0


def test_plan_leaves_the_change_set_of_another(stack: Deployed) -> None:
    """A change set that somebody reviews, of a stack that is not yet made, is still there after a plan."""
    client = stack.session.client("cloudformation")
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    client.create_change_set(
        StackName="interactions",
        ChangeSetName="theirs",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(topic),
    )
    client.get_waiter("change_set_create_complete").wait(
        StackName="interactions", ChangeSetName="theirs", WaiterConfig={"Delay": 1}
    )
    assert infra("plan", *FIRST, *PREFECT).returncode == 0
    left = client.list_change_sets(StackName="interactions")["Summaries"]
    assert [each["ChangeSetName"] for each in left] == ["theirs"]


def test_the_archives_events_survive_a_change_of_the_bus(stack: Deployed) -> None:
    """The former bus and its archive remain with their events, the new bus has an archive of its own."""
    events = stack.session.client("events")
    former = stack.deploy()["ArchiveArn"].rsplit("/", 1)[1]
    stack.put({"conversationId": "one"})
    changed = infra("deploy", "--bus", "other", "--yes")
    assert (changed.returncode, "genesys and its archive will remain" in changed.stdout) == (0, True)
    now = json.loads(infra("outputs", "--json").stdout)
    assert (now["EventBusName"], now["ArchiveArn"].rsplit("/", 1)[1] == former) == ("other", False)
    assert events.describe_archive(ArchiveName=former)["EventCount"] == 1
    assert {"genesys", "other"} <= {each["Name"] for each in events.list_event_buses()["EventBuses"]}
    wrong = infra("replay", "--from", "2026-01-01", "--archive", former)
    assert (wrong.returncode, "--bus genesys --bus-mode existing" in wrong.stderr) == (2, True)
    assert infra("deploy", "--bus", "genesys", "--bus-mode", "existing", "--yes").returncode == 0
    assert infra("replay", "--from", "2026-01-01", "--archive", former).returncode == 0


def test_delete_names_what_is_attached_before_it_starts(stack: Deployed) -> None:
    """A policy that a role has cannot be deleted: nothing is, and the role is named."""
    policy = stack.deploy()["WorkerPolicyArn"]
    iam = stack.session.client("iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName="workers", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="workers", PolicyArn=policy)
    refused = infra("delete", "--yes")
    assert (refused.returncode, "role workers" in refused.stderr) == (1, True)
    assert stack.session.client("events").describe_event_bus(Name="genesys")
    iam.detach_role_policy(RoleName="workers", PolicyArn=policy)
    assert infra("delete", "--yes").returncode == 0


def test_delete_deletes_the_bus_and_the_archive(stack: Deployed) -> None:
    """They are retained by CloudFormation, and are the command's to delete; a bus of somebody else's stays."""
    stack.deploy()
    assert infra("delete", "--yes").returncode == 0
    events = stack.session.client("events")
    assert events.list_archives()["Archives"] == []
    assert [each["Name"] for each in events.list_event_buses()["EventBuses"]] == ["default"]


def test_delete_leaves_a_bus_that_was_there(stack: Deployed) -> None:
    """With --bus-mode existing the bus is not the stack's."""
    events = stack.session.client("events")
    events.create_event_bus(Name="genesys")
    stack.deploy(BusMode="existing")
    assert infra("delete", "--yes").returncode == 0
    assert "genesys" in {each["Name"] for each in events.list_event_buses()["EventBuses"]}


def test_a_changed_bundle_is_uploaded_again(stack: Deployed) -> None:
    """The key is a hash, but what is stored under it is compared, not trusted."""
    s3, package = stack.session.client("s3"), bundle(stack.bridge)
    upload(s3, package, "code", "000000000000")
    s3.put_object(Bucket="code", Key=package.key, Body=b"something else")
    upload(s3, package, "code", "000000000000")
    assert s3.get_object(Bucket="code", Key=package.key)["Body"].read() == package.content


def test_the_default_bus_has_an_alarm_of_its_dimensions(stack: Deployed) -> None:
    """CloudWatch reports the default bus's rules by RuleName alone, those of others with EventBusName."""
    stack.deploy(BusName="default", BusMode="existing")
    cloudwatch = stack.session.client("cloudwatch")

    def dimensions() -> list[str]:
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        (alarm,) = [each for each in alarms if each["MetricName"] == "FailedInvocations"]
        return [each["Name"] for each in alarm["Dimensions"]]

    def widget() -> list[str]:
        (name,) = [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]]
        body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
        return list(body["widgets"][0]["properties"]["metrics"][0])

    assert dimensions() == ["RuleName"]
    assert widget() == ["AWS/Events", "TriggeredRules", "RuleName", "interactions-events"]
    stack.deploy(BusName="genesys", BusMode="own")
    assert dimensions() == ["EventBusName", "RuleName"]
    assert widget()[2:] == ["EventBusName", "genesys", "RuleName", "interactions-events"]


def test_queues_take_letters_of_one_queue_and_by_tls_only(stack: Deployed) -> None:
    """The buffer is nobody's dead-letter queue, the dead-letter queue is the buffer's alone, plain HTTP is denied."""
    outputs, sqs = stack.deploy(), stack.session.client("sqs")

    def attributes(name: str) -> dict[str, Any]:
        found: Any = sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["All"])
        return dict(found["Attributes"])

    buffer, dead = attributes("BufferQueueUrl"), attributes("DeadLetterQueueUrl")
    assert json.loads(buffer["RedriveAllowPolicy"]) == {"redrivePermission": "denyAll"}
    allowed = json.loads(dead["RedriveAllowPolicy"])
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [buffer["QueueArn"]]}
    for each in (buffer, dead):
        (denied,) = [s for s in json.loads(each["Policy"])["Statement"] if s["Effect"] == "Deny"]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert denied["Resource"] == each["QueueArn"]


def test_archive_and_log_have_the_customers_key(stack: Deployed) -> None:
    """As queues, tables and bucket have it."""
    key = "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-4222-8333-944445555666"
    outputs = stack.deploy(KmsKeyArn=key)
    template = json.loads(
        json.dumps(
            stack.session.client("cloudformation").get_template(StackName="interactions")["TemplateBody"]
        )
    )
    resources = (template if isinstance(template, dict) else json.loads(template))["Resources"]
    wanted = {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    assert resources["EventArchive"]["Properties"]["KmsKeyIdentifier"] == wanted
    (log,) = stack.session.client("logs").describe_log_groups(
        logGroupNamePrefix=outputs["BridgeLogGroupName"]
    )["logGroups"]
    assert log.get("kmsKeyId") == key
