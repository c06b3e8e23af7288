"""The catalogue of the tables, who asks it by Athena, and who may write, read, and neither."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.lake.schema import TABLES
from tests.support.permissions import Needed, allowed
from tests.support.stack import Deployed, infra
from tests.support.templates import as_list, read_template, statements

TEMPLATE = read_template("template.yaml")["Resources"]


def results(stack: Deployed) -> dict[str, Any]:
    """Return the workgroup's configuration, as Athena says it."""
    name = stack.outputs["AnalyticsWorkGroupName"]
    found = stack.session.client("athena").get_work_group(WorkGroup=name)["WorkGroup"]
    return dict(found["Configuration"])


def test_a_stack_has_a_catalogue_and_a_workgroup(stack: Deployed) -> None:
    """The database's tables are in the bucket; nobody can have Athena's results written elsewhere, or unencrypted."""
    outputs = stack.deploy()
    glue = stack.session.client("glue")
    database = glue.get_database(Name=outputs["AnalyticsDatabaseName"])["Database"]
    bucket = outputs["ConversationBucketName"]
    assert (database["Name"], database["LocationUri"]) == ("interactions", f"s3://{bucket}/tables")
    found = results(stack)
    assert found["EnforceWorkGroupConfiguration"] in (True, "true")
    assert found["ResultConfiguration"]["OutputLocation"] == f"s3://{bucket}/athena-results/"
    assert found["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}


def test_results_expire() -> None:
    """What a query returned is deleted after three days; the rule touches nothing else."""
    rules = TEMPLATE["ConversationBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [each for each in rules if "athena-results" in str(each)]
    assert rule == {
        "Fn::If": [
            "MakeAnalytics",
            {
                "Id": "athena-results",
                "Status": "Enabled",
                "Prefix": "athena-results/",
                "ExpirationInDays": 3,
            },
            {"Ref": "AWS::NoValue"},
        ]
    }


def test_a_customers_key_encrypts_results(stack: Deployed) -> None:
    """With --kms-key-arn Athena encrypts what it returns with that key."""
    key = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000001"
    stack.deploy(KmsKeyArn=key)
    encryption = results(stack)["ResultConfiguration"]["EncryptionConfiguration"]
    assert encryption == {"EncryptionOption": "SSE_KMS", "KmsKey": key}


def test_a_name_with_hyphens_becomes_one_that_sql_can_spell(stack: Deployed) -> None:
    """Two stacks of an account have databases of their own, and their names need no quotes."""
    assert infra("deploy", "--stack", "interactions-test", *_flags(stack), "--yes").returncode == 0
    names = [each["Name"] for each in stack.session.client("glue").get_databases()["DatabaseList"]]
    assert "interactions_test" in names


def test_a_name_that_glue_would_change_is_refused(stack: Deployed) -> None:
    """Glue has lower case only: the message names both ways out, and without analytics the stack is deployed."""
    refused = infra("deploy", "--stack", "Interactions", *_flags(stack), "--yes")
    assert refused.returncode == 2
    assert "--set.Analytics false" in refused.stderr
    done = infra("deploy", "--stack", "Interactions", *_flags(stack), "--set.Analytics", "false", "--yes")
    assert done.returncode == 0


def _flags(stack: Deployed) -> list[str]:
    return ["--bus", "genesys", "--bus-mode", "own", "--prefect-api-url", stack.parameters["PrefectApiUrl"]]


def test_analytics_can_be_left_out(stack: Deployed) -> None:
    """Without them there is no database, no workgroup, no policy, and no output that names one."""
    outputs = stack.deploy(Analytics=False)
    assert not [name for name in outputs if name.startswith(("Analy", "Publish"))]
    assert stack.session.client("glue").get_databases()["DatabaseList"] == []
    groups = stack.session.client("athena").list_work_groups()["WorkGroups"]
    assert "interactions" not in [each["Name"] for each in groups]


def test_the_catalogue_stays_as_long_as_the_data(stack: Deployed) -> None:
    """Deleting the stack keeps the database, and says so; deleting the data, too, deletes it."""
    stack.deploy()
    deleted = infra("delete", "--yes")
    assert (deleted.returncode, "AnalyticsDatabaseName" in deleted.stdout) == (0, True)
    glue = stack.session.client("glue")
    assert [each["Name"] for each in glue.get_databases()["DatabaseList"]] == ["interactions"]


def test_deleting_the_data_deletes_the_catalogue(stack: Deployed) -> None:
    """With --with-data nothing is left that names a table."""
    stack.deploy()
    assert infra("delete", "--with-data", "--yes", typed="interactions\n").returncode == 0
    assert stack.session.client("glue").get_databases()["DatabaseList"] == []


def test_only_two_policies_reach_the_tables() -> None:
    """No other role and no other policy of the stack names the catalogue, Athena, or the tables' files."""
    named = {
        name
        for name, resource in TEMPLATE.items()
        for each in statements(resource)
        if each["Effect"] == "Allow" and _reaches(each)
    }
    assert named == {"PublishPolicy", "AnalystPolicy"}


def _reaches(statement: dict[str, Any]) -> bool:
    services = {action.split(":")[0] for action in as_list(statement["Action"])}
    files = any(part in str(statement.get("Resource")) for part in ("/tables/", "/athena-results/"))
    return bool(services & {"glue", "athena"}) or files


def test_analysts_change_nothing_but_results() -> None:
    """Writing and deleting are allowed below athena-results/ only; in the catalogue there is only reading."""
    changing = {each for each in allowed("AnalystPolicy") if not _reads(each)}
    assert {each.resource for each in changing if each.action.startswith("s3:")} == {
        "ConversationBucket/athena-results/*"
    }
    assert {each.action for each in changing if not each.action.startswith("s3:")} == {
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


def _reads(pair: Needed) -> bool:
    return pair.action.split(":")[1].startswith(("Get", "List", "BatchGet"))


def test_analysts_read_every_table_but_the_whole_conversations() -> None:
    """A table that is added is granted here, or left out on purpose."""
    read = {each.resource for each in allowed("AnalystPolicy") if each.action == "s3:GetObject"}
    tables = {f"ConversationBucket/tables/{name}/*" for name in TABLES if name != "conversations"}
    assert read == tables | {"ConversationBucket/athena-results/*"}


@pytest.mark.parametrize("policy", ["PublishPolicy", "AnalystPolicy"])
def test_a_policy_is_for_one_database(policy: str) -> None:
    """Of Glue's databases and tables only the stack's are named."""
    named = {each.resource for each in allowed(policy) if each.action.startswith("glue:")}
    ends = {resource.split("}:")[-1] for resource in named}
    assert ends == {"catalog", "database/${AnalyticsDatabase}", "table/${AnalyticsDatabase}/*"}


def test_a_worker_of_the_service_publishes_when_it_may() -> None:
    """The service's workers get the policy and the database's name together with the stack's other names."""
    worker = read_template("worker.yaml")
    policies = worker["Resources"]["TaskRole"]["Properties"]["ManagedPolicyArns"]
    assert policies == [
        {"Ref": "WorkerPolicyArn"},
        {"Fn::If": ["Publishes", {"Ref": "PublishPolicyArn"}, {"Ref": "AWS::NoValue"}]},
    ]
    container = worker["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]
    assert {"Name": "ANALYTICS_DATABASE", "Value": {"Ref": "AnalyticsDatabase"}} in container["Environment"]
