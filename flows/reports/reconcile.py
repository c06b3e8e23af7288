"""What a person sees of a reconcile: its artifact and its final state."""

from __future__ import annotations

from typing import Any, NamedTuple

from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.operations.intervals import Interval
from tasks.operations.reconciler import ReconcileCounts
from tasks.values import iso


class Requeued(NamedTuple):
    """What a reconcile scheduled again."""

    interactions: int
    late: int
    """Interactions whose run is only late."""
    abandoned_runs: int

    def __str__(self) -> str:
        """Return `2 overdue or unsettled restarted, 1 on their way`, and the abandoned runs if there are any."""
        text = f"{self.interactions} overdue or unsettled restarted, {self.late} on their way"
        return (
            f"{text}, {self.abandoned_runs} abandoned runs scheduled again" if self.abandoned_runs else text
        )


def left(interval: Interval, covered: Interval) -> str:
    """Return what of an interval Genesys's data lake does not have yet, and until when it was read; `` for nothing."""
    if covered.end >= interval.end:
        return ""
    reached = f"Genesys's data lake is complete until {iso(covered.end)}"
    if covered.end <= interval.start:
        reached = "Genesys's data lake has nothing of the interval yet"
    return f"{reached}: {iso(covered.end)} to {iso(interval.end)} was not asked for"


async def publish_reconcile(
    interval: Interval, counts: ReconcileCounts, requeued: Requeued, left: str = ""
) -> None:
    """Make the artifact `reconcile` of this run."""
    text = markdown(interval, counts, requeued, left)
    await acreate_markdown_artifact(text, key="reconcile", description=str(counts))


def markdown(interval: Interval, counts: ReconcileCounts, requeued: Requeued, left: str = "") -> str:
    """Return the artifact: the counts, what was left, and the first interactions that changed."""
    lines = [
        f"# {interval.start:%Y-%m-%d %H:%M} to {interval.end:%Y-%m-%d %H:%M} UTC",
        f"{requeued}.",
        *(["", f"{left}. The same reconcile, started again later, goes on there."] if left else []),
        "",
        "| conversations | |",
        "| --- | --- |",
        *(f"| {name} | {counts[name]} |" for name in ReconcileCounts.NAMES),
    ]
    if counts.named:
        named = (f"| {name} | `{id_}` |" for name, id_ in counts.named)
        lines += ["", "| the first of them | interaction |", "| --- | --- |", *named]
    if counts.not_returned:
        text = f"Genesys no longer returns {counts['not returned']}; their records stay. A lost permission or division"
        lines += ["", f"{text} looks the same. The first of them:", ""]
        lines += [f"- `{id_}`" for id_ in counts.not_returned]
    return "\n".join(lines)


def final_state(counts: ReconcileCounts, requeued: Requeued, left: str = "") -> State[Any]:
    """Return Completed, or Failed when conversations are in quarantine or could not be read."""
    if counts["failed"]:
        return Failed(message=f"{counts['failed']} conversations are in quarantine; {counts}; {requeued}")
    if counts["unreadable"]:
        text = f"{counts['unreadable']} conversations are larger than what Genesys returns"
        return Failed(message=f"{text}; {counts}; {requeued}")
    if counts["cut off"]:
        text = (
            f"{counts['cut off']} seconds have more than the 100,000 conversations that a query gives of one"
        )
        return Failed(message=f"{text}: reconcile them with start, end and mode jobs; {counts}; {requeued}")
    return Completed(message=f"{counts}; {requeued}{f'; {left}' if left else ''}")
