"""A sandbox: start everything side by side, deploy into it, stop it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Self

import boto3

from deployments.resources import WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.addresses import Addresses
from deployments.sandbox.processes import Child, SandboxError, free_port, note
from infra.deployment import deploy

EVENT_BUS = "genesys-sandbox"
EVENT_SOURCE = "genesys.com/cloud/sandbox-org/sandbox"
DETAIL_TYPES = (
    "v2.detail.events.conversation.{id}.customer.end",
    "conversation.end",
    "Conversation Update",
)
STACK = "interactions"
PIDS = "pids"  # in the sandbox's folder: the process ids of all that it started
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"
_SLOW_COMMAND = 180.0  # seconds; `prefect deploy` imports all of Prefect first

Progress = Callable[[str], None]
Detour = Callable[[str, str], str]  # a server's name and address to the address that others are given for it


class Sandbox:
    """Use as a context manager; `up()` is done on entering, `down()` on leaving, whatever happened."""

    def __init__(
        self,
        folder: Path,
        *,
        progress: Progress = lambda _: None,
        pool: str = WARM_POOL,
        workers: int = 1,
        environment: dict[str, str] | None = None,
        detour: Detour = lambda _, url: url,
    ) -> None:
        self.folder = folder.resolve()
        self.pool = pool
        self.children: dict[str, Child] = {}
        self._progress = progress
        self._workers = workers
        self._extra = environment or {}  # settings of the workers, over the defaults
        self._detour = (
            detour  # for workers (aws, genesys, prefect) and bridge: something may stand in their way
        )
        self._prefect_port = free_port()
        self.addresses: Addresses

    def __enter__(self) -> Self:
        """Start everything, or stop what did start."""
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start the servers side by side, deploy, then start the workers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as threads:
            try:
                self._start_servers(threads)
            except BaseException:
                self.down()  # the other threads see their servers end, and end too
                raise
        self._deploy_flows()
        for number in range(1, self._workers + 1):
            self.start_worker(number)

    def down(self) -> None:
        """Stop every process by its id, the workers first."""
        while self.children:  # one by one: a thread that is still starting may add another meanwhile
            name = min(self.children, key=lambda name: not name.startswith("worker"))
            self.children.pop(name).stop()

    def start_worker(self, number: int = 1, **settings: str) -> Child:
        """Start a worker and wait until the server knows it."""
        self._progress(f"worker {number}")
        environment = self.environment() | self._detours() | settings
        return servers.worker(self.folder, environment, self.pool, number, self._adopt)

    def redeploy(self) -> None:
        """Do again what a release does: `python -m deployments apply`, then `prefect deploy --all`."""
        self._apply(self._prefect_url)
        self._deploy_flows()

    def start_prefect(self) -> str:
        """Start the Prefect server (again), on the port and database that it had."""
        url = servers.prefect_server(self.folder, self._prefect_port, self._adopt)
        self._progress(f"prefect: {url}")
        return url

    def environment(self) -> dict[str, str]:
        """The environment of a process that works in this sandbox."""
        worker = {
            "INTERACTIONS_POOL": self.pool,
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks",
        }
        known = servers.inherited() | servers.quiet_prefect(self.folder) | self.addresses.environment()
        return known | worker | self._extra

    def client(self, service: str) -> Any:
        """A boto3 client of the sandbox's AWS."""
        session: Any = self._session()  # the stubs know each service by name only
        return session.client(service, endpoint_url=self.addresses.aws_endpoint_url)

    @property
    def ui_url(self) -> str:
        """Where a browser finds the Prefect UI."""
        return self._prefect_url.removesuffix("/api")

    @property
    def _prefect_url(self) -> str:
        return f"http://127.0.0.1:{self._prefect_port}/api"

    def _adopt(self, child: Child) -> Child:
        self.children[child.name] = child
        note(self.folder / PIDS, child)
        return child

    def _start_servers(self, threads: ThreadPoolExecutor) -> None:
        aws = threads.submit(servers.emulator, self.folder, self._adopt)
        genesys = threads.submit(servers.genesys, self.folder, self._adopt)
        prefect = threads.submit(self.start_prefect)
        deployed = threads.submit(lambda: self._deploy_infra(aws.result(), self._prefect_url))
        applied = threads.submit(lambda: self._apply(prefect.result()))
        started: list[Future[Any]] = [aws, genesys, prefect, deployed, applied]
        for future in as_completed(started):
            future.result()
        self.addresses = self._addresses(aws.result(), prefect.result(), genesys.result(), deployed.result())

    @staticmethod
    def _session() -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
            region_name=servers.AWS["AWS_DEFAULT_REGION"],
        )

    def _deploy_infra(self, endpoint_url: str, prefect_url: str) -> dict[str, str]:
        """Deploy production's template, with a bus of our own: the emulator has no partner bus, nor archives."""
        self._progress("infra: deploying infra/template.yaml")
        return deploy(
            STACK,
            {
                "BusMode": "own",
                "BusName": EVENT_BUS,
                "EventSources": [EVENT_SOURCE, "com.genesyscloud.platform", "gen.cloud.events"],
                "DetailTypes": list(DETAIL_TYPES),
                "Archive": False,
                "SettleSeconds": 0,
                "VisibilitySeconds": int(self._extra.get("SANDBOX_VISIBILITY_SECONDS", "180")),
                "PrefectApiUrl": self._detour("bridge", prefect_url),
            },
            session=self._session(),
            endpoint_url=endpoint_url,
            poll=0.2,
        )

    def _addresses(self, aws: str, prefect: str, genesys: str, outputs: dict[str, str]) -> Addresses:
        return Addresses(
            prefect_api_url=prefect,
            aws_endpoint_url=aws,
            aws_default_region=servers.AWS["AWS_DEFAULT_REGION"],
            aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
            event_bus=outputs["EventBusName"],
            event_source=EVENT_SOURCE,
            interaction_table=outputs["InteractionTableName"],
            quarantine_table=outputs["QuarantineTableName"],
            budget_table=outputs["BudgetTableName"],
            conversation_bucket=outputs["ConversationBucketName"],
            buffer_queue_url=outputs["BufferQueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            genesys_login_url=genesys,
            genesys_api_url=genesys,
            genesys_client_id=CLIENT_ID,
            genesys_client_secret=CLIENT_SECRET,
        )

    def _detours(self) -> dict[str, str]:
        """What workers are told of the servers in place of their own addresses."""
        genesys = self._detour("genesys", self.addresses.genesys_api_url)
        return {
            "AWS_ENDPOINT_URL": self._detour("aws", self.addresses.aws_endpoint_url),
            "GENESYS_LOGIN_URL": genesys,
            "GENESYS_API_URL": genesys,
            "PREFECT_API_URL": self._detour("prefect", self._prefect_url),
        }

    def _apply(self, prefect_url: str) -> None:
        self._progress("prefect: python -m deployments apply")
        after = {"lost": "90", "stuck": "300", "crashed": "60"}
        options = [
            word
            for name, default in after.items()
            for word in (f"--{name}-after", self._extra.get(f"SANDBOX_{name.upper()}_AFTER", default))
        ]
        self._run("deployments", "apply", *options, PREFECT_API_URL=prefect_url)

    def _deploy_flows(self) -> None:
        self._progress("deployments: prefect deploy --all")
        self._run("prefect", "--no-prompt", "deploy", "--all")

    def _run(self, module: str, *arguments: str, **settings: str) -> None:
        """Run a Python module's command in the sandbox, from the project's root."""
        base = servers.inherited() | servers.quiet_prefect(self.folder) | {"INTERACTIONS_POOL": self.pool}
        base |= self._extra  # apply holds its times against the workers' heartbeat
        environment = (self.environment() if hasattr(self, "addresses") else base) | settings
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", module, *arguments],
            env=environment,
            cwd=servers.ROOT,
            capture_output=True,
            text=True,
            timeout=_SLOW_COMMAND,
            check=False,
        )
        if done.returncode:
            output = (done.stdout + done.stderr).strip()[-3000:]
            raise SandboxError(f"`python -m {module} {' '.join(arguments)}` failed:\n{output}")
