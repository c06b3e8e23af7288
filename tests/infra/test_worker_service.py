"""The workers as an ECS service, checked without AWS: template, image, pools, deployments."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, PREFECT_API_URL
from prefect.utilities.templating import apply_values
from prefect.workers.process import ProcessWorker
from pydantic_settings import BaseSettings

from deployments.resources import BATCHES_IN_FLIGHT, POOLS, STOCK_POOL, WARM_POOL
from deployments.worker import health
from deployments.worker.settings import WorkerSettings
from deployments.worker.worker import InteractionsWorker
from tasks.settings import BlockNames, Settings, TaskPolicy
from tests.support.templates import read_template, statements

ROOT = Path(__file__).parents[2]
WORKERS = {WARM_POOL: InteractionsWorker, STOCK_POOL: ProcessWorker}


def container() -> dict[str, Any]:
    """Return the worker's container."""
    (found,) = read_template("worker.yaml")["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    return dict(found)


def variables() -> dict[str, Any]:
    """Return the container's environment and secrets by name, the conditional ones included."""
    given = container()["Environment"] + container()["Secrets"]
    each = [item["Fn::If"][1] if "Fn::If" in item else item for item in given]
    return {item["Name"]: item.get("Value", item.get("ValueFrom")) for item in each}


def names(settings: type[BaseSettings]) -> set[str]:
    """Return the environment variables of a settings class."""
    prefix = str(settings.model_config.get("env_prefix") or "")
    return {f"{prefix}{name}".upper() for name in settings.model_fields}


def deployments() -> list[dict[str, Any]]:
    """Return the deployments of prefect.yaml."""
    return list(yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"])


def image() -> Iterator[list[str]]:
    """Yield the Dockerfile's instructions as words."""
    for line in (ROOT / "infra/Dockerfile").read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            yield line.split()


def command() -> list[str]:
    """Return the container's command with the template's defaults."""
    defaults = {n: str(p.get("Default", "")) for n, p in read_template("worker.yaml")["Parameters"].items()}
    return [word if isinstance(word, str) else defaults[word["Ref"]] for word in container()["Command"]]


@pytest.mark.parametrize("pool", WORKERS)
@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_the_job_variables_of_every_deployment_fit_either_pool(deployment: dict[str, Any], pool: str) -> None:
    """A worker of either type makes a job of every deployment, with its job variables."""
    worker: Any = WORKERS[pool]
    given = deployment["work_pool"].get("job_variables") or {}
    base = worker.get_default_base_job_template()
    assert set(given) <= set(base["variables"]["properties"])
    # As a worker does, but without resolving blocks, which needs a server.
    defaults = {n: p["default"] for n, p in base["variables"]["properties"].items() if "default" in p}
    job = worker.job_configuration(**apply_values(base["job_configuration"], defaults | given))
    assert job.env == given.get("env", {})


@pytest.mark.parametrize("deployment", deployments(), ids=lambda each: str(each["name"]))
def test_nothing_that_a_run_needs_is_in_job_variables(deployment: dict[str, Any]) -> None:
    """The warm worker starts no process, so a run has the container's environment, not the deployment's."""
    assert "job_variables" not in deployment["work_pool"]


def test_every_variable_of_the_container_is_read() -> None:
    """Each variable is a setting of the pipeline, the worker, Prefect or AWS."""
    ours = names(Settings) | names(TaskPolicy) | names(BlockNames) | names(WorkerSettings)
    prefects = {each.name for each in (PREFECT_API_URL, PREFECT_API_KEY, PREFECT_API_AUTH_STRING)}
    assert set(variables()) - ours == prefects | {"PREFECT_WORKER_WEBSERVER_HOST", "AWS_DEFAULT_REGION"}


def test_a_server_with_a_password_can_be_used() -> None:
    """The secret is a Cloud key, or the field auth_string that the bridge reads, as the variable of its own."""
    given = [each["Fn::If"] for each in container()["Secrets"] if "Fn::If" in each]
    key, password = [each for each in given if each[0] in {"HasPrefectKey", "HasPrefectPassword"}]
    assert key[1] == {"Name": "PREFECT_API_KEY", "ValueFrom": {"Ref": "PrefectSecretArn"}}
    assert password[1]["Name"] == "PREFECT_API_AUTH_STRING"
    assert password[1]["ValueFrom"] == {"Fn::Sub": "${PrefectSecretArn}:auth_string::"}


@pytest.mark.parametrize(
    "address", ["http://prefect.internal/api", "http://127.0.0.1:4200/api", "ftp://a/api"]
)
def test_no_secret_travels_in_the_open(address: str) -> None:
    """The Prefect API is reached by https only: CloudFormation refuses any other address."""
    pattern = read_template("worker.yaml")["Parameters"]["PrefectApiUrl"]["AllowedPattern"]
    assert re.fullmatch(pattern, "https://api.prefect.cloud/api/accounts/a/workspaces/b")
    assert not re.fullmatch(pattern, address)


def test_retention_and_dead_letters_reach_the_worker() -> None:
    """What a record's expiry and the watch over dead letters need is passed."""
    days = {"RETENTION_DAYS", "CONVERSATION_DAYS", "QUARANTINE_DAYS", "TOMBSTONE_DAYS"}
    assert days | {"DEAD_LETTER_QUEUE_URL"} <= set(variables())


def test_the_container_can_do_no_more_than_it_must() -> None:
    """Nothing can be written but in two volumes, of which one is Prefect's home; no capability, no root."""
    found = container()
    assert found["ReadonlyRootFilesystem"] is True
    assert found["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert found["User"] not in {"", "root", "0"}
    mounted = {each["ContainerPath"] for each in found["MountPoints"] if not each.get("ReadOnly")}
    assert mounted == {"/tmp", home()}  # noqa: S108 - the container's
    volumes = read_template("worker.yaml")["Resources"]["Task"]["Properties"]["Volumes"]
    assert {each["Name"] for each in volumes} == {each["SourceVolume"] for each in found["MountPoints"]}


def test_the_volumes_belong_to_the_user() -> None:
    """Fargate gives an empty volume the owner that the image's VOLUME has: without it only root could write."""
    (volumes,) = [json.loads(" ".join(words[1:])) for words in image() if words[0] == "VOLUME"]
    assert set(volumes) == {each["ContainerPath"] for each in container()["MountPoints"]}


def home() -> str:
    """Return the folder that the image gives Prefect."""
    (found,) = [word.split("=")[1] for words in image() for word in words if word.startswith("PREFECT_HOME=")]
    return found


def test_the_architecture_is_stated() -> None:
    """An image of another architecture would not start: the task says which one it is."""
    platform = read_template("worker.yaml")["Resources"]["Task"]["Properties"]["RuntimePlatform"]
    assert platform["OperatingSystemFamily"] == "LINUX"
    parameter = read_template("worker.yaml")["Parameters"][platform["CpuArchitecture"]["Ref"]]
    assert set(parameter["AllowedValues"]) == {"ARM64", "X86_64"}


def test_the_health_check_asks_the_worker_that_the_command_starts() -> None:
    """ECS and Docker run the same check, of the server that --with-healthcheck starts."""
    assert "--with-healthcheck" in command()
    (checked,) = [words for words in image() if words[0] == "HEALTHCHECK"]
    asks = json.loads(" ".join(checked[checked.index("CMD") + 1 :]))
    assert container()["HealthCheck"]["Command"] == ["CMD", *asks]
    assert asks == ["python", "-m", health.__name__]


def test_no_more_tasks_are_started_than_the_limit_has_work_for() -> None:
    """The live queue's limit holds for all workers together, so nothing adds tasks: a second one is for its fall."""
    template = read_template("worker.yaml")
    types = {each["Type"] for each in template["Resources"].values()}
    assert not [each for each in types if each.startswith(("AWS::ApplicationAutoScaling", "AWS::CloudWatch"))]
    assert int(template["Parameters"]["Workers"]["Default"]) * BATCHES_IN_FLIGHT <= 2 * BATCHES_IN_FLIGHT


def test_secrets_under_a_customers_key_can_be_read() -> None:
    """ECS may decrypt these secrets, under whichever key, and through Secrets Manager only."""
    (found,) = [
        each
        for each in statements(read_template("worker.yaml")["Resources"]["ExecutionRole"])
        if each["Action"] == "kms:Decrypt"
    ]
    conditions = found["Condition"]["StringEquals"]
    assert {"Ref": "GenesysSecretArn"} in conditions["kms:EncryptionContext:SecretARN"]
    assert "secretsmanager" in conditions["kms:ViaService"]["Fn::Sub"]


def test_several_tasks_share_one_request_budget_one_directory_and_one_bucket() -> None:
    """What has a default and is yet for every worker is set: the tables of request budget and names, the bucket."""
    shared = {"BUDGET_TABLE", "DIRECTORY_TABLE", "CONVERSATION_BUCKET", "ANALYTICS_DATABASE"}
    assert shared <= set(variables())


def test_secrets_come_from_secrets_manager_by_arn() -> None:
    """The OAuth client and the Prefect key are fetched by ECS; no environment value is a secret's parameter."""
    secret = [name for name in variables() if re.search("SECRET|KEY|CLIENT_ID|AUTH", name)]
    assert {each.get("Name") for each in container()["Environment"]}.isdisjoint(secret)
    parameters = read_template("worker.yaml")["Parameters"]
    assert all(
        "secretsmanager" in parameters[f"{name}SecretArn"]["AllowedPattern"]
        for name in ("Genesys", "Prefect", "CustomerKeys")
    )
    given = [each.get("Fn::If", [None, each])[1] for each in container()["Secrets"]]
    assert {each["Name"] for each in given} == set(secret)


def test_the_health_check_is_served_to_the_container_alone() -> None:
    """Its server needs no network: without the variable it would listen on every address."""
    assert variables()["PREFECT_WORKER_WEBSERVER_HOST"] == "127.0.0.1"


def test_a_stopped_task_has_time_to_reschedule_its_runs() -> None:
    """ECS waits longer before it kills a task than the worker waits for its runs; Fargate allows two minutes."""
    patience = WorkerSettings().drain_seconds
    assert 2 * patience < container()["StopTimeout"] <= 120


def test_the_command_is_a_worker_of_a_pool_that_apply_makes() -> None:
    """The service's command is that of the image: the warm pool, with the live queue's limit."""
    (cmd,) = [words for words in image() if words[0] == "CMD"]
    assert command() == json.loads(" ".join(cmd[1:]))
    pool = command()[command().index("--pool") + 1]
    assert pool in {each.name for each in POOLS}
    assert command()[command().index("--limit") + 1] == str(BATCHES_IN_FLIGHT)


def test_the_image_holds_what_the_deployments_name() -> None:
    """Every package of the project is copied and installed, so that entrypoints and the worker type are found."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copies = [words[1:] for words in image() if words[0] == "COPY" and not words[1].startswith("--from")]
    copied = {words[0] for words in copies}
    assert packages <= copied
    assert {each["entrypoint"].split(".")[0] for each in deployments()} <= packages
    assert project["project"]["entry-points"]["prefect.collections"]["interactions"].split(".")[0] in packages
    assert all((ROOT / word).exists() for words in copies for word in words[:-1])
    (user,) = [words[1] for words in image() if words[0] == "USER"]
    assert user == container()["User"]
