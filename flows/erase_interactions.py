"""The flow that erases: a tombstone, then everything else, and once more when no run can be in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.reports.erasure import ErasureReport, publish
from flows.runs.current_run import run_id
from flows.runs.follow_up import schedule_follow_up
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.schedule import reschedule_current_run
from flows.runs.timeouts import ERASE, run_timeout
from tasks.erase import (
    TASK_SIZE,
    ErasureCounts,
    backups,
    delete_conversations,
    delete_quarantined,
    erase_rows,
    erase_staged,
    search,
    write_tombstones,
)
from tasks.errors import DependencyUnavailable, PermanentError
from tasks.operations.erasure_request import ErasureRequest, InvalidErasureRequest
from tasks.settings import task_policy
from tasks.values import canonical_id, chunked


def run_name() -> str:
    """Return what kind of run, and of how many ids; never an id of a person."""
    parameters = flow_run.parameters
    count = len(parameters.get("interaction_ids") or [])
    subject = "a contact" if parameters.get("external_contact_id") else f"{count} interactions"
    if parameters.get("second_pass_of"):
        return f"erase {subject}, second pass"
    return f"erase {subject}, dry run" if parameters.get("dry_run", True) else f"erase {subject}"


@flow(name=ERASE, flow_run_name=run_name, persist_result=False)
async def erase_interactions(
    interaction_ids: list[str] = [],  # noqa: B006 - Prefect's form shows the default; nothing changes it
    external_contact_id: str = "",
    dry_run: bool = True,
    second_pass_of: str = "",
) -> State[Any]:
    """Erase interactions: records, conversations and quarantine; a tombstone keeps them from coming back.

    Args:
        interaction_ids: The interactions (UUIDs).
        external_contact_id: Every stored interaction that this external contact of Genesys's took part in.
        dry_run: Only say what would be erased. Switch it off to erase.
        second_pass_of: Leave it empty: the follow-up run carries the first one's receipt here.

    """
    try:
        async with asyncio.timeout(run_timeout(ERASE, task_policy())):
            await fail_if_crash_looping()
            request = ErasureRequest.checked(interaction_ids, external_contact_id)
            done = await _erase(request, dry_run=dry_run, receipt_id=_receipt_id(second_pass_of))
            await publish(done)
            return Completed(message=done.summary())
    except TimeoutError:
        return Failed(name="TimedOut", message="the erasure took too long: run it again with fewer ids")
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}")
    except DependencyUnavailable as error:
        await reschedule_current_run(error)


def _receipt_id(second_pass_of: str) -> str:
    receipt_id = canonical_id(second_pass_of) if second_pass_of else run_id()
    if receipt_id is None:
        raise InvalidErasureRequest("second_pass_of is no receipt: leave it empty; nothing was erased")
    return receipt_id


async def _erase(request: ErasureRequest, *, dry_run: bool, receipt_id: str) -> ErasureReport:
    """Search, write all tombstones, then delete: in this order, for only a tombstone keeps a run from writing."""
    ids = await search(request)
    is_follow_up = receipt_id != run_id()

    async def each(step: Callable[[list[str]], Awaitable[ErasureCounts]]) -> ErasureCounts:
        return sum([await step(part) for part in chunked(ids, TASK_SIZE)], ErasureCounts())

    found = await each(lambda part: write_tombstones(part, receipt_id, dry_run=dry_run))
    follow_up_at = None
    if not dry_run and not is_follow_up:  # before anything can go wrong below
        follow_up_at = await schedule_follow_up(ids, request.external_contact_id, receipt_id)
    found += await each(lambda part: delete_conversations(part, dry_run=dry_run))
    found += await erase_staged(ids, dry_run=dry_run)
    found += await erase_rows(ids, dry_run=dry_run)
    found += await delete_quarantined(ids, dry_run=dry_run)
    by_contact = request.external_contact_id is not None
    return ErasureReport(receipt_id, by_contact, dry_run, is_follow_up, found, follow_up_at, await backups())
