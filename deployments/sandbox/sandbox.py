"""Sandbox: starts the servers in parallel, deploys infrastructure and flows into them, and stops them."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Self

import boto3

from deployments.resources import WARM_POOL
from deployments.sandbox import servers
from deployments.sandbox.database import PrefectDatabase
from deployments.sandbox.environment import Addresses
from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.processes import Child, SandboxError, free_port, record_pid, run_to_end
from infra.stack.deploy import deploy

EVENT_BUS = "genesys-sandbox"
EVENT_SOURCE = "genesys.com/cloud/sandbox-org/sandbox"
DETAIL_TYPES = (
    "v2.detail.events.conversation.{id}.customer.end",
    "conversation.end",
    "Conversation Update",
)
STACK = "interactions"
PIDS = "pids"  # the file, in the sandbox's folder, of its processes' ids
_COMMAND_TIMEOUT = 180.0  # seconds; importing Prefect takes most of it on a busy machine

Progress = Callable[[str], None]
ProxyUrl = Callable[[str, str], str]  # name and URL of a server -> the URL that its clients use


class Sandbox:
    """A context manager: entering starts everything, leaving stops it."""

    def __init__(
        self,
        folder: Path,
        *,
        progress: Progress = lambda _: None,
        pool: str = WARM_POOL,
        workers: int = 1,
        environment: dict[str, str] | None = None,
        proxy_url: ProxyUrl = lambda _, url: url,
        database_url: str = "",
    ) -> None:
        self.folder = folder.resolve()
        self.pool = pool
        self.children: dict[str, Child] = {}
        self._clients: dict[str, Any] = {}
        self._progress = progress
        self._workers = workers
        self._extra = environment or {}  # settings of the workers, over the defaults
        self._proxy_url = proxy_url  # for the workers (aws, genesys, prefect) and the bridge
        self._prefect_port = free_port()
        self._stopping = False
        self.database = PrefectDatabase(self.folder, progress, database_url)
        self.addresses: Addresses

    def __enter__(self) -> Self:
        """Start everything. If that fails, stop what was started."""
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start the servers in parallel, deploy the flows, then start the workers."""
        self._stopping = False
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as threads:
            try:
                self._start_servers(threads)
            except BaseException:
                self.down()  # ends the other threads, too: their processes are gone, and no other may start
                raise
        self._deploy_flows()
        for number in range(1, self._workers + 1):
            self.start_worker(number)

    def down(self) -> None:
        """Stop every process by its id: the workers first, Postgres and Redis after their clients."""
        self._stopping = True
        while self._clients:
            self._clients.popitem()[1].close()
        while self.children:
            name = min(self.children, key=_stop_order)
            self.children.pop(name).stop()

    def runs(self, name: str) -> bool:
        """Return whether a process of this name was started and still runs."""
        child = self.children.get(name)
        return child is not None and child.alive()

    def start_worker(self, number: int = 1, **settings: str) -> Child:
        """Start a worker, with more settings, and wait until the server lists it as online."""
        self._progress(f"worker {number}")
        environment = self.environment() | self._proxied_addresses() | settings
        return servers.worker(self.folder, environment, self.pool, number, self.register)

    def redeploy(self) -> None:
        """Repeat what a release does: `python -m deployments apply`, then `prefect deploy --all`."""
        self._apply(self._prefect_url)
        self._deploy_flows()

    def start_prefect(self) -> str:
        """Start the Prefect server, and its database unless that runs; a second start has the same port and data."""
        database_url = self.start_database()
        url = servers.prefect_server(self.folder, self._prefect_port, database_url, self.register)
        self._progress(f"prefect: {url}")
        return url

    def start_database(self) -> str:
        """Start the Prefect server's database, unless it runs or is no process of the sandbox; return its URL."""
        return self.database.start(self.register)

    def environment(self) -> dict[str, str]:
        """The environment of a client of this sandbox."""
        worker = {
            "INTERACTIONS_POOL": self.pool,
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "tasks",
        }
        known = (
            servers.inherited_environment()
            | servers.prefect_settings(self.folder)
            | self.addresses.environment()
        )
        return known | worker | self._extra

    def client(self, service: str) -> Any:
        """The boto3 client of a service of the sandbox's AWS, made at its first use: that takes 0.1 s of CPU."""
        if service not in self._clients:
            session: Any = self._session()  # the stubs need a literal service name
            self._clients[service] = session.client(service, endpoint_url=self.addresses.aws_endpoint_url)
        return self._clients[service]

    @property
    def ui_url(self) -> str:
        """The URL of the Prefect UI."""
        return f"{self._prefect_url.removesuffix('/api')}/v2"  # at the root a browser may have chosen the former UI

    @property
    def _prefect_url(self) -> str:
        return f"http://127.0.0.1:{self._prefect_port}/api"

    @property
    def _bridge_prefect_url(self) -> str:
        return self._prefect_url

    def register(self, child: Child) -> Child:
        """Take a process over, to stop it at the end. Raises SandboxError when the end has come."""
        self.children[child.name] = child
        record_pid(self.folder / PIDS, child)
        if self._stopping:  # checked after it was added: `down` sees the child, or this sees that it runs
            child.stop()
            raise SandboxError(f"{child.name} was not started: the sandbox stops")
        return child

    def _start_servers(self, threads: ThreadPoolExecutor) -> None:
        aws = threads.submit(servers.emulator, self.folder, self.register)
        genesys = threads.submit(servers.genesys, self.folder, self.register)
        prefect = threads.submit(self.start_prefect)
        deployed = threads.submit(lambda: self._deploy_infra(aws.result()))
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

    def _deploy_infra(self, endpoint_url: str) -> dict[str, str]:
        """Deploy production's template with an ordinary event bus and no archive: the emulator lacks partner buses."""
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
                "DeletionProtection": False,  # everything ends with the emulator
                "VisibilitySeconds": int(self._extra.get("SANDBOX_VISIBILITY_SECONDS", "180")),
                "PrefectApiUrl": self._proxy_url("bridge", self._bridge_prefect_url),
            },
            session=self._session(),
            endpoint_url=endpoint_url,
            poll=0.2,
        )

    def _addresses(self, aws: str, prefect: str, genesys: str, outputs: dict[str, str]) -> Addresses:
        return Addresses(
            prefect_api_url=prefect,
            prefect_ui_url=self.ui_url,
            aws_endpoint_url=aws,
            aws_default_region=servers.AWS["AWS_DEFAULT_REGION"],
            aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
            event_bus=outputs["EventBusName"],
            event_source=EVENT_SOURCE,
            interaction_table=outputs["InteractionTableName"],
            quarantine_table=outputs["QuarantineTableName"],
            budget_table=outputs["BudgetTableName"],
            directory_table=outputs["DirectoryTableName"],
            conversation_bucket=outputs["ConversationBucketName"],
            analytics_database=outputs["AnalyticsDatabaseName"] if servers.can_publish() else "",
            buffer_queue_url=outputs["BufferQueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            genesys_login_url=genesys,
            genesys_api_url=genesys,
            genesys_client_id=CLIENT_ID,
            genesys_client_secret=CLIENT_SECRET,
            customer_keys_secret=secrets.token_hex(),
        )

    def _proxied_addresses(self) -> dict[str, str]:
        """The addresses of the servers for workers, which may be a proxy's."""
        genesys = self._proxy_url("genesys", self.addresses.genesys_api_url)
        return {
            "AWS_ENDPOINT_URL": self._proxy_url("aws", self.addresses.aws_endpoint_url),
            "GENESYS_LOGIN_URL": genesys,
            "GENESYS_API_URL": genesys,
            "PREFECT_API_URL": self._proxy_url("prefect", self._prefect_url),
        }

    def _apply(self, prefect_url: str) -> None:
        self._progress("prefect: python -m deployments apply")
        self._run("deployments", "apply", PREFECT_API_URL=prefect_url)

    def _deploy_flows(self) -> None:
        self._progress("deployments: prefect deploy --all")
        self._run("prefect", "--no-prompt", "deploy", "--all")

    def _run(self, module: str, *arguments: str, **settings: str) -> None:
        """Run `python -m MODULE ARGUMENTS` in the project's root. Raises SandboxError with its output if it fails."""
        base = (
            servers.inherited_environment()
            | servers.prefect_settings(self.folder)
            | {"INTERACTIONS_POOL": self.pool}
        )
        base |= self._extra
        environment = (self.environment() if hasattr(self, "addresses") else base) | settings
        command = [sys.executable, "-m", module, *arguments]
        name = f"`python -m {module} {' '.join(arguments)}`"
        run_to_end(name, command, environment, _COMMAND_TIMEOUT, servers.ROOT)


def _stop_order(name: str) -> int:
    return 0 if name.startswith("worker") else 2 if name in ("postgres", "redis") else 1
