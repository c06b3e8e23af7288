"""What a person sees of a run: its name, its outcomes as a table, its state with a message that counts."""

from __future__ import annotations

from prefect import get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.budget import show_budget
from flows.cards import CARDS, escaped, leave_card, plain
from flows.later import name_of
from flows.signals import signal
from tasks.events import preview
from tasks.outcomes import Kind, Outcome, summary

ROWS = 500  # most rows of an outcomes table; failures come first
SAMPLE = 100  # most rows of events that ended well, in a run of thousands
_NAMED = 3  # events named in the run's message
_BAD = (Kind.REJECTED, Kind.FAILED)


def run_name() -> str:
    """The run's name, from its parameters: the interactionId when it holds one, else its size."""
    parameters = flow_run.parameters
    attempt = int(parameters.get("attempt") or 1)
    events = [text for text in parameters.get("events") or [] if isinstance(text, str)]
    ids = {each.interaction_id for each in preview(events)} - {None}
    if ids:
        return name_of(sorted(str(id_) for id_ in ids), attempt)
    return f"{len(events)} event{'' if len(events) == 1 else 's'} without an interaction"


async def report(outcomes: list[Outcome], trouble: str | None = None) -> State[None]:
    """Leave the artifacts and return the run's final state; `trouble` is what a person has to mend."""
    try:
        await acreate_table_artifact(
            table=rows(outcomes), key="outcomes", description=f"Outcome of each event: {summary(outcomes)}"
        )
        for outcome in [o for o in outcomes if o.kind in _BAD][:CARDS]:
            await leave_card(outcome)
        await signal(outcomes)
        await show_budget()
    except Exception as error:  # noqa: BLE001 - the events have their outcomes; only the picture of them is missing
        get_run_logger().warning("an artifact could not be made (%s)", type(error).__name__)
    return final_state(outcomes, trouble)


def final_state(outcomes: list[Outcome], trouble: str | None = None) -> State[None]:
    """Completed, or Failed with what went wrong in numbers and names."""
    rejected = [outcome for outcome in outcomes if outcome.kind is Kind.REJECTED]
    failed = [outcome for outcome in outcomes if outcome.kind is Kind.FAILED]
    if not rejected and not failed and not trouble:
        return Completed(message=summary(outcomes))
    parts = [trouble] if trouble else []
    if rejected:
        parts.append(
            f"ValidationFailed: {len(rejected)} of {len(outcomes)} events rejected ({_names(rejected)})"
        )
    if failed:
        parts.append(f"ProcessingFailed: {len(failed)} of {len(outcomes)} events failed ({_names(failed)})")
    return Failed(message="; ".join([*parts, summary(outcomes)]))


def _names(outcomes: list[Outcome]) -> str:
    named = [f"{_subject(o)} {o.detail.split(':')[0]}" for o in outcomes[:_NAMED]]
    return ", ".join(named) + (", ..." if len(outcomes) > _NAMED else "")


def _subject(outcome: Outcome) -> str:
    known = outcome.interaction_id or outcome.event_id
    return plain(known) if known else "an event"


def rows(outcomes: list[Outcome]) -> list[dict[str, str]]:
    """The outcomes table: everything that went wrong, a sample of the rest, and how many are left out."""
    bad = [o for o in outcomes if o.kind in _BAD]
    good = [o for o in outcomes if o.kind not in _BAD]
    shown = [*bad, *good] if len(outcomes) <= ROWS else [*bad[: ROWS - SAMPLE], *good[:SAMPLE]]
    table = [_row(outcome) for outcome in shown]
    if len(shown) < len(outcomes):
        rest = f"{len(outcomes) - len(shown)} more events"
        table.append(
            {"interactionId": rest, "eventId": "", "outcome": "", "detail": summary(outcomes), "dueAt": ""}
        )
    return table


def _row(outcome: Outcome) -> dict[str, str]:
    return {
        "interactionId": plain(outcome.interaction_id) if outcome.interaction_id else "",
        "eventId": plain(outcome.event_id) if outcome.event_id else "",
        "outcome": outcome.kind.value,
        "detail": escaped(outcome.detail),
        "dueAt": outcome.due_at or "",
    }
