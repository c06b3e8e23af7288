"""Where a back-fill is: a Prefect variable, for a person to see and, to begin anew, to delete."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.variables import Variable


class Checkpoint:
    """The moment until which the interval of a back-fill is reconciled; one for each interval asked for."""

    def __init__(self, start: datetime, end: datetime | None) -> None:
        until = f"{end:%Y%m%dt%H%M%S}" if end else "now"
        self.name = f"reconcile_{start:%Y%m%dt%H%M%S}_{until}"

    async def read(self) -> datetime | None:
        """The moment, None when there is none or a person made it unreadable."""
        value = await Variable.aget(self.name)
        try:
            return datetime.fromisoformat(str(value)).astimezone(UTC) if value else None
        except ValueError:
            return None

    async def note(self, moment: datetime) -> None:
        """Everything until this moment is reconciled."""
        await Variable.aset(self.name, moment.isoformat(), overwrite=True)

    async def clear(self) -> None:
        """The interval is reconciled: the next run of it begins anew."""
        await Variable.aunset(self.name)
