"""`python -m deployments apply` and `prefect deploy`, as a user runs them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.resources import STOCK_POOL
from deployments.sandbox import servers
from deployments.sandbox.stack import Sandbox
from tests.integration.sandbox import SCALED, Driver


def python(driver: Driver, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module's command in the sandbox."""
    return subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *command],
        env=driver.sandbox.environment() | {"COLUMNS": "200"} | variables,
        cwd=servers.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run(driver: Driver, *command: str) -> str:
    """Run a Python module's command in the sandbox, which must succeed; what it printed."""
    done = python(driver, *command)
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


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (
            "slack-webhook/nope",
            "there is no block slack-webhook/nope: make it in the Prefect UI under Blocks",
        ),
        ("no-such-type/nope", "there is no block no-such-type/nope"),
        ("secret/limits", "block secret/limits notifies nobody"),
    ],
)
def test_a_block_that_cannot_notify_is_named_before_anything_changes(
    driver: Driver, block: str, words: str
) -> None:
    """Nothing is applied by halves: the block is looked for first."""
    with temporary_settings({PREFECT_API_URL: driver.addresses.prefect_api_url}):
        Secret(value="x").save("limits", overwrite=True, _sync=True)  # type: ignore[call-arg]
    before = driver.api("/automations/filter", {})
    done = python(driver, "deployments", "apply", "--stuck-after", "299", "--notify", block)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(words)
    assert driver.api("/automations/filter", {}) == before


@pytest.mark.parametrize("path", ["", "/nope"])
def test_an_address_that_is_no_api_is_named(driver: Driver, path: str) -> None:
    """The address of the UI instead of the API's is the likeliest mistake."""
    done = python(driver, "deployments", "apply", PREFECT_API_URL=driver.sandbox.ui_url + path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{driver.sandbox.ui_url}{path} answered 404 to ")
    assert "Traceback" not in done.stderr


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
