"""How long a run of the stock pool may be lost, stuck or crashed before it is scheduled again: flags of `apply`."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.errors import BadValue

MAX_SECONDS = 7 * 24 * 3600
_TWO_HEARTBEATS = 60.0  # PREFECT_FLOWS_HEARTBEAT_FREQUENCY is 30 at the least, and one heartbeat may get lost


@dataclass(frozen=True, kw_only=True)
class RecoveryDelays:
    """Seconds after which an automation schedules a flow run of the stock pool again.

    The warm pool's workers have settings of their own (`deployments/worker/settings.py`).
    """

    lost_after: float = 90
    """On the stock pool, seconds without a heartbeat after which a run counts as lost: three heartbeats."""
    stuck_after: float = 120
    """On the stock pool, seconds that a run may be Pending."""
    crashed_after: float = 60
    """On the stock pool, seconds until a crashed run is scheduled again."""

    def check(self) -> None:
        """Raise BadValue for a delay within two heartbeats, of no time, or above a week."""
        _check("--lost-after", self.lost_after, _TWO_HEARTBEATS)
        _check("--stuck-after", self.stuck_after)
        _check("--crashed-after", self.crashed_after)


def _check(flag: str, seconds: float, above: float = 0) -> None:
    if not above < seconds <= MAX_SECONDS:
        why = " (two of Prefect's heartbeats: healthy runs would count as lost)" if above else ""
        raise BadValue(
            f"{flag} is {seconds:g}: it takes seconds above {above:g}{why}, and a week at the most"
        )
