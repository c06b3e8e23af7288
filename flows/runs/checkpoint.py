"""How far a reconcile has come: Prefect variables, which a person can see, and delete to begin anew."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.variables import Variable

from tasks.operations.intervals import Interval
from tasks.operations.job_reconciler import JobCursor

_MAX_CURSOR = 4_000  # characters; a Prefect variable has 5,000


class StoredMoment:
    """A time in a Prefect variable."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def read(self) -> datetime | None:
        """Return the time; None when there is none, or when it is no ISO 8601 text."""
        value = await Variable.aget(self.name)
        try:
            return datetime.fromisoformat(str(value)).astimezone(UTC) if value else None
        except ValueError:
            return None

    async def write(self, moment: datetime) -> None:
        """Note a time."""
        await Variable.aset(self.name, moment.isoformat(), overwrite=True)


class Checkpoint(StoredMoment):
    """The time until which the interval of a back-fill is reconciled; one variable for each interval."""

    def __init__(self, start: datetime, end: datetime | None) -> None:
        until = f"{end:%Y%m%dt%H%M%S}" if end else "now"
        super().__init__(f"reconcile_{start:%Y%m%dt%H%M%S}_{until}")

    async def done_until(self) -> datetime | None:
        """Return the time until which an interrupted run of the same interval came."""
        return await self.read()

    async def reached(self, interval: Interval) -> None:
        """Note that everything until the end of an interval is reconciled."""
        await self.write(interval.end)

    async def clear(self) -> None:
        """Delete the variable: the interval is reconciled, and its next run begins anew."""
        await Variable.aunset(self.name)


class JobCheckpoint:
    """The details job that a back-fill reads, and the cursor of its results; a variable beside the interval's."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name = f"{checkpoint.name}_job"

    async def read(self) -> JobCursor | None:
        """Return the job of an interrupted run; None when there is none, or when the variable holds no job."""
        return JobCursor.from_json(await Variable.aget(self.name))

    async def write(self, job: JobCursor) -> None:
        """Note a job; without a cursor that is too long for a variable, its results are read from the first again."""
        note = job.to_json()
        if job.cursor and len(job.cursor) > _MAX_CURSOR:
            note["cursor"] = None
        await Variable.aset(self.name, note, overwrite=True)

    async def forget(self) -> None:
        """Delete the variable."""
        await Variable.aunset(self.name)


class Watermark(StoredMoment):
    """The time until which the runs of a schedule have reconciled; it moves forward, after each day of an interval."""

    def __init__(self, schedule: str) -> None:
        super().__init__(f"reconcile_{schedule}_covered_until")

    async def done_until(self) -> datetime | None:
        """Return None: a scheduled run's interval begins where the last one ended, or earlier, on purpose."""
        return None

    async def covered_until(self) -> datetime | None:
        """Return the time; None when there is none, or one in the future, which would stop all later runs."""
        moment = await self.read()
        return moment if moment and moment <= datetime.now(UTC) else None

    async def reached(self, interval: Interval) -> None:
        """Note that everything until the end of an interval is reconciled, unless more is."""
        before = await self.covered_until()
        if before is None or before < interval.end:
            await self.write(interval.end)

    async def clear(self) -> None:
        """Keep the variable: the next run of the schedule begins there."""
