"""Looking an interaction up: in the tables, the bucket, the dead-letter queue and Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort
from prefect.utilities.urls import url_for
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.aws import session
from deployments.inspect.findings import Findings, RelatedRun, answer, masked
from deployments.prefect_server import api_url
from deployments.waiting_runs import HOLDING, waiting_runs
from infra.dead_letters import search
from tasks.errors import PipelineError
from tasks.operations.receipts import ReceiptTable
from tasks.stores import (
    ConversationBucket,
    InteractionTable,
    PreviousItem,
    QuarantineRow,
    QuarantineTable,
    StagingBucket,
    dynamodb,
    s3,
)
from tasks.values import canonical_id, iso

_TABLE = r"[A-Za-z0-9_.-]{3,255}|arn:.+:table/[A-Za-z0-9_.-]{3,255}"
_BOOKKEEPING = frozenset(
    {"runs", "dueKey", "contentHash", "flowRunId", "deferredBy", "startDays", "customerKeys"}
)
_STATES = {
    PreviousItem.RECORD: "stored",
    PreviousItem.PLACEHOLDER: "waiting",
    PreviousItem.TOMBSTONE: "erased",
}
_ROLES = {"flowRunId": "changed it", "deferredBy": "deferred it", "receiptId": "erased it"}

_CARDS = 20  # versions of an interaction's artifact: the runs of the last replays and failures

Roles = dict[str, str]  # what a flow run did, by its id
TableName = Annotated[str, Field(pattern=rf"^({_TABLE})$")]


class InspectSettings(BaseSettings):
    """The settings that inspecting needs: names of the stores, and none of Genesys."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    interaction_table: TableName = Field(description="DynamoDB table of the records")
    quarantine_table: TableName = Field(description="DynamoDB table of rejected and failed events")
    conversation_bucket: str | None = Field(default=None, description="S3 bucket of the whole conversations")
    analytics_database: str | None = Field(default=None, description="Glue database of the analytics tables")
    dead_letter_queue_url: str | None = Field(default=None, description="URL of the dead-letter queue")
    aws_credentials_block: str | None = Field(default=None, description="Block of the AWS credentials")


async def inspect(interaction_id: str, settings: InspectSettings, *, reveal: bool = False) -> Findings:
    """Look in every place; only the tables must answer, any other failure becomes a note.

    Raises StoreUnavailable when a table does not answer, botocore's errors and InvalidInput when AWS cannot be
    asked, and NoServer for a credentials block without a server.
    """
    findings = Findings(interaction_id)
    aws = session(settings.aws_credentials_block)
    item = InteractionTable(dynamodb.client(1, aws), settings.interaction_table).get(interaction_id)
    roles = _add_item(findings, item, reveal=reveal)
    roles |= _add_quarantine(findings, settings, aws, reveal=reveal)
    _add_receipt(findings, settings, aws)
    _add_conversations(findings, settings, aws, item or {})
    _add_dead_letters(findings, settings, aws)
    await _add_runs(findings, roles)
    findings.answer = answer(findings)
    return findings


def _add_item(findings: Findings, item: dict[str, Any] | None, *, reveal: bool) -> Roles:
    findings.state = _STATES.get(PreviousItem.of(item), "unknown")
    if item is None:
        return {}
    findings.erased_at, findings.receipt_id = item.get("erasedAt"), item.get("receiptId")
    findings.due_at = item.get("dueAt")
    findings.attempt = int(item["attempt"]) if "attempt" in item else None
    findings.deferred_for, findings.deferred_since = item.get("deferredFor"), item.get("deferredSince")
    if findings.state == "stored":
        findings.settled = bool(item.get("settled"))
        shown = {name: value for name, value in sorted(item.items()) if name not in _BOOKKEEPING}
        findings.record = shown if reveal else masked(shown)
    roles = {str(run): "changed it" for run in item.get("runs", [])}
    for name, role in _ROLES.items():
        if name in item:
            roles.setdefault(str(item[name]), role)
    return roles


def _add_receipt(findings: Findings, settings: InspectSettings, aws: Any) -> None:
    if findings.receipt_id is not None:
        table = ReceiptTable(dynamodb.client(1, aws), settings.interaction_table)
        findings.receipt = table.get(findings.receipt_id)


def _add_quarantine(findings: Findings, settings: InspectSettings, aws: Any, *, reveal: bool) -> Roles:
    table = QuarantineTable(dynamodb.client(1, aws), settings.quarantine_table, days=1)
    rows = list(table.of_interaction(findings.interaction_id))
    as_event = QuarantineRow("rejected", "", "", "", event_id=findings.interaction_id).quarantine_id
    if (row := table.get(as_event)) is not None and row not in rows:
        rows.append(row)  # the id was an event's
    hidden = frozenset() if reveal else frozenset({"event"})  # a rejected event may hold anything
    findings.quarantine = [{k: v for k, v in sorted(row.items()) if k not in hidden} for row in rows]
    return {str(row["flowRunId"]): "quarantined it" for row in rows if "flowRunId" in row}


def _add_conversations(
    findings: Findings, settings: InspectSettings, aws: Any, item: Mapping[str, Any]
) -> None:
    if settings.conversation_bucket is None:
        findings.notes.append("CONVERSATION_BUCKET is not set: whole conversations were not looked for.")
        return
    try:
        client, bucket = s3.client(1, aws), settings.conversation_bucket
        former = ConversationBucket(client, bucket)
        findings.conversations = sum(1 for _ in former.keys(findings.interaction_id))
        findings.staged = _is_staged(StagingBucket(client, bucket), item)
    except PipelineError as error:
        findings.notes.append(f"The bucket could not be looked at: {error}.")


def _is_staged(bucket: StagingBucket, item: Mapping[str, Any]) -> bool:
    if "staged" not in item:
        return False
    held = bucket.find(item["interactionId"], item["staged"])
    return held is not None and held.version == item.get("version")


def _add_dead_letters(findings: Findings, settings: InspectSettings, aws: Any) -> None:
    if settings.dead_letter_queue_url is None:
        findings.notes.append("DEAD_LETTER_QUEUE_URL is not set: the dead-letter queue was not looked at.")
        return
    try:
        found = search(aws.client("sqs"), settings.dead_letter_queue_url, findings.interaction_id)
    except (ClientError, BotoCoreError) as error:
        findings.notes.append(f"The dead-letter queue could not be looked at ({type(error).__name__}).")
        return
    findings.dead_letters = found.plain()
    if found.looked < found.holds:
        findings.notes.append(
            f"The dead-letter queue holds about {found.holds} messages; {found.looked} were looked at."
        )


async def _add_runs(findings: Findings, roles: Roles) -> None:
    """Add the runs of `roles`, those that wait with the interaction in them, and those that are named after it."""
    if api_url() is None:
        findings.notes.append("PREFECT_API_URL is not set: runs are given by their ids only.")
        findings.runs = [RelatedRun(id_, role) for id_, role in roles.items()]
        return
    try:
        found = await _flow_runs(findings, roles)
    except Exception as error:  # noqa: BLE001 - a Prefect that fails in any way must not hide what the tables hold
        findings.notes.append(f"Prefect did not answer ({type(error).__name__}): runs have their ids only.")
        found = {}
    runs = [_related(run, roles.get(id_, "is named after it")) for id_, run in found.items()]
    unknown = [RelatedRun(id_, role) for id_, role in roles.items() if id_ not in found]
    findings.runs = sorted(runs, key=lambda run: run.at or "") + unknown


async def _flow_runs(findings: Findings, roles: Roles) -> dict[str, FlowRun]:
    """Return the runs of `roles`, which those are added to that hold the interaction or reported on it."""
    id_ = findings.interaction_id
    async with get_client() as client:
        await _add_waiting(client, findings, roles)
        card = ArtifactFilter(key=ArtifactFilterKey(any_=[f"interaction-{id_}"]))
        cards = await client.read_artifacts(
            artifact_filter=card, sort=ArtifactSort.CREATED_DESC, limit=_CARDS
        )
        for run_id in (each.flow_run_id for each in cards if each.flow_run_id):
            roles.setdefault(str(run_id), "reported on it")
        by_id = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run) for run in roles if canonical_id(run)]))
        by_name = FlowRunFilter(name=FlowRunFilterName(like_=id_))
        runs = await client.read_flow_runs(flow_run_filter=by_id) if roles else []
        runs += await client.read_flow_runs(flow_run_filter=by_name)
    return {str(run.id): run for run in runs}


async def _add_waiting(client: PrefectClient, findings: Findings, roles: Roles) -> None:
    waiting = await waiting_runs(client, HOLDING)
    for run in waiting.holding(findings.interaction_id):
        roles.setdefault(str(run.id), "holds it")
    if not waiting.complete:
        looked = f"{len(waiting.runs):,} unfinished runs were looked at, those due first"
        findings.notes.append(f"Prefect has more runs: {looked}.")


def _related(run: FlowRun, role: str) -> RelatedRun:
    at = run.start_time or run.expected_start_time
    return RelatedRun(
        str(run.id),
        role,
        run.name,
        run.state_name,
        iso(at) if at else None,
        url_for("flow-run", obj_id=run.id),
        under_way=run.state is not None and not run.state.is_final(),
        message=run.state.message if run.state and not run.state.is_completed() else None,
    )
