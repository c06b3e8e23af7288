"""The flow that asks Genesys anew for the names that the directory knows."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.reports.directory import markdown, message
from flows.reports.progress import Progress
from flows.runs.recovery import fail_if_crash_looping
from flows.runs.schedule import reschedule_current_run
from flows.runs.timeouts import REFRESH, run_timeout
from tasks.directory import read_directory, refresh_names
from tasks.errors import PermanentError, TransientError
from tasks.genesys import NameKind
from tasks.genesys.directory import MAX_IDS
from tasks.operations.directory_refresh import RefreshCounts
from tasks.options import NO_RESULTS
from tasks.pipeline.directory import Directory
from tasks.services import get_services
from tasks.settings import task_policy
from tasks.values import chunked


@flow(name=REFRESH, persist_result=False, result_storage=NO_RESULTS)
async def refresh_directory() -> State[Any]:
    """Ask Genesys for the names of all users, queues, wrap-up codes and divisions that the directory knows.

    Rows that are stored keep the names that they have.
    """
    try:
        async with asyncio.timeout(run_timeout(REFRESH, task_policy())):
            await fail_if_crash_looping()
            directory = get_services().directory
            if directory is None:
                return Completed(message="DIRECTORY_TABLE is not set: no names are kept")
            counts = await _refresh(directory)
            await acreate_markdown_artifact(markdown(counts), key="directory", description=message(counts))
            return Completed(message=message(counts))
    except TimeoutError:
        return Failed(name="TimedOut", message="BACKGROUND_TIMEOUT has passed; the next run begins anew")
    except PermanentError as error:
        return Failed(message=f"{error.code}: {error}")
    except TransientError as error:
        await reschedule_current_run(error)


async def _refresh(directory: Directory) -> dict[NameKind, RefreshCounts]:
    """Refresh kind after kind, a hundred ids a request; a kind that is refused is not asked for any further."""
    known = await read_directory(directory)
    progress = Progress("directory-progress", sum(map(len, known.values())), "ids refreshed")
    await progress.start()
    counts = dict.fromkeys(known, RefreshCounts())
    for kind, entries in known.items():
        for part in chunked(entries, MAX_IDS):
            refused = RefreshCounts(known=len(part), refused=len(part))
            counts[kind] += refused if counts[kind].refused else await refresh_names(directory, kind, part)
            await progress.add(len(part))
    return counts
