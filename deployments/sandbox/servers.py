"""The sandbox's processes: the command, environment and readiness check of each."""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import requests
from dotenv import dotenv_values

from deployments.sandbox.processes import Child, OnStart, free_port

AWS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox-secret-access-key",  # a dummy; a unique string, so that tests can search for it
}
START_TIMEOUT = 120.0  # seconds; Prefect creates its tables first: 10 s on two idle cores
UNCOMPRESSED = {"PREFECT_CLIENT_CUSTOM_HEADERS": '{"Accept-Encoding": "identity"}'}
"""Of a worker beside its server, which else compresses half a megabyte of parameters for each run, twice."""
ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "infra/cluster"


def prefect_settings(folder: Path) -> dict[str, str]:
    """Settings that keep Prefect's files in the folder and its telemetry off."""
    home = folder / "prefect"
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONPATH": str(ROOT),
    }


def inherited_environment() -> dict[str, str]:
    """This process's environment without the settings of another Prefect or AWS."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "AWS_"))}


def can_publish() -> bool:
    """Whether the extra `analytics` is installed, which `make demo` does without."""
    return find_spec("pyiceberg") is not None


def emulator(folder: Path, on_start: OnStart) -> str:
    """Start the AWS emulator; return its endpoint URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = inherited_environment() | AWS
    environment |= {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    # IOT_MTLS_ENABLED=0: else it listens on a port of all interfaces.
    environment |= {"IOT_MTLS_ENABLED": "0", "LOG_LEVEL": "WARNING", "PYTHONPATH": str(ROOT)}
    child = on_start(
        Child(
            "emulator",
            [sys.executable, "-m", "deployments.sandbox.patches.emulator"],
            environment,
            folder / "logs/emulator.log",
        )
    )
    child.wait_until_ready(lambda: responds(f"{url}/_ministack/health"), START_TIMEOUT)
    return url


def genesys(folder: Path, on_start: OnStart) -> str:
    """Start the Genesys Cloud simulator; return its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "deployments.sandbox.genesys", "--port", str(port)]
    child = on_start(
        Child(
            "genesys",
            command,
            inherited_environment() | {"PYTHONPATH": str(ROOT)},
            folder / "logs/genesys.log",
        )
    )
    child.wait_until_ready(lambda: responds(f"{url}/_sim"), START_TIMEOUT)
    return url


def prefect_server(
    folder: Path,
    port: int,
    database_url: str,
    on_start: OnStart,
    *words: str,
    name: str = "prefect",
    **settings: str,
) -> str:
    """Start a Prefect server on a database, with more words and settings; return its API URL."""
    url = f"http://127.0.0.1:{port}/api"
    environment = prefect_server_environment(folder, database_url) | {
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_UI_API_URL": url,
    }
    command = [sys.executable, "-m", "deployments.sandbox.patches.prefect_ui", "server", "start"]
    command += ["--host", "127.0.0.1", "--port", str(port), *words]
    child = on_start(Child(name, command, environment | settings, folder / f"logs/{name}.log"))
    child.wait_until_ready(lambda: responds(f"{url}/health"), START_TIMEOUT)
    return url


def prefect_server_environment(folder: Path, database_url: str) -> dict[str, str]:
    """The environment of a Prefect server, and of its services where they run apart."""
    return (
        inherited_environment()
        | prefect_settings(folder)
        | {
            "PREFECT_API_DATABASE_CONNECTION_URL": database_url,
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT5S",
        }
        | {k: v for k, v in cluster_settings().items() if k.startswith("PREFECT_SERVER_SERVICES_")}
    )


def cluster_settings() -> dict[str, str]:
    """Return the settings of a cluster's servers; how their services work is right for one server, too."""
    return {name: value or "" for name, value in dotenv_values(CLUSTER / "prefect.env").items()}


def worker(folder: Path, environment: dict[str, str], pool: str, number: int, on_start: OnStart) -> Child:
    """Start a worker of the pool and wait until the server lists it as online."""
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
    environment = environment | UNCOMPRESSED
    child = on_start(Child(f"worker {number}", command, environment, folder / f"logs/worker-{number}.log"))
    url = f"{environment['PREFECT_API_URL']}/work_pools/{pool}/workers/filter"
    child.wait_until_ready(lambda: name in online_workers(url), START_TIMEOUT)
    return child


def online_workers(url: str) -> list[str]:
    """The names of a pool's workers with the status ONLINE; none if the server does not respond."""
    try:
        answer = requests.post(url, json={}, timeout=5)
        return [entry["name"] for entry in answer.json() if entry["status"] == "ONLINE"]
    except (requests.RequestException, ValueError):
        return []


def listens(port: int) -> bool:
    """Whether a port of 127.0.0.1 accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def responds(url: str) -> bool:
    """Whether a GET of the URL succeeds."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
