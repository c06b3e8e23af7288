"""`python -m deployments apply` and `prefect deploy`, as a user runs them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from deployments.resources import STOCK_POOL
from deployments.sandbox import servers
from deployments.sandbox.stack import Sandbox
from tests.integration.sandbox import SCALED, Driver


def run(driver: Driver, *command: str) -> str:
    """Run a Python module's command in the sandbox; what it printed."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *command],
        env=driver.sandbox.environment() | {"COLUMNS": "200"},
        cwd=servers.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_applying_again_changes_nothing_and_says_so(driver: Driver) -> None:
    """Everything is there already; what a person set in the UI stays as it is."""
    url = f"{driver.addresses.prefect_api_url}/v2/concurrency_limits/genesys-requests-background"
    before = requests.get(url, timeout=10).json()["limit"]
    requests.patch(url, json={"limit": 60}, timeout=10).raise_for_status()
    try:
        printed = run(driver, "deployments", "apply", "--lost-after", "90")
        assert "nothing changed" in printed
        assert "genesys-requests-background" in printed
        assert requests.get(url, timeout=10).json()["limit"] == 60
    finally:
        requests.patch(url, json={"limit": before}, timeout=10).raise_for_status()


def test_a_missing_limit_and_an_unlimited_queue_are_made_again(driver: Driver) -> None:
    """Apply mends what is missing: a deleted limit, a queue whose bound was taken away."""
    api = driver.addresses.prefect_api_url
    queues = driver.api("/work_pools/interactions/queues/filter", {})
    operations = next(queue for queue in queues if queue["name"] == "operations")
    requests.delete(f"{api}/v2/concurrency_limits/store-writes", timeout=10).raise_for_status()
    url = f"{api}/work_pools/interactions/queues/operations"
    requests.patch(url, json={"concurrency_limit": None}, timeout=10).raise_for_status()
    run(driver, "deployments", "apply", "--lost-after", "90")
    assert requests.get(f"{api}/v2/concurrency_limits/store-writes", timeout=10).json()["limit"] > 0
    assert requests.get(url, timeout=10).json()["concurrency_limit"] == operations["concurrency_limit"]


def test_every_deployment_is_on_the_queue_that_is_meant_for_it(driver: Driver) -> None:
    """Nothing bulk delays live traffic: live, replay and operations are queues of their own, each bounded."""
    found = {d["name"]: d["work_queue_name"] for d in driver.api("/deployments/filter", {})}
    assert found == {"live": "live", "replay": "replay", "reconcile": "operations", "erase": "operations"}
    queues = driver.api("/work_pools/interactions/queues/filter", {})
    limits = {
        queue["name"]: queue["concurrency_limit"] for queue in queues if queue["name"] in found.values()
    }
    assert limits["live"] == 10
    assert all(limits.values())


@pytest.mark.long
def test_the_same_deployments_run_on_the_stock_pool_by_one_variable(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """INTERACTIONS_POOL=interactions-process: Prefect's own process worker takes the same events the same way."""
    folder = tmp_path_factory.mktemp("stock")
    with Sandbox(folder, pool=STOCK_POOL, environment=SCALED) as sandbox:
        driver = Driver(sandbox)
        id_ = driver.end()
        assert driver.until(lambda: driver.settled(id_), 120)["attempt"] == 1
        driver.simulator("faults", not_settled_for=3)
        late = driver.end()
        assert driver.until(lambda: driver.settled(late), 150)["attempt"] >= 2
