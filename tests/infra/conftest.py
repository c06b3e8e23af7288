"""What the tests of the infrastructure share: the bridge's folder on the path, and an emulator of AWS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

# A Lambda's folder is flat: its modules import each other by their bare names.
sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "bridge"))

from tests.infra.bridge_stand import bridge, prefect  # noqa: F401 - fixtures; they need the path above


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Return when the address answers 200; fail when the process ends first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"no answer from {url} within {seconds} s")


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """Return the address of an emulator of AWS that lives as long as the session."""
    port = free_port()
    environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    environment |= {"IOT_MTLS_ENABLED": "0"}  # else it listens on a port of all interfaces
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_ministack/health", process, 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
