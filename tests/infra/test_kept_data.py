"""State that must not be lost: it is protected, and a new stack takes over what a deleted one has kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import StackFailed
from tests.support.stack import SOURCE, Deployed, infra

FIRST = ("--bus", "genesys", "--bus-mode", "own", "--source", SOURCE, "--detail-type", "conversation.end")
PREFECT = ("--prefect-api-url", "http://127.0.0.1:9/api")
ERASED = {"interactionId": {"S": "c0000000-0000-4000-8000-000000000001"}, "erasedAt": {"S": "2026-01-01"}}


def protected(stack: Deployed, name: str) -> bool:
    """Return whether DynamoDB refuses to delete a table."""
    found = stack.session.client("dynamodb").describe_table(TableName=name)["Table"]
    return bool(found.get("DeletionProtectionEnabled"))


def names() -> dict[str, str]:
    """Return the stack's outputs."""
    found: dict[str, str] = json.loads(infra("outputs", "--json").stdout)
    return found


def kept(outputs: dict[str, str]) -> tuple[str, ...]:
    """Return the flags that take over what a deleted stack of these outputs has kept."""
    return (
        *("--interaction-table", outputs["InteractionTableName"]),
        *("--quarantine-table", outputs["QuarantineTableName"]),
        *("--conversation-bucket", outputs["ConversationBucketName"]),
    )


def test_tables_with_data_and_the_stack_are_protected(stack: Deployed) -> None:
    """Neither DynamoDB nor CloudFormation deletes them when asked; what can be made anew is not protected."""
    outputs = stack.deploy()
    assert protected(stack, outputs["InteractionTableName"])
    assert protected(stack, outputs["QuarantineTableName"])
    assert not protected(stack, outputs["BudgetTableName"])
    with pytest.raises(ClientError, match="protection"):
        stack.session.client("dynamodb").delete_table(TableName=outputs["InteractionTableName"])
    with pytest.raises(ClientError, match="TerminationProtection"):
        stack.session.client("cloudformation").delete_stack(StackName="interactions")


def test_a_creation_is_asked_for_once(stack: Deployed) -> None:
    """Its second step, which protects the tables, is a part of it."""
    assert infra("deploy", *FIRST, *PREFECT, typed="yes\n").returncode == 0
    assert protected(stack, names()["InteractionTableName"])
    assert "Nothing changed" in infra("deploy").stdout


def test_a_failed_creation_can_be_rolled_back(stack: Deployed) -> None:
    """Its empty tables are not protected yet."""
    stack.session.client("events").create_event_bus(Name="genesys")
    with pytest.raises(StackFailed, match="EventBus"):
        stack.deploy()
    assert stack.session.client("dynamodb").list_tables()["TableNames"] == []


def test_protection_can_be_off(stack: Deployed) -> None:
    """By the parameter, for stacks that are made to be thrown away."""
    outputs = stack.deploy(DeletionProtection=False)
    assert not protected(stack, outputs["InteractionTableName"])
    stack.session.client("cloudformation").delete_stack(StackName="interactions")


def test_delete_says_what_is_kept_and_how_it_is_taken_over(stack: Deployed) -> None:
    """The tables stay protected, and the line can be copied."""
    outputs = stack.deploy()
    deleted = infra("delete", "--yes")
    assert deleted.returncode == 0
    assert "deletion protection is on" in deleted.stdout
    assert " ".join(kept(outputs)) in deleted.stdout
    assert protected(stack, outputs["InteractionTableName"])


def test_a_new_stack_takes_over_what_is_kept(stack: Deployed) -> None:
    """Records, tombstones, quarantine, objects and catalogue are the new stack's; later deploys keep them."""
    outputs = stack.deploy()
    database, s3 = stack.session.client("dynamodb"), stack.session.client("s3")
    database.put_item(TableName=outputs["InteractionTableName"], Item=ERASED)
    s3.put_object(Bucket=outputs["ConversationBucketName"], Key="staging/1", Body=b"1")
    assert infra("delete", "--yes").returncode == 0
    made = infra("deploy", *FIRST, *PREFECT, *kept(outputs), "--yes")
    assert (made.returncode, "Import" in made.stdout) == (0, True), made.stderr
    assert {name: names()[name] for name in outputs if name.endswith(("TableName", "BucketName"))} == {
        name: value for name, value in outputs.items() if name.endswith(("TableName", "BucketName"))
    }
    assert database.scan(TableName=outputs["InteractionTableName"])["Items"] == [ERASED]
    assert s3.get_object(Bucket=outputs["ConversationBucketName"], Key="staging/1")["Body"].read() == b"1"
    assert protected(stack, outputs["InteractionTableName"])
    assert "Nothing changed" in infra("deploy").stdout
    assert infra("deploy", "--settle-seconds", "7", "--yes").returncode == 0
    assert database.scan(TableName=outputs["InteractionTableName"])["Items"] == [ERASED]
    assert infra("delete", "--yes").returncode == 0
    assert database.scan(TableName=outputs["InteractionTableName"])["Items"] == [ERASED]


def test_a_takeover_that_fails_deletes_nothing(stack: Deployed) -> None:
    """A creation that cannot be completed leaves the kept tables as they were."""
    outputs = stack.deploy()
    stack.session.client("dynamodb").put_item(TableName=outputs["InteractionTableName"], Item=ERASED)
    assert infra("delete", "--yes").returncode == 0
    stack.session.client("events").create_event_bus(Name="genesys")
    failed = infra("deploy", *FIRST, *PREFECT, *kept(outputs), "--yes")
    assert (failed.returncode, "EventBus" in failed.stderr) == (1, True)
    rows: Any = stack.session.client("dynamodb").scan(TableName=outputs["InteractionTableName"])["Items"]
    assert rows == [ERASED]
    stack.session.client("s3").head_bucket(Bucket=outputs["ConversationBucketName"])
    stack.session.client("events").delete_event_bus(Name="genesys")
    athena = stack.session.client("athena")
    athena.create_work_group(Name="interactions")
    assert infra("deploy", *FIRST, *PREFECT, *kept(outputs), "--yes").returncode == 1
    athena.delete_work_group(WorkGroup="interactions", RecursiveDeleteOption=True)
    # The bus and the archive that were made meanwhile are not left behind.
    assert infra("deploy", *FIRST, *PREFECT, *kept(outputs), "--yes").returncode == 0


def test_what_is_kept_is_not_forgotten(stack: Deployed) -> None:
    """A new stack beside kept tables is refused, with the flags that take them over, unless new ones are asked for."""
    outputs = stack.deploy()
    assert infra("delete", "--yes").returncode == 0
    for command in ("plan", "deploy"):
        refused = infra(command, *FIRST, *PREFECT)
        assert (refused.returncode, outputs["InteractionTableName"] in refused.stderr) == (2, True)
        assert "--new-tables" in refused.stderr


def test_a_deployed_stack_keeps_its_tables(stack: Deployed) -> None:
    """Other tables in the place of its own would have no records: refused. The name that it has is accepted."""
    outputs = stack.deploy()
    other = infra("deploy", "--interaction-table", outputs["QuarantineTableName"])
    assert (other.returncode, "keeps the tables" in other.stderr) == (2, True)
