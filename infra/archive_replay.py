"""Replays events of the bus's archive to this stack's rule only."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.errors import InfraError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_events import EventBridgeClient

FINAL_STATES = {"COMPLETED", "CANCELLED", "FAILED"}


class Replay:
    """Replays of one stack's archive; `poll`: seconds between two looks at the progress."""

    def __init__(self, events: EventBridgeClient, outputs: Mapping[str, str], poll: float = 2.0) -> None:
        if "ArchiveArn" not in outputs:
            raise InfraError(
                "this stack has no archive: `deploy --archive` makes one, for events from then on"
            )
        self.events, self.outputs, self.poll = events, outputs, poll

    def start(self, begin: datetime, end: datetime, archive: str | None = None) -> str:
        """Start a replay of the events between two times and return its name.

        `archive`: the name of one that a change of the bus has left, of the bus that the stack's rule is on now.
        """
        if begin >= end:
            raise InvalidInput("--from is not before --to, so there is nothing to replay")
        found = self.events.describe_archive(
            ArchiveName=archive or self.outputs["ArchiveArn"].rsplit("/", 1)[1]
        )
        bus = found["EventSourceArn"].split(":event-bus/", 1)[1]
        if bus != self.outputs["EventBusName"]:
            raise InvalidInput(
                f"archive {archive} is of bus {bus}, which replays to its own rules only: move this stack's rule there "
                f"(`deploy --bus {bus} --bus-mode existing`), replay, and move it back"
            )
        # EventBridge limits the name to 64 characters.
        name = f"{self.outputs['RuleName'][:44]}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:64]
        self.events.start_replay(
            ReplayName=name,
            EventSourceArn=found["ArchiveArn"],
            EventStartTime=begin,
            EventEndTime=end,
            # Without the filter the events would go to every other rule of the bus, too.
            Destination={"Arn": found["EventSourceArn"], "FilterArns": [self.outputs["RuleArn"]]},
        )
        return name

    def follow(self, name: str, report: Callable[[str], None] = lambda _: None) -> str:
        """Wait for the end of the replay and return its state; report each change of state or progress."""
        last = ""
        while True:
            found = self.events.describe_replay(ReplayName=name)
            reached = found.get("EventLastReplayedTime")
            state = str(found["State"])
            line = state.lower() + (f", up to {reached:%Y-%m-%d %H:%M:%S}" if reached else "")
            if line != last:
                report(line)
                last = line
            if state in FINAL_STATES:
                return state
            time.sleep(self.poll)

    def cancel(self, name: str) -> None:
        """Cancel a replay; events that were replayed already stay delivered."""
        self.events.cancel_replay(ReplayName=name)
