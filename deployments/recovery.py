"""How long a flow run may be lost, stuck or crashed before it is scheduled again: the flags of `apply`."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from deployments.errors import BadValue

MAX_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class RecoveryDelays:
    """Seconds after which an automation schedules a flow run again."""

    lost_after: float = 90
    """Seconds without a heartbeat after which a run's worker counts as lost: three heartbeats."""
    stuck_after: float = 300
    """Seconds that a run may be Pending."""
    crashed_after: float = 60
    """Seconds until a crashed run is scheduled again."""

    def check(self) -> None:
        """Raise BadValue for a delay within two heartbeats, of no time, or above a week."""
        _check("--lost-after", self.lost_after, _two_heartbeats())
        _check("--stuck-after", self.stuck_after)
        _check("--crashed-after", self.crashed_after)


def _check(flag: str, seconds: float, above: float = 0) -> None:
    if not above < seconds <= MAX_SECONDS:
        why = " (two heartbeats, WORKER_HEARTBEAT_SECONDS: healthy runs would count as lost)" if above else ""
        raise BadValue(
            f"{flag} is {seconds:g}: it takes seconds above {above:g}{why}, and a week at the most"
        )


def _two_heartbeats() -> float:
    """Return the longest time in seconds between two events of a healthy run: one heartbeat may get lost."""
    from deployments.worker.settings import WorkerSettings  # noqa: PLC0415 - imports Prefect

    try:
        return 2 * WorkerSettings().heartbeat_seconds
    except ValidationError as error:
        names = ", ".join(f"WORKER_{str(each['loc'][0]).upper()}" for each in error.errors())
        raise BadValue(f"{names}: not usable, must be a number of seconds") from None
