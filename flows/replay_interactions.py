"""The flow that a person starts: interactions again, by id or out of quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.background import Progress, give_up_if_lost
from flows.cards import CARDS, escaped, leave_card
from flows.later import go_back, schedule_later
from flows.replaying import Read, portions, replay_all
from flows.report import ROWS, report
from tasks.bootstrap import services
from tasks.errors import NotReady
from tasks.events.shapes import canonical_id
from tasks.outcomes import Kind
from tasks.process import in_thread
from tasks.replay import InvalidRequest, Quarantined, ReplayRequest, forecast
from tasks.settings import task_policy

QUEUE = "replay"


def run_name() -> str:
    """`replay of <id>`, `replay of 500 interactions`, `replay of failed events in quarantine`."""
    ids = flow_run.parameters.get("interaction_ids") or []
    quarantined = str(flow_run.parameters.get("quarantined") or "none")
    parts = []
    if ids:
        one = canonical_id(ids[0]) if len(ids) == 1 else None  # anything else may be a telephone number
        parts.append(one or f"{len(ids)} interactions")
    if quarantined != "none":
        parts.append(f"{quarantined} events in quarantine")
    return f"replay of {' and '.join(parts) or 'nothing'}"


@flow(
    name="replay-interactions",
    flow_run_name=run_name,
    timeout_seconds=task_policy().background_timeout,
    persist_result=False,
)
async def replay_interactions(  # noqa: PLR0917 - the fields of a form
    interaction_ids: list[str] = [],  # noqa: B006 - Prefect's form shows the default; nothing changes it
    quarantined: Quarantined = "none",
    since: datetime | None = None,
    until: datetime | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> State[Any]:
    """Fetch interactions from Genesys again and save them; doing it twice is harmless.

    It works through them in the background share of the request budget. Only what has to wait becomes a run
    of its own.

    Args:
        interaction_ids: Interactions to replay, by their ids (UUIDs); some 10,000 fit into one run.
        quarantined: Events in quarantine to replay as well: those that failed, those rejected, or all.
        since: Only events last put into quarantine at this time or later.
        until: Only events last put into quarantine at this time or earlier.
        dry_run: Say what would be done, and do nothing.
        force: Write even if the table holds newer; an erased interaction stays erased all the same.

    """
    try:
        await give_up_if_lost()
        request = ReplayRequest.checked(
            interaction_ids=interaction_ids,
            quarantined=quarantined,
            since=since,
            until=until,
            dry_run=dry_run,
            force=force,
        )
        total, reads = await portions(request)
        return await _forecast(total, reads) if dry_run else await _replay(total, reads, force=force)
    except InvalidRequest as error:
        return Failed(message=f"{error.code}: {error}")
    except NotReady as error:
        await go_back(error)
        raise


async def _replay(total: int, reads: list[Read], *, force: bool) -> State[Any]:
    if not total:
        return Completed(message="nothing to replay: no event in quarantine is meant")
    progress = Progress("replay-progress", total, "events replayed")
    await progress.start()
    batch = await replay_all(reads, progress, force=force)
    await schedule_later(batch.deferred, QUEUE)
    for outcome in [o for o in batch.outcomes if o.kind not in (Kind.REJECTED, Kind.FAILED)][:CARDS]:
        await leave_card(outcome, replayed=True)  # failures get theirs from the report
    return await report(batch.outcomes, batch.trouble)


async def _forecast(total: int, reads: list[Read]) -> State[Any]:
    """What would be done, a row for each of the first so many."""
    given = services()
    rows: list[dict[str, str]] = []
    for read in reads:
        if len(rows) >= ROWS:
            break
        found = await in_thread(
            given.storing,
            lambda read=read: list(forecast(given.interactions, given.quarantine, read())),  # type: ignore[misc]
        )
        rows += [{"would": escaped(text)} for text in found]
    await acreate_table_artifact(table=rows[:ROWS], key="replay-forecast", description="Nothing was done")
    return Completed(message=f"dry run: {total} events would be replayed; nothing was done")
