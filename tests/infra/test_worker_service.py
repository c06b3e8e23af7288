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
from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL
from prefect.utilities.templating import apply_values
from prefect.workers.process import ProcessWorker
from pydantic_settings import BaseSettings

from deployments.resources import BATCHES_IN_FLIGHT, POOLS, STOCK_POOL, WARM_POOL
from deployments.worker.settings import WorkerSettings
from deployments.worker.worker import InteractionsWorker
from tasks.settings import BlockNames, Settings, TaskPolicy
from tests.support.templates import read_template

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
    for line in (ROOT / "infra/Dockerfile").read_text().splitlines():
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
    prefects = {PREFECT_API_URL.name, PREFECT_API_KEY.name}
    assert set(variables()) - ours == prefects | {"AWS_DEFAULT_REGION"}


def test_several_tasks_share_one_request_budget_one_directory_and_one_bucket() -> None:
    """What has a default and is yet for every worker is set: the tables of request budget and names, the bucket."""
    shared = {"BUDGET_TABLE", "DIRECTORY_TABLE", "CONVERSATION_BUCKET", "ANALYTICS_DATABASE"}
    assert shared <= set(variables())


def test_secrets_come_from_secrets_manager_by_arn() -> None:
    """The OAuth client and the Prefect key are fetched by ECS; no environment value is a secret's parameter."""
    secret = [name for name in variables() if re.search("SECRET|KEY|CLIENT_ID", name)]
    assert {each.get("Name") for each in container()["Environment"]}.isdisjoint(secret)
    parameters = read_template("worker.yaml")["Parameters"]
    assert all(
        "secretsmanager" in parameters[f"{name}SecretArn"]["AllowedPattern"]
        for name in ("Genesys", "Prefect")
    )


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
    assert command()[-1] == str(BATCHES_IN_FLIGHT)


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
