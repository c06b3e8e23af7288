"""The flow that erases: a tombstone, then everything else, and once more when no run can be in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic.json_schema import SkipJsonSchema

from flows.reports.erasure import ErasureReport, publish
from flows.reports.refusal import refused
from flows.runs.current_run import requester, run_id
from flows.runs.follow_up import schedule_follow_up
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.schedule import reschedule_current_run
from flows.runs.timeouts import ERASE, run_timeout
from tasks.erase import (
    TASK_SIZE,
    ErasureCounts,
    backups,
    close_receipt,
    delete_conversations,
    delete_quarantined,
    erase_rows,
    erase_staged,
    open_receipt,
    search,
    write_tombstones,
)
from tasks.errors import DependencyUnavailable, InvalidRequest, PermanentError
from tasks.operations.erasure_request import ErasureRequest, InvalidErasureRequest, check_reason
from tasks.operations.form_fields import CustomerKey, InteractionId, Words
from tasks.operations.subject import Subject
from tasks.options import NO_RESULTS
from tasks.settings import task_policy
from tasks.values import canonical_id, chunked


def run_name() -> str:
    """Return what kind of run, and of how many ids; never an id of a person."""
    parameters = flow_run.parameters
    count = len(parameters.get("interaction_ids") or [])
    subject = "a customer" if parameters.get("customer_keys") else f"{count} interactions"
    subject = "a contact" if parameters.get("external_contact_id") else subject
    if parameters.get("second_pass_of"):
        return f"erase {subject}, second pass"
    return f"erase {subject}, dry run" if parameters.get("dry_run", True) else f"erase {subject}"


@flow(name=ERASE, flow_run_name=run_name, persist_result=False, result_storage=NO_RESULTS)
async def erase_interactions(  # noqa: PLR0917 - the fields of a form
    interaction_ids: list[InteractionId] = [],  # noqa: B006 - Prefect's form shows the default; nothing changes it
    external_contact_id: str = "",
    customer_keys: list[CustomerKey] = [],  # noqa: B006
    dry_run: bool = True,
    reason: Words = "",
    requested_by: Words = "",
    second_pass_of: SkipJsonSchema[str] = "",
) -> State[Any]:
    """Erase interactions: records, conversations and quarantine; a tombstone keeps them from coming back.

    Args:
        interaction_ids: The interactions (UUIDs).
        external_contact_id: Every stored interaction that this external contact of Genesys's took part in.
        customer_keys: Every stored interaction of a customer's e-mail address or telephone number, by keys which the
            command `interactions erase` makes: no address belongs in here, and Prefect refuses one.
        dry_run: Only say what would be erased. Switch it off to erase.
        reason: Why, for the receipt: a ticket's number, no name and no address. Needed to erase.
        requested_by: Who asks; the command fills it in, and Prefect Cloud's own knowledge goes before it.
        second_pass_of: The first run's receipt, in its follow-up. Not on the form.

    """
    try:
        async with asyncio.timeout(run_timeout(ERASE, task_policy())):
            await fail_if_crash_looping()
            receipt_id = _receipt_id(second_pass_of)
            subject = ErasureRequest.checked(interaction_ids, external_contact_id, customer_keys).subject
            if not dry_run and receipt_id == run_id():
                check_reason(reason)
                await open_receipt(receipt_id, await _asked(subject, reason, requested_by))
            done = await _erase(subject, dry_run=dry_run, receipt_id=receipt_id)
            await publish(done)
            return Completed(message=done.summary())
    except TimeoutError:
        return Failed(name="TimedOut", message="the erasure took too long: run it again with fewer ids")
    except InvalidRequest as error:
        # An order to erase that was not carried out must not look like one that was.
        return refused(error) if dry_run else Failed(message=f"{error.code}: {error}")
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}")
    except DependencyUnavailable as error:
        await reschedule_current_run(error)


def _receipt_id(second_pass_of: str) -> str:
    receipt_id = canonical_id(second_pass_of) if second_pass_of else run_id()
    if receipt_id is None:
        raise InvalidErasureRequest("second_pass_of is no receipt: leave it empty; nothing was erased")
    return receipt_id


async def _asked(subject: Subject, reason: str, requested_by: str) -> dict[str, Any]:
    """Return what the receipt says of the question: by whom, why and by which kinds of names, without a name."""
    kinds = {
        "interaction ids": subject.interaction_ids,
        "external contact": subject.external_contact_id,
        "customer keys": subject.customer_keys,
    }
    by = [kind for kind, given in kinds.items() if given]
    return {"askedBy": await requester(requested_by) or None, "reason": reason.strip(), "by": by}


async def _erase(subject: Subject, *, dry_run: bool, receipt_id: str) -> ErasureReport:
    """Search, write all tombstones, then delete: in this order, for only a tombstone keeps a run from writing."""
    searched = await search(subject)
    ids = list(searched.interaction_ids)
    is_follow_up = receipt_id != run_id()

    async def each(step: Callable[[list[str]], Awaitable[ErasureCounts]]) -> ErasureCounts:
        return sum([await step(part) for part in chunked(ids, TASK_SIZE)], ErasureCounts())

    found = await each(lambda part: write_tombstones(part, receipt_id, dry_run=dry_run))
    follow_up_at = None
    if not dry_run and not is_follow_up:  # before anything can go wrong below
        follow_up_at = await schedule_follow_up(ids, subject, receipt_id)
    found += await each(lambda part: delete_conversations(part, dry_run=dry_run))
    found += await erase_staged(ids, dry_run=dry_run)
    found += await erase_rows(ids, dry_run=dry_run)
    found += await delete_quarantined(ids, dry_run=dry_run)
    if not dry_run:
        await close_receipt(receipt_id, "secondPass" if is_follow_up else "firstPass", found)
    return ErasureReport(
        receipt_id,
        subject.searched,
        dry_run,
        is_follow_up,
        found,
        follow_up_at,
        await backups(),
        searched.without_keys,
    )
