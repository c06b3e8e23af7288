"""A sandbox whose Prefect server is a cluster: two API servers behind HAProxy, services apart, Postgres, Redis.

The settings are those of `infra/cluster/prefect.env`, with this machine's addresses. The bridge knows the first
API server only, so that runs are announced by another server than the one that a worker may listen to.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from deployments.sandbox import servers
from deployments.sandbox.processes import Child, SandboxError, free_port, run_to_end
from deployments.sandbox.sandbox import Sandbox

API_SERVERS = ("prefect", "prefect-2")
SERVICES = "prefect-services"
_PROGRAMS = ("redis-server", "haproxy")
_PREFECT = (sys.executable, "-m", "prefect", "server")
_UPGRADE_TIMEOUT = 120.0  # seconds; 6 s on two idle cores


class Cluster(Sandbox):
    """Two workers, and a Prefect server of several processes, each of which can end and be started again."""

    def __init__(self, folder: Path, **options: Any) -> None:
        """Take the options of Sandbox. Raises SandboxError where Redis or HAProxy is not installed."""
        super().__init__(folder, **{"workers": 2} | options)
        self._programs = {name: _program(name) for name in _PROGRAMS}
        self._ports = {name: free_port() for name in (*API_SERVERS, "redis")}

    def start_prefect(self) -> str:
        """Start each process of the Prefect server that does not run; return the address that all clients use.

        The first API server starts alone: two that meet an empty database both insert the block types.
        """
        new = not self.database.url
        if not self.start_database().startswith("postgresql"):
            raise SandboxError(
                "several API servers need Postgres, which cannot run here, as the line above says"
            )
        self._start_redis()
        if new:
            self._create_tables()
        for name in API_SERVERS:
            self.start_api_server(name)
        self.start_services()
        self._start_balancer()
        self._progress(
            f"prefect: {self._prefect_url}, which is {' or '.join(map(self._url_of, API_SERVERS))}"
        )
        return self._prefect_url

    def start_api_server(self, name: str) -> None:
        """Start one of API_SERVERS, unless it runs."""
        if self.runs(name):
            return
        settings = self._settings() | {
            "PREFECT_HOME": str(self.folder / name),
            "PREFECT_SERVER_UI_API_URL": self._prefect_url,
        }
        port, url = self._ports[name], self.database.url
        servers.prefect_server(self.folder, port, url, self.register, "--no-services", name=name, **settings)

    def start_services(self) -> None:
        """Start the services, unless they run: the scheduler, the automations, the late runs."""
        if not self.runs(SERVICES):
            command = [*_PREFECT, "services", "start"]
            self.register(Child(SERVICES, command, self._environment(), self._log(SERVICES)))

    @property
    def _bridge_prefect_url(self) -> str:
        return self._url_of(API_SERVERS[0])

    def _url_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}/api"

    def _log(self, name: str) -> Path:
        return self.folder / f"logs/{name}.log"

    def _settings(self) -> dict[str, str]:
        """Return the settings of infra/cluster/prefect.env with the addresses of this sandbox."""
        redis = str(self._ports["redis"])
        return servers.cluster_settings() | {
            "PREFECT_API_DATABASE_CONNECTION_URL": self.database.url,
            "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
            "PREFECT_REDIS_MESSAGING_PORT": redis,
            "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{redis}/1",
        }

    def _environment(self) -> dict[str, str]:
        return servers.prefect_server_environment(self.folder, self.database.url) | self._settings()

    def _create_tables(self) -> None:
        command = [*_PREFECT, "database", "upgrade", "-y"]
        run_to_end("`prefect server database upgrade`", command, self._environment(), _UPGRADE_TIMEOUT)

    def _start_redis(self) -> None:
        if self.runs("redis"):
            return
        port = self._ports["redis"]
        options = {"bind": "127.0.0.1", "port": str(port), "dir": str(self.folder), "save": ""}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        child = self.register(
            Child("redis", [self._programs["redis-server"], *words], os.environ, self._log("redis"))
        )
        child.wait_until_ready(lambda: servers.listens(port), servers.START_TIMEOUT)

    def _start_balancer(self) -> None:
        if self.runs("haproxy"):
            return
        addresses = {
            f"API_{number}": f"127.0.0.1:{self._ports[name]}" for number, name in enumerate(API_SERVERS, 1)
        }
        environment = os.environ | addresses | {"ADDRESS": f"127.0.0.1:{self._prefect_port}"}
        command = [self._programs["haproxy"], "-db", "-f", str(servers.CLUSTER / "haproxy.cfg")]
        child = self.register(Child("haproxy", command, environment, self._log("haproxy")))
        child.wait_until_ready(lambda: servers.responds(f"{self._prefect_url}/health"), servers.START_TIMEOUT)


def _program(name: str) -> str:
    """Return a program's path. Debian has HAProxy in a folder that is on root's path only."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if path is None:
        raise SandboxError(f"{name} is not installed: apt-get install redis-server haproxy")
    return path
