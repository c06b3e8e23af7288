"""Loads the flow of a deployment once per process, by its module path when it has one.

A flow's file that is executed again for each run would lose what it holds (tokens, sessions, clients), and
cost its import each time.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.flows import Flow, load_flow_from_entrypoint, load_flow_from_flow_run

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

_SET_DIRECTORY = "prefect.deployments.steps.set_working_directory"
_Key = tuple[UUID, str | None, str | None, UUID | None, str]


class FlowCache:
    """The flows of this process, by deployment, entrypoint and version."""

    def __init__(self, deployment_seconds: float = 10.0) -> None:
        self._deployment_seconds = deployment_seconds
        self._deployments: dict[UUID, tuple[float, DeploymentResponse]] = {}
        self._flows: dict[_Key, Flow[..., Any]] = {}
        self._loading = asyncio.Lock()

    async def load(self, client: PrefectClient, flow_run: FlowRun) -> Flow[..., Any]:
        """Return the flow of `flow_run`; a changed deployment is seen within `deployment_seconds`."""
        deployment = await self._deployment(client, flow_run.deployment_id)
        key = _key(deployment)
        async with self._loading:
            if key not in self._flows:
                self._flows[key] = await _load(deployment, flow_run)
            return self._flows[key]

    async def _deployment(self, client: PrefectClient, deployment_id: UUID | None) -> DeploymentResponse:
        if deployment_id is None:
            raise ValueError("the flow run has no deployment, so there is no flow to load")
        read_at, deployment = self._deployments.get(deployment_id, (0.0, None))
        if deployment is None or time.monotonic() - read_at > self._deployment_seconds:
            deployment = await client.read_deployment(deployment_id)
            self._deployments[deployment_id] = (time.monotonic(), deployment)
        return deployment


def _key(deployment: DeploymentResponse) -> _Key:
    steps = repr(deployment.pull_steps)
    return (deployment.id, deployment.entrypoint, deployment.path, deployment.version_id, steps)


async def _load(deployment: DeploymentResponse, flow_run: FlowRun) -> Flow[..., Any]:
    entrypoint = deployment.entrypoint
    base = _directory(deployment)
    if entrypoint is None or base is None:  # code that must be fetched first: Prefect's own way, once
        return await load_flow_from_flow_run(flow_run, use_placeholder_flow=False)
    return await asyncio.to_thread(_import, base, entrypoint)


def _directory(deployment: DeploymentResponse) -> Path | None:
    """Return the folder that the entrypoint is relative to; None when steps must be run to have it."""
    match deployment.pull_steps or []:
        case []:
            return None if deployment.storage_document_id else Path(deployment.path or ".").resolve()
        case [{**step}] if list(step) == [_SET_DIRECTORY]:
            return Path(step[_SET_DIRECTORY]["directory"]).resolve()
        case _:
            return None


def _import(base: Path, entrypoint: str) -> Flow[..., Any]:
    if str(base) not in sys.path:
        sys.path.insert(0, str(base))
    file, _, name = entrypoint.rpartition(":")
    module = _module_name(base, base / file) if file else None
    if module is None:
        where = entrypoint if not file else f"{base / file}:{name}"
        return load_flow_from_entrypoint(where, use_placeholder_flow=False)
    found = getattr(importlib.import_module(module), name)
    if not isinstance(found, Flow):
        raise TypeError(f"{entrypoint} names no flow")
    return found


def _module_name(base: Path, file: Path) -> str | None:
    """Return the dotted name of `file` below `base`, unless another module already has that name."""
    try:
        parts = file.resolve().relative_to(base).with_suffix("").parts
    except ValueError:
        return None
    name = ".".join(parts)
    if not all(part.isidentifier() for part in parts):
        return None
    spec = importlib.util.find_spec(name)
    return name if spec and spec.origin and Path(spec.origin).resolve() == file.resolve() else None
