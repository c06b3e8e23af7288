"""The automations, as data, and one idempotent way to apply them.

Recovery: a run whose worker died, that is stuck in Pending, or that crashed, is scheduled again under a state
name of its own, which frees its work queue's slot; the flow counts those names and gives up in time
(`flows/recovery.py`).
Notification: only when a notification block is named.

Automations have no upsert, and an update would forget the runs being watched, so what is unchanged is left
alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from deployments.errors import NoBlock
from flows.recovery import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.signals import DEAD_LETTERS_GROWING, OUTCOMES_FAILED, REJECTIONS_HIGH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

FLOWS = ("process-interactions", "replay-interactions", "reconcile-interactions", "erase-interactions")
TAG = "interactions"

_SLACK = timedelta(seconds=10)  # the server looks every 5 s, and an event takes its time
_LEAST = timedelta(seconds=10)  # Prefect's least window of a proactive trigger
_ANY = "prefect.flow-run.*"


class Change(NamedTuple):
    """What applying did to one object."""

    kind: str
    name: str
    done: Literal["created", "updated", "unchanged"]


async def apply_automations(
    client: PrefectClient,
    *,
    heartbeat_seconds: float = 90,
    pending_seconds: float = 300,
    crashed_seconds: float = 60,
    flows: Sequence[str] = FLOWS,
    notification_block: str | None = None,
    reconcile_hours: float = 2,
) -> list[Change]:
    """Create or update every automation, and return what changed.

    Args:
        client: A client of the server they belong on.
        heartbeat_seconds: A run that was silent for so long is lost: three heartbeats.
        pending_seconds: A run that is Pending for so long is stuck.
        crashed_seconds: A crashed run is scheduled again after so long, and a broken deployment no oftener.
        flows: The flows that are recovered; no other flow is touched.
        notification_block: Slug and name of a notification block, as in `slack-webhook/operations`.
        reconcile_hours: Hours without a completed reconcile before someone is told.

    """
    wanted = recovery(heartbeat_seconds, pending_seconds, crashed_seconds, flows)
    if notification_block is not None:
        wanted += notifications(await notifier_id(client, notification_block), reconcile_hours)
    return [await _apply(client, automation) for automation in wanted]


def recovery(
    heartbeat_seconds: float, pending_seconds: float, crashed_seconds: float, flows: Sequence[str]
) -> list[AutomationCore]:
    """Return the automations that schedule lost runs again."""
    running = {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
    return [
        _again(WORKER_LOST, "Its worker was silent for too long.", running, heartbeat_seconds, flows),
        _again(
            STUCK_PENDING,
            "A worker claimed it and did not begin it.",
            {"prefect.flow-run.Pending", "prefect.flow-run.Submitting"},
            pending_seconds,
            flows,
        ),
        _again(RUN_CRASHED, "Its process crashed.", {"prefect.flow-run.Crashed"}, crashed_seconds, flows),
    ]


def _again(state: str, message: str, after: set[str], seconds: float, flows: Sequence[str]) -> AutomationCore:
    """Return the automation that schedules a run again when nothing follows `after` within `seconds`.

    The events of `after` are expected, too: then each starts the window anew. Every event of the run ends it,
    for a state may have any name.
    """
    return AutomationCore(
        name=f"interactions: {state}",
        description=f"Schedules a flow run again. {message}",
        tags=[TAG],
        trigger=EventTrigger(
            posture=Posture.Proactive,
            match=_labels({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=[
                _labels({"prefect.resource.role": "flow", "prefect.resource.name": list(flows)}),
                _labels(
                    {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"}
                ),
            ],
            for_each={"prefect.resource.id"},
            after=after,
            expect={*after, _ANY},
            threshold=1,
            within=max(_LEAST, timedelta(seconds=seconds) - _SLACK),
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name=state, message=message)],
    )


def notifications(block_id: UUID, reconcile_hours: float) -> list[AutomationCore]:
    """Return the automations that tell someone, through the notification block with this id."""
    told = {
        "failed outcomes": OUTCOMES_FAILED,
        "many rejections": REJECTIONS_HIGH,
        "dead-letter queue grows": DEAD_LETTERS_GROWING,
    }
    return [
        *(_tell(block_id, what, _on(event)) for what, event in told.items()),
        _tell(block_id, "reconcile missed", _without_reconcile(reconcile_hours)),
    ]


def _on(event: str) -> EventTrigger:
    """Fire at most once in 15 minutes, however many events there are."""
    return EventTrigger(posture=Posture.Reactive, expect={event}, threshold=1, within=timedelta(minutes=15))


def _without_reconcile(hours: float) -> EventTrigger:
    return EventTrigger(
        posture=Posture.Proactive,
        match=_labels({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=[
            _labels({"prefect.resource.role": "flow", "prefect.resource.name": "reconcile-interactions"})
        ],
        expect={"prefect.flow-run.Completed"},
        threshold=1,
        within=timedelta(hours=hours),
    )


def _tell(block_id: UUID, what: str, trigger: EventTrigger) -> AutomationCore:
    return AutomationCore(
        name=f"interactions: notify, {what}",
        description="Tells whoever the notification block reaches.",
        tags=[TAG],
        trigger=trigger,
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject=f"Interactions: {what}",
                body="{{ automation.name }}, {{ event.resource.id }}: look at the runs in the Prefect UI.",
            )
        ],
    )


def _labels(labels: dict[str, str | list[str]]) -> ResourceSpecification:
    return ResourceSpecification.model_validate(labels)


async def notifier_id(client: PrefectClient, slug_and_name: str) -> UUID:
    """Return a notification block's id, by `slack-webhook/operations`. Raises NoBlock."""
    slug, _, name = slug_and_name.partition("/")
    if not slug or not name:
        raise NoBlock("--notify takes a notification block's type and name, as in slack-webhook/operations")
    try:
        block = await client.read_block_document_by_name(name, block_type_slug=slug, include_secrets=False)
    except ObjectNotFound:
        raise NoBlock(
            f"there is no block {slug}/{name}: make it in the Prefect UI under Blocks, or correct --notify"
        ) from None
    if block.block_schema is None or "notify" not in block.block_schema.capabilities:
        raise NoBlock(f"block {slug}/{name} notifies nobody: --notify takes a block of a notification type")
    return block.id


async def _apply(client: PrefectClient, wanted: AutomationCore) -> Change:
    found = await client.read_automations_by_name(wanted.name)
    for duplicate in found[1:]:
        await client.delete_automation(duplicate.id)
    if not found:
        await client.create_automation(wanted)
        return Change("automation", wanted.name, "created")
    if _content(found[0]) == _content(wanted):
        return Change("automation", wanted.name, "unchanged")
    await client.update_automation(found[0].id, wanted)
    return Change("automation", wanted.name, "updated")


def _content(automation: AutomationCore) -> dict[str, object]:
    """Return what was asked for: the server adds ids, and answers in the same models."""
    return automation.model_dump(include=set(AutomationCore.model_fields) - {"id"})
