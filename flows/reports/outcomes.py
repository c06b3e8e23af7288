"""What a person sees of a run: its outcomes as a table, and its state with a message that counts them."""

from __future__ import annotations

from collections import Counter

from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.reports.events import emit_outcomes
from flows.reports.interaction import MAX_ARTIFACTS, escaped, plain, publish_interaction
from flows.reports.request_usage import publish_request_usage
from tasks import telemetry
from tasks.pipeline.outcomes import UNSUCCESSFUL, Outcome, OutcomeKind, summary

MAX_ROWS = 500  # of an outcomes table; failures come first
MAX_SUCCESSFUL_ROWS = 100  # of events that ended well, in a run of thousands
_MAX_LISTED = 3  # events named in the run's message


async def report(outcomes: list[Outcome], needs_attention: str | None = None) -> State[None]:
    """Publish the artifacts and return the run's final state; `needs_attention` is what a person has to correct."""
    for kind, number in Counter(outcome.kind for outcome in outcomes).items():
        telemetry.add(telemetry.EVENTS, number, outcome=kind.value)
    try:
        await acreate_table_artifact(
            table=rows(outcomes), key="outcomes", description=f"Outcome of each event: {summary(outcomes)}"
        )
        for outcome in [o for o in outcomes if o.kind in UNSUCCESSFUL][:MAX_ARTIFACTS]:
            await publish_interaction(outcome)
        await emit_outcomes(outcomes)
        await publish_request_usage()
    except Exception as error:  # noqa: BLE001 - the events have their outcomes; only an artifact is missing
        get_run_logger().warning("an artifact could not be made (%s)", type(error).__name__)
    return final_state(outcomes, needs_attention)


def final_state(outcomes: list[Outcome], needs_attention: str | None = None) -> State[None]:
    """Return Completed, or Failed with what went wrong in numbers and names."""
    rejected = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.REJECTED]
    failed = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
    if not rejected and not failed and not needs_attention:
        return Completed(message=summary(outcomes))
    parts = [needs_attention] if needs_attention else []
    if rejected:
        parts.append(
            f"ValidationFailed: {len(rejected)} of {len(outcomes)} events rejected ({_names(rejected)})"
        )
    if failed:
        parts.append(f"ProcessingFailed: {len(failed)} of {len(outcomes)} events failed ({_names(failed)})")
    return Failed(message="; ".join([*parts, summary(outcomes)]))


def _names(outcomes: list[Outcome]) -> str:
    named = [f"{_subject(o)} {o.detail.split(':')[0]}" for o in outcomes[:_MAX_LISTED]]
    return ", ".join(named) + (", ..." if len(outcomes) > _MAX_LISTED else "")


def _subject(outcome: Outcome) -> str:
    known = outcome.interaction_id or outcome.event_id
    return plain(known) if known else "an event"


def rows(outcomes: list[Outcome]) -> list[dict[str, str]]:
    """Return the outcomes table: failures first, a sample of the rest, and how many are left out."""
    bad = [o for o in outcomes if o.kind in UNSUCCESSFUL]
    good = [o for o in outcomes if o.kind not in UNSUCCESSFUL]
    shown = (
        [*bad, *good]
        if len(outcomes) <= MAX_ROWS
        else [*bad[: MAX_ROWS - MAX_SUCCESSFUL_ROWS], *good[:MAX_SUCCESSFUL_ROWS]]
    )
    table = [_row(outcome) for outcome in shown]
    if len(shown) < len(outcomes):
        rest = f"{len(outcomes) - len(shown)} more events"
        table.append(
            {"outcome": "", "detail": summary(outcomes), "interactionId": rest, "eventId": "", "dueAt": ""}
        )
    return table


def _row(outcome: Outcome) -> dict[str, str]:
    return {
        "outcome": outcome.kind.value,
        "detail": escaped(outcome.detail),
        "interactionId": plain(outcome.interaction_id) if outcome.interaction_id else "",
        "eventId": plain(outcome.event_id) if outcome.event_id else "",
        "dueAt": outcome.due_at or "",
    }
