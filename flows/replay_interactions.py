"""The flow that a person starts: interactions again, by id or out of quarantine."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.pipeline import PipelineResult, run_batch
from flows.reports.interaction import MAX_ARTIFACTS, escaped, publish_interaction
from flows.reports.outcomes import MAX_ROWS, report
from flows.reports.progress import Progress
from flows.reports.refusal import refused
from flows.runs.current_run import requester, run_id
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.schedule import REPLAY_QUEUE, reschedule_current_run, schedule_deferred
from flows.runs.timeouts import REPLAY, run_timeout
from tasks.errors import DependencyUnavailable, InvalidRequest, PermanentError
from tasks.operations.form_fields import InteractionId, Words
from tasks.operations.replay_parts import ReplayPart, ReplayPlan, forecast
from tasks.operations.replay_request import Quarantined, ReplayRequest
from tasks.operations.tolerance import DEFAULT, Share, intolerable
from tasks.options import NO_RESULTS
from tasks.pipeline.outcomes import UNSUCCESSFUL
from tasks.pipeline.work import PipelineRun, ValidatedBatch
from tasks.quarantine import release_handled
from tasks.services import get_services, in_thread
from tasks.settings import task_policy
from tasks.validate import validate
from tasks.values import canonical_id


def run_name() -> str:
    """Return `replay of <id>`, `replay of 500 interactions`, `dry run: replay of failed events in quarantine`."""
    ids = flow_run.parameters.get("interaction_ids") or []
    quarantined = str(flow_run.parameters.get("quarantined") or "none")
    parts = []
    if ids:
        one = canonical_id(ids[0]) if len(ids) == 1 else None  # anything else may be a telephone number
        parts.append(one or f"{len(ids)} interactions")
    if flow_run.parameters.get("rebuild"):
        parts.append("the records of a former release")
    if quarantined != "none":
        parts.append(f"{quarantined} events in quarantine")
    dry = "dry run: " if flow_run.parameters.get("dry_run") else ""
    return f"{dry}replay of {' and '.join(parts) or 'nothing'}"


@flow(name=REPLAY, flow_run_name=run_name, persist_result=False, result_storage=NO_RESULTS)
async def replay_interactions(  # noqa: PLR0917 - the fields of a form
    interaction_ids: list[InteractionId] = [],  # noqa: B006 - Prefect's form shows the default; nothing changes it
    quarantined: Quarantined = "none",
    since: datetime | None = None,
    until: datetime | None = None,
    dry_run: bool = False,
    force: bool = False,
    rebuild: bool = False,
    reason: Words = "",
    tolerated_failures: Share = DEFAULT,
) -> State[Any]:
    """Fetch interactions from Genesys again and save them; doing it twice is harmless.

    In the background share of the request limit; only what has to wait becomes a run of its own.

    Args:
        interaction_ids: Interactions to replay, by their ids (UUIDs); some 10,000 fit into one run.
        quarantined: Events in quarantine to replay as well: those that failed, those rejected, or all.
        since: Only events last put into quarantine at this time or later.
        until: Only events last put into quarantine at this time or earlier.
        dry_run: Say what would be done, and do nothing.
        force: CAUTION: write even if the table holds newer, which is lost; what was erased stays erased.
        rebuild: Make the records anew that a release before 0.2 wrote: from their conversations in S3, else from
            Genesys. Records that are done are not found again, so a run that was stopped is simply started again.
        reason: Why, for whoever reads the run later: no name and no address.
        tolerated_failures: Stop when more than this share of a hundred or more events failed; 1 never stops.
    """
    try:
        async with asyncio.timeout(run_timeout(REPLAY, task_policy())):
            await fail_if_crash_looping()
            request = ReplayRequest.checked(
                interaction_ids=interaction_ids,
                quarantined=quarantined,
                since=since,
                until=until,
                dry_run=dry_run,
                force=force,
                rebuild=rebuild,
            )
            await _log(reason)
            plan = await _plan(request)
            return await _forecast(plan) if dry_run else await _replay(plan, tolerated_failures, force=force)
    except TimeoutError:
        return Failed(name="TimedOut", message="BACKGROUND_TIMEOUT has passed: replay fewer at once")
    except InvalidRequest as error:
        return refused(error)
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}")
    except DependencyUnavailable as error:
        await reschedule_current_run(error)


async def _log(reason: str) -> None:
    if reason:
        get_run_logger().info("reason: %s; asked for by %s", reason, await requester("") or "unknown")


async def _plan(request: ReplayRequest) -> ReplayPlan:
    services = get_services()
    size = services.settings.genesys_batch_size * services.settings.chunks_in_flight
    return await in_thread(
        services.store_pool, lambda: ReplayPlan(request, services, size, f"replay:{run_id()}")
    )


async def _replay(plan: ReplayPlan, tolerated: float, *, force: bool) -> State[Any]:
    if not plan.total:
        return Completed(message="nothing to replay: no event in quarantine and no record is meant")
    progress = Progress("replay-progress", plan.total, "events replayed")
    await progress.start()
    run = PipelineRun(run_id(), "background", force=force, defer_unknown=False)
    result, left = PipelineResult(), plan.total
    for read in plan.parts:
        part = await in_thread(get_services().store_pool, read)
        done = await _replay_part(part, run)
        result.outcomes += done.outcomes
        result.deferred += done.deferred
        result.needs_attention = result.needs_attention or done.needs_attention
        await progress.add(part.size)
        left -= part.size
        if stopped := intolerable(result.outcomes, tolerated, left):
            result.needs_attention = stopped
            break
    await schedule_deferred(result.deferred, REPLAY_QUEUE)
    for outcome in [each for each in result.outcomes if each.kind not in UNSUCCESSFUL][:MAX_ARTIFACTS]:
        await publish_interaction(outcome, replayed=True)  # failures get theirs from the report
    return await report(result.outcomes, result.needs_attention)


async def _replay_part(part: ReplayPart, run: PipelineRun) -> PipelineResult:
    batch = await validate(part.texts) if part.texts else ValidatedBatch(part.works, archived=part.archived)
    result = await run_batch(batch, run)
    await release_handled(get_services(), part.rejected, result.outcomes)
    return result


async def _forecast(plan: ReplayPlan) -> State[Any]:
    """Show what would be done, a row for each of the first so many."""
    services = get_services()
    rows: list[dict[str, str]] = []
    for read in plan.parts:
        if len(rows) >= MAX_ROWS:
            break
        sentences = await in_thread(
            services.store_pool,
            lambda read=read: list(forecast(services.interactions, services.quarantine, read())),  # type: ignore[misc]
        )
        rows += [{"would": escaped(sentence)} for sentence in sentences]
    await acreate_table_artifact(table=rows[:MAX_ROWS], key="replay-forecast", description="Nothing was done")
    return Completed(message=f"dry run: {plan.total} events would be replayed; nothing was done")
