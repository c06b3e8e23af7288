"""How far a back-fill has come: a Prefect variable, which a person can see, and delete to begin anew."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.variables import Variable


class Checkpoint:
    """The time until which the interval of a back-fill is reconciled; one variable for each interval."""

    def __init__(self, start: datetime, end: datetime | None) -> None:
        until = f"{end:%Y%m%dt%H%M%S}" if end else "now"
        self.name = f"reconcile_{start:%Y%m%dt%H%M%S}_{until}"

    async def read(self) -> datetime | None:
        """Return the time; None when there is none, or when it is no ISO 8601 text."""
        value = await Variable.aget(self.name)
        try:
            return datetime.fromisoformat(str(value)).astimezone(UTC) if value else None
        except ValueError:
            return None

    async def write(self, moment: datetime) -> None:
        """Note that everything until this time is reconciled."""
        await Variable.aset(self.name, moment.isoformat(), overwrite=True)

    async def clear(self) -> None:
        """Delete the variable: the interval is reconciled, and its next run begins anew."""
        await Variable.aunset(self.name)
