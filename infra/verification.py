"""The whole way of an event, checked piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.checks import bridge, bus
from infra.checks.genesys import Genesys
from infra.checks.passage import Passage
from infra.checks.prefect import PrefectChecks
from infra.checks.result import Check, Result, UnknownState
from infra.checks.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from infra.stack import Stack


def verify(
    session: boto3.Session,
    stack: Stack,
    *,
    send: bool = True,
    wait: float = 180.0,
    report: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Return the result of every check; without AWS or the stack there is nothing more to look at.

    `send` sends a synthetic event where the bus allows one, and waits `wait` seconds for its row.
    """
    scene, results = Scene(session, stack), []
    for check in (
        Check("AWS identity", lambda: bus.identity(scene)),
        Check("stack", lambda: bus.stack_whole(scene)),
    ):
        results.append(check.run())
        report(results[-1])
        if results[-1].state != "pass":
            return results
    for check in _rest(scene):
        results.append(check.run())
        report(results[-1])
    if send:
        whole = not any(result.failed for result in results)
        results.append(Check("synthetic event", Passage(scene, wait).passes if whole else held_back).run())
        report(results[-1])
    return results


def held_back() -> str:
    """Say that no event was sent: it would tell for the second time that something is broken."""
    raise UnknownState("not sent, because a check above fails", "mend that first")


def _rest(scene: Scene) -> list[Check]:
    return [
        *Genesys(scene).checks(),
        *bus.checks(scene),
        *bridge.checks(scene),
        *PrefectChecks(scene).checks(),
    ]
