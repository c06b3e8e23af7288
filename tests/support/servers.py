"""Servers that a test starts: an emulator of AWS, and a wait until a server answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployments.sandbox.processes import free_port


@contextmanager
def running_emulator(module: str = "ministack") -> Iterator[str]:
    """Run an AWS emulator, by its module, and yield its address; it gets no settings of the environment."""
    port = free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PREFECT_", "INFRA_"))}
    environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    environment |= {"IOT_MTLS_ENABLED": "0"}  # else it listens on a port of all interfaces
    process = subprocess.Popen(  # noqa: S603 - a module that a test names
        [sys.executable, "-m", module],
        env=inherited | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_ministack/health", process, 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Return when the address answers 200; fail the test when the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"no answer from {url} within {seconds} s")
