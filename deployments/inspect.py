"""What is known of an interaction: in the tables, the bucket, the dead-letter queue and Prefect's runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.utilities.urls import url_for
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.dead_letters import Peek, peek
from deployments.errors import NoServer
from deployments.prefect_server import answering, api_url
from infra.aws_errors import check_endpoints
from tasks.errors import PipelineError
from tasks.stores import (
    Buried,
    ConversationArchive,
    InteractionTable,
    QuarantineRow,
    QuarantineTable,
    archive,
    dynamodb,
)
from tasks.stores.dynamodb import iso

HIDDEN = "(hidden: --reveal shows it)"
_PERSONAL = frozenset({"customerEmail", "agentName", "name"})
_TABLE = r"[A-Za-z0-9_.-]{3,255}|arn:.+:table/[A-Za-z0-9_.-]{3,255}"
_BOOKKEEPING = frozenset({"runs", "dueKey", "contentHash", "flowRunId", "deferredBy"})


Table = Annotated[str, Field(pattern=rf"^({_TABLE})$")]


class InspectSettings(BaseSettings):
    """What inspecting needs: the stores' names, and no Genesys credentials."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    interaction_table: Table = Field(description="DynamoDB table of the records")
    quarantine_table: Table = Field(description="DynamoDB table of rejected and failed events")
    conversation_bucket: str | None = Field(default=None, description="S3 bucket of the whole conversations")
    dead_letter_queue_url: str | None = Field(default=None, description="URL of the dead-letter queue")
    aws_credentials_block: str | None = Field(default=None, description="Block of the AWS credentials")


@dataclass(frozen=True)
class Run:
    """A flow run that had to do with the interaction; no name and state when Prefect has forgotten it."""

    flow_run_id: str
    role: str
    name: str | None = None
    state: str | None = None
    at: str | None = None
    url: str | None = None
    under_way: bool = False


@dataclass
class Findings:
    """All that is known; `answer` says it in a sentence, `notes` what could not be looked at, and why."""

    interaction_id: str
    answer: str = ""
    state: str = "unknown"
    settled: bool | None = None
    due_at: str | None = None
    attempt: int | None = None
    erased_at: str | None = None
    receipt_id: str | None = None
    record: dict[str, Any] | None = None
    conversations: int | None = None
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: dict[str, Any] | None = None
    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether anything at all is known of it."""
        dead = bool(self.dead_letters and self.dead_letters["found"])
        return self.state != "unknown" or bool(self.quarantine or self.runs or self.conversations) or dead

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"known": self.known} | asdict(self)


async def inspect(interaction_id: str, settings: InspectSettings, *, reveal: bool = False) -> Findings:
    """Look everywhere; what does not answer beside the tables is told in the notes.

    Raises StoreUnavailable when a table does not answer, botocore's errors and InvalidInput when AWS cannot even be
    asked, and NoServer for a block without a server.
    """
    findings = Findings(interaction_id)
    aws = _aws(settings)
    item = InteractionTable(dynamodb.client(1, aws), settings.interaction_table).get(interaction_id)
    roles = _from_item(findings, item, reveal=reveal)
    roles |= _from_quarantine(findings, settings, aws, reveal=reveal)
    _from_bucket(findings, settings, aws)
    _from_dead_letters(findings, settings, aws)
    await _from_prefect(findings, roles)
    findings.answer = answer(findings)
    return findings


def answer(findings: Findings, now: datetime | None = None) -> str:
    """What has become of the interaction, in one sentence or two."""
    match findings.state:
        case "erased":
            first = (
                f"Erased at {findings.erased_at}: only its tombstone is left, and nothing can bring it back."
            )
        case "stored":
            end = "settled" if findings.settled else "not settled: Genesys has not said that it ended"
            first = f"Stored, {end}."
        case "waiting":
            first = "Not stored yet: Genesys did not know it, or could not be asked."
        case _:
            first = " ".join(["Not stored.", *_under_way(findings)])
    sentences = [first, *_waiting(findings, iso(now or datetime.now(UTC)))]
    sentences += [f"In quarantine as {row['reason']}: {row['code']}." for row in findings.quarantine]
    if findings.dead_letters and findings.dead_letters["found"]:
        sentences.append("In the dead-letter queue: `python -m infra redrive` brings it back.")
    if not findings.known:
        sentences.append(
            "Nothing here has ever heard of it. A run that holds it among others may be on its way: look in the "
            "Prefect UI. A replay asks Genesys for it."
        )
    return " ".join(sentences)


def _under_way(findings: Findings) -> list[str]:
    return [
        f"Its run {run.name} is {run.state}: it may yet be stored." for run in findings.runs if run.under_way
    ]


def _waiting(findings: Findings, now: str) -> list[str]:
    if findings.due_at is None:
        return []
    if findings.due_at > now:
        return [f"Genesys is asked again at {findings.due_at} (attempt {findings.attempt})."]
    return [
        f"Due since {findings.due_at} (attempt {findings.attempt}): its run is late, reconcile will find it."
    ]


def _from_item(findings: Findings, item: dict[str, Any] | None, *, reveal: bool) -> dict[str, str]:
    """Take in the table's item; the runs that it names, with what each did."""
    states = {Buried.RECORD: "stored", Buried.PLACEHOLDER: "waiting", Buried.TOMBSTONE: "erased"}
    findings.state = states.get(Buried.of(item), "unknown")
    if item is None:
        return {}
    findings.erased_at, findings.receipt_id = item.get("erasedAt"), item.get("receiptId")
    findings.due_at = item.get("dueAt")
    findings.attempt = int(item["attempt"]) if "attempt" in item else None
    if findings.state == "stored":
        findings.settled = bool(item.get("settled"))
        shown = {name: value for name, value in sorted(item.items()) if name not in _BOOKKEEPING}
        findings.record = shown if reveal else masked(shown)
    roles = {str(run): "changed it" for run in item.get("runs", [])}
    for name, role in (("flowRunId", "changed it"), ("deferredBy", "put it off"), ("receiptId", "erased it")):
        if name in item:
            roles.setdefault(str(item[name]), role)
    return roles


def masked(value: Any) -> Any:
    """The same without names and addresses of persons."""
    if isinstance(value, dict):
        return {name: HIDDEN if name in _PERSONAL else masked(inner) for name, inner in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value


def _from_quarantine(
    findings: Findings, settings: InspectSettings, aws: Any, *, reveal: bool
) -> dict[str, str]:
    table = QuarantineTable(dynamodb.client(1, aws), settings.quarantine_table, days=1)
    rows = list(table.of_interaction(findings.interaction_id))
    as_event = QuarantineRow("rejected", "", "", "", event_id=findings.interaction_id).quarantine_id
    if (row := table.get(as_event)) is not None and row not in rows:
        rows.append(row)  # the id was an event's
    hidden = frozenset() if reveal else frozenset({"event"})  # what a broken sender wrote can be anything
    findings.quarantine = [{k: v for k, v in sorted(row.items()) if k not in hidden} for row in rows]
    return {str(row["flowRunId"]): "quarantined it" for row in rows if "flowRunId" in row}


def _from_bucket(findings: Findings, settings: InspectSettings, aws: Any) -> None:
    if settings.conversation_bucket is None:
        findings.notes.append("CONVERSATION_BUCKET is not set: whole conversations were not looked for.")
        return
    try:
        store = ConversationArchive(archive.client(1, aws), settings.conversation_bucket)
        findings.conversations = sum(1 for _ in store.keys(findings.interaction_id))
    except PipelineError as error:
        findings.notes.append(f"The bucket could not be looked at: {error}.")


def _from_dead_letters(findings: Findings, settings: InspectSettings, aws: Any) -> None:
    if settings.dead_letter_queue_url is None:
        findings.notes.append("DEAD_LETTER_QUEUE_URL is not set: the dead-letter queue was not looked at.")
        return
    try:
        found = peek(aws.client("sqs"), settings.dead_letter_queue_url, findings.interaction_id)
    except (ClientError, BotoCoreError) as error:
        findings.notes.append(f"The dead-letter queue could not be looked at ({type(error).__name__}).")
        return
    findings.dead_letters = found.plain()
    if found.looked < found.holds:
        findings.notes.append(_partly(found))


def _partly(found: Peek) -> str:
    return f"The dead-letter queue holds about {found.holds} messages; {found.looked} were looked at."


async def _from_prefect(findings: Findings, roles: dict[str, str]) -> None:
    """The runs by id, and those that are named after the interaction."""
    if api_url() is None:
        findings.notes.append("PREFECT_API_URL is not set: runs are given by their ids only.")
        findings.runs = [Run(run_id, role) for run_id, role in roles.items()]
        return
    try:
        found = await _flow_runs(findings.interaction_id, roles)
    except Exception as error:  # noqa: BLE001 - whatever keeps Prefect from answering: the tables did
        findings.notes.append(f"Prefect did not answer ({type(error).__name__}): runs have their ids only.")
        found = {}
    findings.runs = [_run(run, roles.get(id_, "is named after it")) for id_, run in found.items()]
    gone = [Run(id_, role) for id_, role in roles.items() if id_ not in found]
    findings.runs = sorted(findings.runs, key=lambda run: run.at or "") + gone


async def _flow_runs(interaction_id: str, roles: dict[str, str]) -> dict[str, FlowRun]:
    by_id = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run) for run in roles if _is_uuid(run)]))
    by_name = FlowRunFilter(name=FlowRunFilterName(like_=interaction_id))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=by_id) if roles else []
        runs += await client.read_flow_runs(flow_run_filter=by_name)
    return {str(run.id): run for run in runs}


def _run(run: FlowRun, role: str) -> Run:
    at = run.start_time or run.expected_start_time
    return Run(
        str(run.id),
        role,
        run.name,
        run.state_name,
        iso(at) if at else None,
        url_for("flow-run", obj_id=run.id),
        under_way=run.state is not None and not run.state.is_final(),
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _aws(settings: InspectSettings) -> Any:
    check_endpoints()
    if settings.aws_credentials_block is None:
        return boto3
    from tasks import blocks  # noqa: PLC0415 - heavy to import, and most have no block

    try:
        with answering():
            return blocks.aws()
    except NoServer as error:
        raise NoServer(f"AWS_CREDENTIALS_BLOCK names a block of Prefect's, but {error}") from error
