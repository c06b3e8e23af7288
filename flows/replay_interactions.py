"""The flow that a person starts: interactions again, by id or out of quarantine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.background import Progress, give_up_if_lost
from flows.later import go_back, schedule_later
from flows.replaying import Read, portions, replay_all
from flows.report import CARDS, ROWS, escaped, plain, report
from tasks.bootstrap import services
from tasks.errors import NotReady
from tasks.outcomes import Kind, Outcome
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
        parts.append(plain(str(ids[0])) if len(ids) == 1 else f"{len(ids)} interactions")
    if quarantined != "none":
        parts.append(f"{quarantined} events in quarantine")
    return f"replay of {' and '.join(parts) or 'nothing'}"


@flow(
    name="replay-interactions",
    flow_run_name=run_name,
    timeout_seconds=task_policy().background_timeout,
    persist_result=False,
)
async def replay_interactions(
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
        interaction_ids: Interactions to replay, by their ids (UUIDs).
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
    progress = Progress("replay-progress", total, "events replayed")
    await progress.start()
    batch = await replay_all(reads, progress, force=force)
    await schedule_later(batch.deferred, QUEUE)
    for outcome in [o for o in batch.outcomes if o.kind not in (Kind.REJECTED, Kind.FAILED)][:CARDS]:
        await _card(outcome)
    return await report(batch.outcomes, batch.trouble)


async def _card(outcome: Outcome) -> None:
    """The interaction's own artifact; failures get theirs from the report."""
    due = f", due {outcome.due_at}" if outcome.due_at else ""
    text = f"**{outcome.kind.value}** in `{plain_name()}`{due}\n\n{escaped(outcome.detail)}"
    await acreate_markdown_artifact(text, key=f"interaction-{outcome.interaction_id}")


def plain_name() -> str:
    """This run's name as it may stand in Markdown: it holds an id at the most."""
    return str(flow_run.name or "").replace("`", "")


async def _forecast(total: int, reads: list[Read]) -> State[Any]:
    """What would be done, a row for each of the first so many."""
    given = services()
    rows: list[dict[str, str]] = []
    for read in reads:
        if len(rows) >= ROWS:
            break
        found = await in_thread(
            given.storing, lambda read=read: list(forecast(given.interactions, given.quarantine, read()))  # type: ignore[misc]
        )
        rows += [{"would": escaped(text)} for text in found]
    await acreate_table_artifact(table=rows[:ROWS], key="replay-forecast", description="Dry run: nothing was done")
    return Completed(message=f"dry run: {total} events would be replayed; nothing was done")
