"""`trigger`, `replay` and `reconcile`: what starts a run, and waits for its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
Positive = Annotated[float | None, Parameter(validator=validators.Number(gt=0))]
Share = Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=1))]
Flag = Annotated[bool, Parameter(negative=())]
OrStandardInput = Annotated[str, Parameter(allow_leading_hyphen=True)]  # `-` is no flag
INTERRUPTED = 130


def trigger(
    *interaction_ids: str, count: Count = 1, bad: Flag = False, wait: bool = True, json: Flag = False
) -> int:
    """Send sample events of ended interactions, and wait for the runs that they end in.

    They go on the bus that EVENT_BUS names (a sandbox's); without one, straight to Prefect, as the bridge would.
    The exit code is 0 when the runs completed, 1 when one did not, 2 when nothing could be sent.

    Args:
        interaction_ids: The interactions; invented ones without any, which only a simulator knows.
        count: How many to invent.
        bad: Send events that are rejected.
        wait: Wait for the end; without, print the ids and end.
        json: Print JSON.
    """
    from deployments.starting import sample  # noqa: PLC0415 - Prefect takes seconds to import

    return _run(sample.trigger(interaction_ids, count, bad=bad, wait=wait, as_json=json))


def replay(
    *interaction_ids: OrStandardInput,
    file: Path | None = None,
    quarantined: Literal["none", "failed", "rejected", "all"] = "none",
    since: datetime | None = None,
    until: datetime | None = None,
    dry_run: Flag = False,
    force: Flag = False,
    rebuild: Flag = False,
    tolerated_failures: Share = None,
    wait: bool = True,
    json: Flag = False,
) -> int:
    """Fetch interactions again and save them, by their ids or out of quarantine; doing it twice is harmless.

    The exit code is 0 when the run completed, 1 when it did not, 2 for an id that is none; then nothing is started.

    Args:
        interaction_ids: Their ids (UUIDs); `-` reads them from standard input.
        file: A file of ids, parted by blanks, commas or lines.
        quarantined: What is in quarantine, as well.
        since: Only what was last put into quarantine at this time or later (UTC).
        until: Only what was last put into quarantine at this time or earlier (UTC).
        dry_run: Say what would be done, and do nothing.
        force: Write even if the table holds newer.
        rebuild: Make the records of a former release anew.
        tolerated_failures: Stop when more than this share failed or was rejected, once a hundred are done: 0.1 unless
            given; 1 never stops.
        wait: Wait for the end; without, print the link and end.
        json: Print JSON.
    """
    from deployments.starting import command, start  # noqa: PLC0415 - as above

    parameters = start.replays(
        start.ids_in(interaction_ids, file, sys.stdin),
        quarantined=quarantined,
        since=since.isoformat() if since else None,
        until=until.isoformat() if until else None,
        dry_run=dry_run,
        force=force,
        rebuild=rebuild,
        tolerated_failures=tolerated_failures,
    )
    return _run(command.start_and_follow("replay-interactions/replay", parameters, wait=wait, as_json=json))


def reconcile(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    last_hours: Positive = None,
    last_days: Positive = None,
    unsettled: Literal["none", "share", "all"] = "none",
    mode: Literal["query", "jobs"] = "query",
    wait: bool = True,
    json: Flag = False,
) -> int:
    """Store what Genesys lists of an interval and the table lacks; without an interval, of the last three hours.

    The exit code is 0 when the run completed, 1 when it did not, 2 for what is no interval.

    Args:
        start: Beginning of the interval (UTC without an offset).
        end: Its end; now without it.
        last_hours: So many hours back from now.
        last_days: So many days back from now.
        unsettled: Ask again for records unsettled for more than a day, too: in all of the table, or in a 24th of it.
        mode: `jobs` reads Genesys's data lake, for a back-fill (with --start) that is too large for its query; what is
            later than the lake's date, hours to a day ago, is left.
        wait: Wait for the end; without, print the link and end.
        json: Print JSON.
    """
    from deployments.starting import command, interval  # noqa: PLC0415 - as above

    parameters = interval.checked(start, end, last_hours=last_hours, last_days=last_days, mode=mode)
    parameters |= {"unsettled": unsettled} if unsettled != "none" else {}
    return _run(
        command.start_and_follow("reconcile-interactions/reconcile", [parameters], wait=wait, as_json=json)
    )


def _run(command: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(command)
    except KeyboardInterrupt:
        sys.stderr.write("not waited for any longer: what was started goes on\n")
        return INTERRUPTED
