"""A worker that cannot work takes no runs, from outside: wrong settings, what does not answer yet."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

from deployments.sandbox.processes import free_port
from tasks.concurrency import GENESYS_REQUESTS
from tests.support.prefect_server import ROOT, PrefectServer, process, running_server
from tests.support.worker import FAST, PROBES, Stand, eventually, new_stand

BOTH = f"flows,{PROBES}"  # the product's flows need the settings, the probes show whether a run is taken up
SETTINGS = {
    "WORKER_FLOW_PACKAGES": BOTH,
    "GENESYS_CLIENT_ID": "client",
    "GENESYS_CLIENT_SECRET": "what-nobody-may-read",
    "INTERACTION_TABLE": "interactions",
    "QUARANTINE_TABLE": "quarantine",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}


class Everything(BaseHTTPRequestHandler):
    """Answers like an empty table, and like any host: `{}`. Genesys takes one secret, and counts the others."""

    secret = SETTINGS["GENESYS_CLIENT_SECRET"]
    refusals = 0

    def do_POST(self) -> None:
        """Answer, with a token to the right secret."""
        self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path != "/oauth/token":
            self._answer(200, b"{}")
        elif self._secret() == Everything.secret:
            self._answer(200, b'{"access_token": "abc", "expires_in": 86400}')
        else:
            Everything.refusals += 1
            self._answer(401, b'{"error": "invalid_client"}')

    def _secret(self) -> str:
        pair = base64.b64decode(self.headers["authorization"].removeprefix("Basic "))
        return pair.decode().partition(":")[2]

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Answer with an error: Genesys can be reached."""
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(port: int) -> Iterator[None]:
    """Serve on a port of the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Everything)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


async def test_a_worker_that_is_started_in_an_outage_comes_up_by_itself(server: PrefectServer) -> None:
    """Tables and Genesys do not answer: it says so once, the pool knows no worker; the run is taken up later."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    away = dict.fromkeys(("AWS_ENDPOINT_URL", "GENESYS_LOGIN_URL", "GENESYS_API_URL"), url)
    stand = await new_stand(server)
    log = server.home / f"worker-{stand.pool}.log"
    with stand.worker(4, within=(), options=(), **(SETTINGS | away)):
        run = await stand.start("quick")

        async def waits() -> bool:
            return "No run is taken up" in log.read_text(encoding="utf-8")

        await eventually(waits, 180)
        assert (await stand.read(run)).state_name in ("Scheduled", "Late")
        async with stand.client() as client:
            assert await client.read_workers_for_work_pool(stand.pool) == []
        with serving(port):
            await stand.until(run, "Completed", 180)
    said = log.read_text(encoding="utf-8")
    assert said.count("No run is taken up") == 1
    assert "runs are taken up" in said


async def test_a_secret_that_genesys_refuses_holds_the_worker_until_it_is_right(
    server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so once, without the secret, takes no run and asks again; once Genesys takes it the run is taken up."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    there = dict.fromkeys(("AWS_ENDPOINT_URL", "GENESYS_LOGIN_URL", "GENESYS_API_URL"), url)
    monkeypatch.setattr(Everything, "secret", "another one")
    monkeypatch.setattr(Everything, "refusals", 0)
    stand = await new_stand(server)
    async with stand.client() as client:
        limit = GlobalConcurrencyLimitCreate(name=GENESYS_REQUESTS, limit=300)
        await client.create_global_concurrency_limit(limit)
    log = server.home / f"worker-{stand.pool}.log"
    with serving(port), stand.worker(4, within=(), options=(), **(SETTINGS | there)):
        run = await stand.start("quick")

        async def asked_twice() -> bool:
            return Everything.refusals > 1

        await eventually(asked_twice, 180)
        assert (await stand.read(run)).state_name in ("Scheduled", "Late")
        async with stand.client() as client:
            assert await client.read_workers_for_work_pool(stand.pool) == []
        Everything.secret = SETTINGS["GENESYS_CLIENT_SECRET"]
        await stand.until(run, "Completed", 180)
    said = log.read_text(encoding="utf-8")
    assert said.count("No run is taken up") == 1
    assert "refused the OAuth client client with 401" in said
    assert SETTINGS["GENESYS_CLIENT_SECRET"] not in said


async def test_wrong_settings_are_a_line_each_and_the_pool_hears_of_no_worker(
    server: PrefectServer, tmp_path: Path
) -> None:
    """Exit code 2, each variable with the next step, no value."""
    stand = await new_stand(server)
    wrong = {"INTERACTION_TABLE": "", "DEFERRAL_INTERVAL": "never", "GENESYS_BATCH_SIZE": "9000"}
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", stand.pool]
    environment = server.environment(**(SETTINGS | wrong), HOME=str(tmp_path))
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("this worker cannot work")]
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert {line.split(": ")[1].split()[0] for line in lines} == set(wrong)
    assert [line for line in lines if "INTERACTION_TABLE" in line and "interactions outputs" in line]
    assert not [line for line in lines if "never" in line or "9000" in line]
    async with stand.client() as client:
        assert await client.read_workers_for_work_pool(stand.pool) == []


async def test_a_worker_that_is_started_while_prefect_is_away_comes_up_by_itself(tmp_path: Path) -> None:
    """Its type is named, so nothing is asked of Prefect before: it says once that Prefect is away, and waits."""
    homes = [tmp_path / name for name in ("worker", "server")]
    for home in homes:
        home.mkdir()
    port, log, away = free_port(), tmp_path / "worker.log", "Prefect's API"
    nowhere = PrefectServer(api_url=f"http://127.0.0.1:{port}/api", home=homes[0])
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "late", "--type", "interactions"]

    async def waits() -> bool:
        return away in log.read_text(encoding="utf-8")

    with process(command, nowhere.environment(**FAST), log):
        await eventually(waits, 180)
        with running_server(homes[1], port) as server:
            stand = Stand(server, "late")

            async def is_known() -> bool:
                async with stand.client() as client:
                    pools = await client.read_work_pools()
                    return bool(pools and await client.read_workers_for_work_pool("late"))

            await eventually(is_known, 180)
            await stand.until(await stand.start("quick"), "Completed", 180)
    assert log.read_text(encoding="utf-8").count(away) == 1
