"""Incidents that are played in a running sandbox, so that a person meets them before they are real.

Each sends some events into a fault, and returns what it did. `recover` takes all faults back, and brings the events on
their way again. What was played is kept in the sandbox's folder, because each is a command of its own.
"""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import boto3
import requests

from deployments.sample_events import customer_end, put_events
from deployments.sandbox.cluster import SERVICES
from deployments.sandbox.environment import Addresses
from deployments.sandbox.processes import SandboxError, running_orphans
from infra.dead_letters import DeadLetterQueue

Incident = Literal["throttled", "forbidden", "worker-frozen", "prefect-down", "dead-letters"]
INCIDENTS: tuple[Incident, ...] = get_args(Incident)
LIVE, REPLAY = "process-interactions/live", "replay-interactions/replay"
_FILE = "incidents.json"
_RETRY_AFTER = 60  # seconds: more than GENESYS_MAX_WAIT, so the interactions are deferred
_LASTS = 86_400  # seconds: until it is taken back
_RATE = 100.0  # dead letters a second that are sent back
_TIMEOUT = 60


@dataclass
class Played:
    """What was played: the interactions that were sent into it, and the parameters' schema that was replaced."""

    interactions: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)
    """Those that Genesys refused: they wait in the table."""
    schema: dict[str, Any] | None = None

    @classmethod
    def read(cls, path: Path) -> Played:
        """Return what a file says; nothing when there is none."""
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()

    def write(self, path: Path) -> None:
        """Write it to a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


class IncidentPlayer:
    """Plays incidents in the sandbox of a folder. Raises SandboxError when none runs there."""

    def __init__(self, folder: Path, pids: Path) -> None:
        if not (folder / "env").exists():
            raise SandboxError(
                f"no sandbox runs in {folder}: start one with `make sandbox`, or name its --folder"
            )
        self.addresses = Addresses.read(folder / "env")
        self._pids = pids
        self._file = pids.with_name(_FILE)

    def play(self, incident: Incident, events: int) -> list[str]:
        """Begin an incident and send events into it; return their interactionIds."""
        kinds: dict[Incident, Callable[[], None]] = {
            "throttled": lambda: self._fault(throttle={"retry_after": _RETRY_AFTER, "for_seconds": _LASTS}),
            "forbidden": lambda: self._fault(missing_permission="analytics:conversationDetail:view"),
            "worker-frozen": lambda: self._signal(signal.SIGSTOP, _is_worker),
            "prefect-down": lambda: self._signal(signal.SIGSTOP, _is_prefect),
            "dead-letters": self._refuse_parameters,
        }
        kinds[incident]()
        ids = [str(uuid.uuid4()) for _ in range(events)]
        self._put(ids)
        played = Played.read(self._file)
        played.interactions += ids
        played.deferred += ids if incident in ("throttled", "forbidden") else []
        played.write(self._file)
        return ids

    def recover(self) -> Played:
        """End every incident, and bring their events on their way again; return what was played."""
        played = Played.read(self._file)
        self._signal(signal.SIGCONT, lambda name: _is_worker(name) or _is_prefect(name))
        self._post(f"{self.addresses.genesys_api_url}/_sim/reset", {"only": ["faults"]})
        if played.schema:
            self._set_schema(played.schema)
            self._redrive()
        if played.deferred:
            url = f"{self.addresses.prefect_api_url}/deployments/{self._deployment(REPLAY)['id']}/create_flow_run"
            self._post(url, {"parameters": {"interaction_ids": played.deferred}})
        self._file.unlink(missing_ok=True)
        return played

    def _fault(self, **settings: Any) -> None:
        self._post(f"{self.addresses.genesys_api_url}/_sim/faults", settings)

    def _signal(self, number: int, chosen: Callable[[str], bool]) -> None:
        for pid, name in running_orphans(self._pids).items():
            if chosen(name):
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(pid, number)

    def _refuse_parameters(self) -> None:
        """Give the live deployment the parameters of another release: Prefect refuses each run of the bridge."""
        schema = self._deployment(LIVE)["parameter_openapi_schema"]
        played = Played.read(self._file)
        played.schema = played.schema or schema
        played.write(self._file)
        other = {"batch": {"title": "batch", "type": "string"}}
        self._set_schema({**played.schema, "properties": other, "required": ["batch"]})

    def _set_schema(self, schema: dict[str, Any]) -> None:
        url = f"{self.addresses.prefect_api_url}/deployments/{self._deployment(LIVE)['id']}"
        body = {"parameter_openapi_schema": schema}
        requests.patch(url, json=body, timeout=_TIMEOUT).raise_for_status()

    def _redrive(self) -> None:
        outputs = {
            "DeadLetterQueueUrl": self.addresses.dead_letter_queue_url,
            "BufferQueueUrl": self.addresses.buffer_queue_url,
            "Bridge": "lambda",
        }
        DeadLetterQueue(self._aws("sqs"), outputs).redrive(_RATE)

    def _put(self, ids: list[str]) -> None:
        entries = [customer_end(id_, self.addresses.event_source) for id_ in ids]
        put_events(self._aws("events"), self.addresses.event_bus, entries)

    def _deployment(self, name: str) -> dict[str, Any]:
        url = f"{self.addresses.prefect_api_url}/deployments/name/{name}"
        answer = requests.get(url, timeout=_TIMEOUT)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _aws(self, service: str) -> Any:
        session: Any = boto3.Session(  # the stubs need a literal service name
            aws_access_key_id=self.addresses.aws_access_key_id,
            aws_secret_access_key=self.addresses.aws_secret_access_key,
            region_name=self.addresses.aws_default_region,
        )
        return session.client(service, endpoint_url=self.addresses.aws_endpoint_url)

    @staticmethod
    def _post(url: str, body: dict[str, Any]) -> None:
        requests.post(url, json=body, timeout=_TIMEOUT).raise_for_status()


def _is_worker(name: str) -> bool:
    return name.startswith("worker")


def _is_prefect(name: str) -> bool:
    return name.startswith("prefect") or name in (SERVICES, "haproxy")
