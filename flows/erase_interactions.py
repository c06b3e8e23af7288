"""The flow that erases: a tombstone, then everything else, and once more when no run can be in flight."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.background import give_up_if_lost
from flows.batch import run_id
from flows.later import go_back
from flows.receipt import Receipt, leave
from flows.second_pass import schedule_second_pass
from tasks.erase import (
    BadRequest,
    Request,
    Tally,
    chunks,
    delete_conversations,
    delete_quarantined,
    entomb,
    look_around,
    search,
)
from tasks.errors import NotReady
from tasks.events.shapes import canonical_id
from tasks.settings import task_policy

ERASE_TIMEOUT = 4 * task_policy().flow_timeout  # a search by contact reads the whole table


def run_name() -> str:
    """The run's name: what kind of run, and of how many ids; never an id of a person."""
    given = flow_run.parameters
    count = len(given.get("interaction_ids") or [])
    what = "a contact" if given.get("external_contact_id") else f"{count} interactions"
    if given.get("second_pass_of"):
        return f"erase {what}, second pass"
    return f"erase {what}, dry run" if given.get("dry_run", True) else f"erase {what}"


@flow(name="erase-interactions", flow_run_name=run_name, timeout_seconds=ERASE_TIMEOUT, persist_result=False)
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
        second_pass_of: Leave it empty: the run that makes sure, later, carries the first one's receipt here.

    """
    try:
        await give_up_if_lost()
        request = Request.checked(interaction_ids, external_contact_id)
        receipt = await _erase(request, dry_run=dry_run, receipt_id=_receipt_id(second_pass_of))
    except BadRequest as error:
        return Failed(message=f"{error.code}: {error}")
    except NotReady as error:
        await go_back(error)
        raise
    await leave(receipt)
    return Completed(message=receipt.summary())


def _receipt_id(second_pass_of: str) -> str:
    receipt_id = canonical_id(second_pass_of) if second_pass_of else run_id()
    if receipt_id is None:
        raise BadRequest("second_pass_of is no receipt: leave it empty; nothing was erased")
    return receipt_id


async def _erase(request: Request, *, dry_run: bool, receipt_id: str) -> Receipt:
    """Search, entomb all, then delete all: in this order, for only a tombstone keeps a run from writing."""
    ids = await search(request)
    second = receipt_id != run_id()

    async def each(step: Callable[[list[str]], Awaitable[Tally]]) -> Tally:
        return sum([await step(chunk) for chunk in chunks(ids)], Tally())

    found = await each(lambda chunk: entomb(chunk, receipt_id, dry_run=dry_run))
    again = None
    if not dry_run and not second:  # before anything can go wrong below
        again = await schedule_second_pass(ids, request.external_contact_id, receipt_id)
    found += await each(lambda chunk: delete_conversations(chunk, dry_run=dry_run))
    found += await delete_quarantined(ids, dry_run=dry_run)
    by_contact = request.external_contact_id is not None
    return Receipt(receipt_id, by_contact, dry_run, second, found, again, await look_around())
