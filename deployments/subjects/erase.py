"""Starting an erasure: addresses become keys first, then Prefect gets a run of `erase-interactions`."""

from __future__ import annotations

import asyncio
import getpass
from typing import TYPE_CHECKING, Any

from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.urls import url_for

from deployments.errors import BadValue, NoServer
from deployments.prefect_server import server_client

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

    from tasks.operations.subject import Subject

DEPLOYMENT = "erase-interactions/erase"
_POLL = 1.0  # seconds


async def start(subject: Subject, *, dry_run: bool, reason: str) -> FlowRun:
    """Create the run and return it. Raises NoServer, and BadValue when Prefect refuses the parameters."""
    async with server_client() as client:
        try:
            target = await client.read_deployment_by_name(DEPLOYMENT)
            return await client.create_flow_run_from_deployment(
                target.id, parameters=parameters(subject, dry_run=dry_run, reason=reason), tags=["erase"]
            )
        except ObjectNotFound:
            raise NoServer(f"Prefect has no deployment {DEPLOYMENT}: `prefect deploy --all`") from None
        except PrefectHTTPStatusError as error:
            if error.response.status_code not in (409, 422):
                raise
            raise BadValue(
                "Prefect refuses the parameters; --reason has no @ and no +, and 200 characters at most"
            ) from None


async def ended(run: FlowRun) -> FlowRun:
    """Wait until the run has ended, however long that takes; return it. Raises NoServer."""
    async with server_client() as client:
        return await _ended(client, run)


async def _ended(client: PrefectClient, run: FlowRun) -> FlowRun:
    while run.state is None or not run.state.is_final():
        await asyncio.sleep(_POLL)
        run = await client.read_flow_run(run.id)
    return run


def parameters(subject: Subject, *, dry_run: bool, reason: str) -> dict[str, Any]:
    """Return the run's parameters: ids and keys, no address."""
    return {
        "interaction_ids": list(subject.interaction_ids),
        "external_contact_id": subject.external_contact_id or "",
        "customer_keys": list(subject.customer_keys),
        "dry_run": dry_run,
        "reason": reason,
        "requested_by": getpass.getuser(),
    }


def link(run: FlowRun) -> str:
    """Return the address of a run's page, or its id where no UI is known."""
    return url_for("flow-run", obj_id=run.id) or str(run.id)
