"""The automations, as data, and an idempotent way to apply them.

Recovery, on the stock pool: a run whose worker was lost, that is stuck in Pending or that crashed is scheduled again,
under a state name of its own. That frees its slot of the work queue, and the flow counts those names to end a run that
is lost every time (`flows/runs/recovery.py`). On the warm pool the workers do that (`deployments/worker/lost_runs.py`):
there these automations are deleted, since they count from events, which come late or never when the server has trouble.
Notification: only when a notification block is named.

Prefect has no upsert of automations, and an update resets the triggers, which then forget the runs that they
watch: an automation that has not changed is left alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from deployments.errors import NoBlock
from deployments.recovery import RecoveryDelays
from deployments.resources import AppliedResource
from flows.reports.events import DEAD_LETTERS_GROWING, OUTCOMES_FAILED, REJECTIONS_HIGH
from flows.runs.losses import RUN_CRASHED, STUCK_PENDING, WORKER_LOST
from flows.runs.timeouts import FLOWS, RECONCILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

TAG = "interactions"
NOTIFIED_EVENTS = {
    "failed outcomes": OUTCOMES_FAILED,
    "many rejections": REJECTIONS_HIGH,
    "dead-letter queue grows": DEAD_LETTERS_GROWING,
}
RECONCILE_HOURS = 2  # without a completed reconcile, which is scheduled hourly
NOTIFICATION_INTERVAL = timedelta(minutes=15)

_TRIGGER_DELAY = timedelta(seconds=10)  # the server evaluates triggers every 5 s, plus the latency of events
_MIN_WINDOW = timedelta(seconds=10)  # Prefect's least window of a proactive trigger
_ANY_EVENT = "prefect.flow-run.*"


async def apply_automations(
    client: PrefectClient,
    delays: RecoveryDelays | None,
    notifier: UUID | None = None,
    flows: Sequence[str] = FLOWS,
) -> list[AppliedResource]:
    """Create, update or delete every automation; return each with what was done.

    Recovery is applied to runs of `flows` only, and not at all without `delays`. `notifier` is the notification
    block's id; without one there are no notifications.
    """
    applied = [] if delays else await _delete(client, recovery(RecoveryDelays(), flows))
    wanted = recovery(delays, flows) if delays else []
    if notifier is not None:
        wanted += notifications(notifier)
    return applied + [await _apply(client, automation) for automation in wanted]


async def _delete(client: PrefectClient, unwanted: list[AutomationCore]) -> list[AppliedResource]:
    """Delete these automations, which an earlier version or another pool needed; return those that were there."""
    deleted = []
    for automation in unwanted:
        for found in await client.read_automations_by_name(automation.name):
            await client.delete_automation(found.id)
            deleted.append(AppliedResource("automation", automation.name, "deleted"))
    return deleted


def recovery(delays: RecoveryDelays, flows: Sequence[str]) -> list[AutomationCore]:
    """Return the automations that schedule lost, stuck and crashed runs again."""
    running = {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
    pending = {"prefect.flow-run.Pending", "prefect.flow-run.Submitting"}
    crashed = {"prefect.flow-run.Crashed"}
    return [
        _reschedule(WORKER_LOST, "Its worker sent no heartbeat.", running, delays.lost_after, flows),
        _reschedule(STUCK_PENDING, "No worker began it.", pending, delays.stuck_after, flows),
        _reschedule(RUN_CRASHED, "Its process crashed.", crashed, delays.crashed_after, flows),
    ]


def _reschedule(
    state: str, message: str, after: set[str], seconds: float, flows: Sequence[str]
) -> AutomationCore:
    """Return the automation that schedules a run again when no event follows `after` within `seconds`.

    Any event of the run is expected, because a state may have any name. The events of `after` are expected, too,
    so that each of them starts the window anew.
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
            expect={*after, _ANY_EVENT},
            threshold=1,
            within=max(_MIN_WINDOW, timedelta(seconds=seconds) - _TRIGGER_DELAY),
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name=state, message=message)],
    )


def notifications(block_id: UUID) -> list[AutomationCore]:
    """Return the automations that send a notification through the block with this id."""
    return [
        *(_notify(block_id, subject, _on_event(event)) for subject, event in NOTIFIED_EVENTS.items()),
        _notify(block_id, "reconcile missed", _without_reconcile()),
    ]


def _on_event(event: str) -> EventTrigger:
    """Return a trigger that fires at most once an interval, however many events there are."""
    return EventTrigger(posture=Posture.Reactive, expect={event}, threshold=1, within=NOTIFICATION_INTERVAL)


def _without_reconcile() -> EventTrigger:
    return EventTrigger(
        posture=Posture.Proactive,
        match=_labels({"prefect.resource.id": "prefect.flow-run.*"}),
        match_related=[_labels({"prefect.resource.role": "flow", "prefect.resource.name": RECONCILE})],
        expect={"prefect.flow-run.Completed"},
        threshold=1,
        within=timedelta(hours=RECONCILE_HOURS),
    )


def _notify(block_id: UUID, subject: str, trigger: EventTrigger) -> AutomationCore:
    return AutomationCore(
        name=f"interactions: notify, {subject}",
        description="Sends a notification through the block that `apply --notify` named.",
        tags=[TAG],
        trigger=trigger,
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject=f"Interactions: {subject}",
                body="{{ automation.name }}, {{ event.resource.id }}: look at the runs in the Prefect UI.",
            )
        ],
    )


def _labels(labels: dict[str, str | list[str]]) -> ResourceSpecification:
    return ResourceSpecification.model_validate(labels)


async def notifier_id(client: PrefectClient, slug_and_name: str) -> UUID:
    """Return the id of a notification block, as in `slack-webhook/operations`. Raises NoBlock."""
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
        raise NoBlock(f"block {slug}/{name} cannot notify: --notify takes a block of a notification type")
    return block.id


async def _apply(client: PrefectClient, wanted: AutomationCore) -> AppliedResource:
    found = await client.read_automations_by_name(wanted.name)
    for duplicate in found[1:]:
        await client.delete_automation(duplicate.id)
    if not found:
        await client.create_automation(wanted)
        return AppliedResource("automation", wanted.name, "created")
    if _content(found[0]) == _content(wanted):
        return AppliedResource("automation", wanted.name, "unchanged")
    await client.update_automation(found[0].id, wanted)
    return AppliedResource("automation", wanted.name, "updated")


def _content(automation: AutomationCore) -> dict[str, object]:
    """Return the fields without the id that the server adds."""
    return automation.model_dump(include=set(AutomationCore.model_fields) - {"id"})
