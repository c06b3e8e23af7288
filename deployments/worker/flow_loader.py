"""Imports the flow of a deployment, once per process, from this project's packages and from nowhere else."""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import Flow

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

_DEPLOYMENT_SECONDS = 10.0  # until a deployment that was changed is seen


class FlowRefused(Exception):
    """The deployment does not name a flow that this worker may execute; nothing of it was imported."""


class FlowLoader:
    """Finds flows by the module path in their deployment's entrypoint, in `packages` only.

    Whoever may create a deployment must not choose what code a process executes that holds the pipeline's tokens.
    """

    def __init__(self, packages: str) -> None:
        self._packages = packages.split(",")
        self._deployments: dict[UUID, tuple[float, DeploymentResponse]] = {}

    async def load(self, client: PrefectClient, flow_run: FlowRun) -> Flow[..., Any]:
        """Return the flow of `flow_run`. Raises FlowRefused, or what importing the flow's module raised."""
        deployment = await self._deployment(client, flow_run.deployment_id)
        module, name = self._accepted(deployment)
        _refuse_surroundings(deployment, flow_run)
        flow = getattr(await asyncio.to_thread(importlib.import_module, module), name, None)
        if not (isinstance(flow, Flow) and flow.isasync and not flow.isgenerator):
            raise FlowRefused(f"{module}.{name} is no async flow: run it on a process work pool")
        return flow

    async def _deployment(self, client: PrefectClient, deployment_id: UUID | None) -> DeploymentResponse:
        if deployment_id is None:
            raise FlowRefused("the flow run has no deployment, so there is no flow to load")
        read_at, deployment = self._deployments.get(deployment_id, (0.0, None))
        if deployment is None or time.monotonic() - read_at > _DEPLOYMENT_SECONDS:
            deployment = await client.read_deployment(deployment_id)
            self._deployments[deployment_id] = (time.monotonic(), deployment)
        return deployment

    def _accepted(self, deployment: DeploymentResponse) -> tuple[str, str]:
        entrypoint = deployment.entrypoint or ""
        module, _, name = entrypoint.rpartition(".")
        ours = any(f"{module}.".startswith(f"{package}.") for package in self._packages)
        if not ours or not all(part.isidentifier() for part in entrypoint.split(".")):
            raise FlowRefused(
                f"entrypoint {entrypoint!r} of deployment {deployment.name!r} is no flow of "
                f"{' or '.join(self._packages)} (WORKER_FLOW_PACKAGES): deploy it with the project's prefect.yaml, "
                "or run it on a process work pool"
            )
        return module, name


def _refuse_surroundings(deployment: DeploymentResponse, flow_run: FlowRun) -> None:
    """Raise FlowRefused for code, blocks or variables that a process of its own would have: this one is shared."""
    blocks = (deployment.storage_document_id, deployment.infrastructure_document_id)
    if deployment.pull_steps or deployment.path not in (None, "", ".") or any(blocks):
        raise FlowRefused(
            f"deployment {deployment.name!r} wants its code from elsewhere (path, pull steps or block): this worker "
            "executes what is installed; deploy it with `pull: []`, as the project's prefect.yaml does"
        )
    if any((deployment.job_variables or {}).values()) or any((flow_run.job_variables or {}).values()):
        raise FlowRefused(
            f"deployment {deployment.name!r} or its run has job variables: this worker's runs share its process and "
            "environment; leave them out, or run it on a process work pool"
        )
