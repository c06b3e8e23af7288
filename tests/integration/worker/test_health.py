"""A worker as infra/worker.yaml starts it, from outside: health check, locked server, a home that is not written."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from deployments.sandbox.processes import free_port
from tests.support.prefect_server import running_server
from tests.support.worker import eventually, new_stand


async def is_healthy(port: int) -> bool:
    """Return whether the command that ECS runs says so."""
    command = [sys.executable, "-m", "deployments.worker.health"]
    environment = os.environ | {
        "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    done = await asyncio.to_thread(subprocess.run, command, env=environment, check=False, timeout=180)
    return done.returncode == 0


async def test_a_worker_of_a_locked_server_is_well_until_it_stands_still(tmp_path: Path) -> None:
    """It takes runs up, the second one as it is announced; the check fails without it and while it is stopped."""
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    locked = {"PREFECT_SERVER_API_AUTH_STRING": "somebody:a-password"}
    with running_server(tmp_path, settings=locked) as server:
        stand = await new_stand(server)
        assert not await is_healthy(port)
        with stand.worker(
            options=("--with-healthcheck",),
            HOME=str(home),
            PREFECT_WORKER_QUERY_SECONDS="3600",
            PREFECT_WORKER_WEBSERVER_HOST="127.0.0.1",
            PREFECT_WORKER_WEBSERVER_PORT=str(port),
        ) as child:
            await stand.until(await stand.start("quick"), "Completed", seconds=180)
            # Its next poll is an hour away.
            await stand.until(await stand.start("quick"), "Completed", seconds=180)
            await eventually(lambda: is_healthy(port), seconds=180)
            child.send_signal(signal.SIGSTOP)
            try:
                assert not await is_healthy(port)
            finally:
                child.send_signal(signal.SIGCONT)
            await eventually(lambda: is_healthy(port), seconds=180)
    assert list(home.iterdir()) == []  # with a read-only root it could not be written
