"""Replaying the archive of the event bus, to this stack's rule alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.errors import InfraError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_events import EventBridgeClient

OVER = {"COMPLETED", "CANCELLED", "FAILED"}


class Replay:
    """Replays of one stack's archive."""

    def __init__(self, events: EventBridgeClient, outputs: Mapping[str, str], poll: float = 2.0) -> None:
        if "ArchiveArn" not in outputs:
            raise InfraError(
                "this stack has no archive: `deploy --archive` makes one, for events from then on"
            )
        self.events, self.outputs, self.poll = events, outputs, poll

    def start(self, begin: datetime, end: datetime) -> str:
        """Start a replay of the events of an interval and return its name."""
        if begin >= end:
            raise InvalidInput("--from is not before --to, so there is nothing to replay")
        # Its name may have 64 characters.
        name = f"{self.outputs['RuleName'][:44]}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:64]
        self.events.start_replay(
            ReplayName=name,
            EventSourceArn=self.outputs["ArchiveArn"],
            EventStartTime=begin,
            EventEndTime=end,
            # Without the filter every other rule of the bus would have the events again, too.
            Destination={"Arn": self._bus_arn(), "FilterArns": [self.outputs["RuleArn"]]},
        )
        return name

    def follow(self, name: str, report: Callable[[str], None] = lambda _: None) -> str:
        """Wait until the replay is over, tell how far it is, and return its state."""
        last = ""
        while True:
            found = self.events.describe_replay(ReplayName=name)
            reached = found.get("EventLastReplayedTime")
            state = str(found["State"])
            if (
                line := f"{state.lower()}{f', up to {reached:%Y-%m-%d %H:%M:%S}' if reached else ''}"
            ) != last:
                report(line)
                last = line
            if state in OVER:
                return state
            time.sleep(self.poll)

    def cancel(self, name: str) -> None:
        """Cancel a replay; what was replayed so far stays."""
        self.events.cancel_replay(ReplayName=name)

    def _bus_arn(self) -> str:
        name = self.outputs["ArchiveArn"].split("archive/")[1]
        return self.events.describe_archive(ArchiveName=name)["EventSourceArn"]
