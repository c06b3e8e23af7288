"""Runs the checks, in the order in which an event passes the systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.verify import analytics, bridge, bus
from infra.verify.check import Check, CheckResult, CheckUnknown
from infra.verify.context import CheckContext
from infra.verify.genesys import GenesysChecks
from infra.verify.prefect import PrefectChecks
from infra.verify.synthetic_event import SyntheticEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from infra.stack.change_set import Stack


def verify(
    session: boto3.Session,
    stack: Stack,
    *,
    send: bool = True,
    wait: float = 180.0,
    report: Callable[[CheckResult], None] = lambda _: None,
) -> list[CheckResult]:
    """Return the result of every check; only those of AWS and the stack when these do not pass.

    `send`: send a synthetic event if the bus accepts one, and wait `wait` seconds beyond the settle delay for its
    row. `report` is called with each result.
    """
    context, results = CheckContext(session, stack), []
    for check in _prerequisites(context):
        results.append(check.run())
        report(results[-1])
        if results[-1].state != "pass":
            return results
    for check in _path_of_an_event(context):
        results.append(check.run())
        report(results[-1])
    if send:
        failed = any(result.failed for result in results)
        look = _not_sent if failed else SyntheticEvent(context, wait).arrives
        results.append(Check("synthetic event", look).run())
        report(results[-1])
    return results


def _prerequisites(context: CheckContext) -> list[Check]:
    return [
        Check("AWS identity", lambda: bus.identity(context)),
        Check("stack", lambda: bus.stack_status(context)),
    ]


def _path_of_an_event(context: CheckContext) -> list[Check]:
    prefect = PrefectChecks(context)
    return [
        *GenesysChecks(context).checks(),
        *bus.checks(context),
        *bridge.checks(context),
        *prefect.checks(),
        *analytics.checks(context, prefect.api),
    ]


def _not_sent() -> str:
    """Raise CheckUnknown: the event would fail for the reason that is reported already."""
    raise CheckUnknown("not sent, because a check above fails", "resolve that first")
