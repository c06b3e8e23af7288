"""`python -m deployments apply` and `prefect deploy --all` on a running sandbox."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.resources import STOCK_POOL, WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.sandbox import Sandbox
from tests.support.preloaded import run_python
from tests.support.sandbox import SCALED, SandboxDriver


def python(driver: SandboxDriver, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m ...` with the sandbox's environment."""
    known = driver.sandbox.environment() | {"COLUMNS": "200"} | variables
    return run_python("-m", *command, environment=known)


def run(driver: SandboxDriver, *command: str) -> str:
    """Run `python -m ...`, which must succeed; return what it printed."""
    done = python(driver, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_applying_again_changes_nothing_and_says_so(driver: SandboxDriver) -> None:
    """With everything in place nothing is changed; a limit that was set in the UI stays."""
    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/genesys-requests-background"
    before = requests.get(url, timeout=60).json()["limit"]
    requests.patch(url, json={"limit": 60}, timeout=60).raise_for_status()
    try:
        printed = run(driver, "deployments", "apply", "--lost-after", "90")
        assert "nothing changed" in printed
        assert "genesys-requests-background" in printed
        told = json.loads(run(driver, "deployments", "apply", "--lost-after", "90", "--json"))
        assert {each["done"] for each in told} == {"unchanged"}
        assert "genesys-requests-background" in {each["name"] for each in told}
        assert requests.get(url, timeout=60).json()["limit"] == 60
    finally:
        requests.patch(url, json={"limit": before}, timeout=60).raise_for_status()


def test_a_deleted_limit_and_a_queues_removed_limit_are_restored(driver: SandboxDriver) -> None:
    """Apply creates a deleted concurrency limit and sets a queue's removed concurrency limit again."""
    api = driver.addresses.prefect_api_url
    queues = driver.api("/work_pools/interactions/queues/filter", {})
    operations = next(queue for queue in queues if queue["name"] == "operations")
    requests.delete(f"{api}/v2/concurrency_limits/store-writes", timeout=60).raise_for_status()
    url = f"{api}/work_pools/interactions/queues/operations"
    requests.patch(url, json={"concurrency_limit": None}, timeout=60).raise_for_status()
    run(driver, "deployments", "apply", "--lost-after", "90")
    assert requests.get(f"{api}/v2/concurrency_limits/store-writes", timeout=60).json()["limit"] > 0
    assert requests.get(url, timeout=60).json()["concurrency_limit"] == operations["concurrency_limit"]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            "slack-webhook/nope",
            "there is no block slack-webhook/nope: make it in the Prefect UI under Blocks",
        ),
        ("no-such-type/nope", "there is no block no-such-type/nope"),
        ("secret/limits", "block secret/limits cannot notify"),
    ],
)
def test_a_block_that_cannot_notify_is_named_before_anything_changes(
    driver: SandboxDriver, block: str, words: str
) -> None:
    """An unusable notification block is an error before anything is applied."""
    with temporary_settings({PREFECT_API_URL: driver.addresses.prefect_api_url}):
        Secret(value="x").save("limits", overwrite=True, _sync=True)  # type: ignore[call-arg]
    before = driver.api("/automations/filter", {})
    done = python(driver, "deployments", "apply", "--stuck-after", "299", "--notify", block)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(words)
    assert driver.api("/automations/filter", {}) == before


@pytest.mark.parametrize("path", ["", "/nope"])
def test_an_address_without_an_api_is_an_error_that_names_it(driver: SandboxDriver, path: str) -> None:
    """PREFECT_API_URL without /api, the UI's address, is an error that quotes the address and the 404."""
    address = driver.addresses.prefect_api_url.removesuffix("/api") + path
    done = python(driver, "deployments", "apply", PREFECT_API_URL=address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{address} answered 404 to ")
    assert "Traceback" not in done.stderr


def test_only_the_chosen_pool_is_created(driver: SandboxDriver) -> None:
    """Apply creates the pool that the variable names, and no other of the project's."""
    names = {pool["name"] for pool in driver.api("/work_pools/filter", {})}
    assert names & {WARM_POOL, STOCK_POOL} == {WARM_POOL}


def test_a_schedule_that_leaves_prefect_yaml_leaves_the_server(driver: SandboxDriver, tmp_path: Path) -> None:
    """`prefect deploy` clears the schedules of a deployment whose list is empty."""
    without = yaml.safe_load((servers.ROOT / "prefect.yaml").read_text())
    for deployment in without["deployments"]:
        deployment["schedules"] = []
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(without))
    deploy = ("prefect", "--no-prompt", "deploy", "--name", "reconcile")
    try:
        run(driver, *deploy, "--prefect-file", str(tmp_path / "prefect.yaml"))
        assert reconcile_schedules(driver) == []
    finally:
        run(driver, *deploy)
        driver.pause_schedules()  # the next test is to meet no run of theirs
    assert len(reconcile_schedules(driver)) == 2


def reconcile_schedules(driver: SandboxDriver) -> list[dict[str, Any]]:
    """Return the schedules of the deployment `reconcile`."""
    (found,) = driver.api("/deployments/filter", {"deployments": {"name": {"any_": ["reconcile"]}}})
    schedules: list[dict[str, Any]] = found["schedules"]
    return schedules


def test_every_deployment_has_its_work_queue(driver: SandboxDriver) -> None:
    """Each kind of work has a work queue, with a concurrency limit: bulk work delays no live run."""
    found = {d["name"]: d["work_queue_name"] for d in driver.api("/deployments/filter", {})}
    operations = dict.fromkeys(("reconcile", "erase", "refresh"), "operations")
    assert found == {"live": "live", "replay": "replay", "publish": "publish"} | operations
    queues = driver.api("/work_pools/interactions/queues/filter", {})
    limits = {
        queue["name"]: queue["concurrency_limit"] for queue in queues if queue["name"] in found.values()
    }
    assert (limits["live"], limits["publish"]) == (10, 1)
    assert all(limits.values())


@pytest.mark.long
def test_the_same_deployments_run_on_the_stock_pool_by_one_variable(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With INTERACTIONS_POOL=interactions-process a process worker of Prefect's own saves and defers likewise."""
    folder = tmp_path_factory.mktemp("stock")
    with Sandbox(folder, pool=STOCK_POOL, environment=SCALED) as sandbox:
        driver = SandboxDriver(sandbox)
        id_ = driver.end()
        assert driver.until_settled(id_)["attempt"] == 1
        driver.simulator("faults", not_settled_for=3)
        late = driver.end()
        assert driver.until_settled(late)["attempt"] >= 2
