"""The commands of the sandbox's processes, and how each one shows that it is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from deployments.sandbox.processes import Child, free_port

AWS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox-secret-access-key",  # a dummy, with a spelling of its own to search for
}
_START_SECONDS = 120.0  # Prefect makes its database first: 14 s on two idle cores, more on busy ones
ROOT = Path(__file__).parents[2]

Adopt = Callable[[Child], Child]  # hears of a process as soon as it runs, so that it can be stopped


def quiet_prefect(folder: Path) -> dict[str, str]:
    """Settings that keep Prefect in its folder and on this machine."""
    home = folder / "prefect"
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONPATH": str(ROOT),
    }


def inherited() -> dict[str, str]:
    """This process's environment without what would lead a child to another Prefect or AWS."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "AWS_"))}


def emulator(folder: Path, adopt: Adopt) -> str:
    """Start the AWS emulator; its endpoint."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = inherited() | AWS
    environment |= {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    # Without IOT_MTLS_ENABLED=0 it would listen on a port of all interfaces. What it logs is its own trouble.
    environment |= {"IOT_MTLS_ENABLED": "0", "LOG_LEVEL": "WARNING", "PYTHONPATH": str(ROOT)}
    child = adopt(
        Child(
            "emulator",
            [sys.executable, "-m", "deployments.sandbox.emulator"],
            environment,
            folder / "logs/emulator.log",
        )
    )
    child.await_ready(lambda: answers(f"{url}/_ministack/health"), _START_SECONDS)
    return url


def genesys(folder: Path, adopt: Adopt) -> str:
    """Start the Genesys Cloud simulator; its origin."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "deployments.sandbox.genesys", "--port", str(port)]
    child = adopt(
        Child("genesys", command, inherited() | {"PYTHONPATH": str(ROOT)}, folder / "logs/genesys.log")
    )
    child.await_ready(lambda: answers(f"{url}/_sim"), _START_SECONDS)
    return url


def prefect_server(folder: Path, port: int, adopt: Adopt) -> str:
    """Start the Prefect server; its API. Started again on the same port it goes on where it was."""
    url = f"http://127.0.0.1:{port}/api"
    environment = inherited() | quiet_prefect(folder)
    environment |= {
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",  # it has the browser ask a host of its analytics
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT5S",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    }
    command = [
        sys.executable,
        "-m",
        "deployments.sandbox.prefect_on_sqlite",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    child = adopt(Child("prefect", command, environment, folder / "logs/prefect.log"))
    child.await_ready(lambda: answers(f"{url}/health"), _START_SECONDS)
    return url


def worker(folder: Path, environment: dict[str, str], pool: str, number: int, adopt: Adopt) -> Child:
    """A worker of the pool; ready once the server has heard of it."""
    name = f"sandbox-{number}"
    command = [
        sys.executable,
        "-m",
        "prefect",
        "worker",
        "start",
        "--pool",
        pool,
        "--name",
        name,
        "--limit",
        "10",
    ]
    child = adopt(Child(f"worker {number}", command, environment, folder / f"logs/worker-{number}.log"))
    url = f"{environment['PREFECT_API_URL']}/work_pools/{pool}/workers/filter"
    child.await_ready(lambda: name in online(url), _START_SECONDS)
    return child


def online(url: str) -> list[str]:
    """The names of a pool's workers that have sent a heartbeat lately."""
    try:
        answer = requests.post(url, json={}, timeout=5)
        return [entry["name"] for entry in answer.json() if entry["status"] == "ONLINE"]
    except (requests.RequestException, ValueError):
        return []


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
