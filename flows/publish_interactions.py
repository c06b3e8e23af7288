"""The flow that publishes: what is staged into the analytics tables, or an interval of them made anew."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.reports.progress import Progress
from flows.reports.publish import PublishReport
from flows.reports.refusal import refused
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.schedule import reschedule_current_run
from flows.runs.timeouts import PUBLISH, run_timeout
from tasks.errors import InvalidRequest, PermanentError, TransientError
from tasks.lake.publishing.counts import PublishCounts
from tasks.operations.intervals import InvalidInterval
from tasks.options import NO_RESULTS
from tasks.publish import keep_up_tables, list_days, list_staged, publish_batch, publish_names, rebuild_day
from tasks.services import get_services
from tasks.settings import task_policy


def run_name() -> str:
    """Return `publish`, or `rebuild 2026-01-01 to 2026-01-31`."""
    given = flow_run.parameters
    if not given.get("start"):
        return "publish"
    return f"rebuild {given['start']} to {given.get('end') or 'today'}"


@flow(name=PUBLISH, flow_run_name=run_name, persist_result=False, result_storage=NO_RESULTS)
async def publish_interactions(start: date | None = None, end: date | None = None) -> State[Any]:
    """Bring the analytics tables up to what is stored. Without any parameter: all that has changed.

    Args:
        start: Instead of that, make the rows of past days anew, from the conversations and the records: the first day.
        end: The last day; today, if absent.

    """
    report, began = PublishReport(), monotonic()
    try:
        async with asyncio.timeout(run_timeout(PUBLISH, task_policy())):
            await fail_if_crash_looping()
            for name in ("analytics_database", "conversation_bucket"):
                if not getattr(get_services().settings, name):
                    return Completed(message=f"analytics are off: {name.upper()} is not set")
            await (_publish(report) if start is None and end is None else _rebuild(start, end, report))
            report.seconds = monotonic() - began
            await acreate_table_artifact(report.table(), key="tables", description=report.message())
            return Completed(message=report.message())
    except TimeoutError:
        return Failed(name="TimedOut", message=f"BACKGROUND_TIMEOUT has passed; {report.message()}")
    except InvalidRequest as error:
        return refused(error)
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}")
    except TransientError as error:
        await reschedule_current_run(error)


async def _publish(report: PublishReport) -> None:
    batches = await list_staged()
    progress = Progress("publish-progress", sum(map(len, batches)), "staged objects published")
    await progress.start()
    for batch in batches:
        report.counts.add(await publish_batch(batch))
        await progress.add(len(batch))
    report.counts.add(PublishCounts(rows=await publish_names()))
    report.add_upkeep(await keep_up_tables(sorted(report.counts.days, key=str)))


async def _rebuild(start: date | None, end: date | None, report: PublishReport) -> None:
    last = end or datetime.now(UTC).date()
    if start is None or start > last:
        raise InvalidInterval("a rebuild needs a first day, and none after the last")
    days = await list_days(start, last)
    progress = Progress("publish-progress", len(days), "days rebuilt")
    await progress.start()
    for day in days:
        report.counts.add(await rebuild_day(day))
        await progress.add(1)
    report.add_upkeep(await keep_up_tables(sorted(report.counts.days, key=str)))
