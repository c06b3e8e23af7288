"""The analytics tables, column by column; imports neither pyarrow nor pyiceberg.

An interaction's rows stand in the partition of the day on which it started. Every table but `interactions` and
`conversations` has several rows of one interaction, or none. A null means that Genesys did not say, or said what
cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

PRECISION, SCALE = 22, 6
"""Digits of a DECIMAL, and those of them behind the point: a number below 10**15 with six decimal places."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    """64 bits."""
    DECIMAL = "decimal"
    """Exact; see PRECISION and SCALE."""
    TIMESTAMP = "timestamp"
    """UTC, microseconds; Genesys gives milliseconds."""
    DATE = "date"
    TEXTS = "list of text"


@dataclass(frozen=True)
class Column:
    """A column; a personal one holds what identifies or describes a person."""

    name: str
    kind: Kind
    description: str
    personal: bool = False
    source: str = ""
    """The field that it is read from, where that is not the name in camelCase."""

    @property
    def field(self) -> str:
        """The field of the record, or of Genesys's object, that the column is read from."""
        return self.source or re.sub("_([a-z0-9])", lambda found: found[1].upper(), self.name)


@dataclass(frozen=True)
class Table:
    """A table; one that is partitioned has the columns `interaction_id` and `day`, and the day is its partition."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partitioned: bool = True


TEXT, BOOLEAN, INTEGER, DECIMAL, TIMESTAMP, TEXTS = (
    Kind.TEXT,
    Kind.BOOLEAN,
    Kind.INTEGER,
    Kind.DECIMAL,
    Kind.TIMESTAMP,
    Kind.TEXTS,
)

_KEY = (
    Column("interaction_id", TEXT, "The interaction, Genesys's conversation", source="interactionId"),
    Column("day", Kind.DATE, "UTC day on which the interaction started: the partition", source="startedAt"),
)
_VERSION = (
    Column("version", TEXT, "Version of the record: the greater of two is the newer"),
    Column("fetched_at", TIMESTAMP, "When Genesys answered, by its clock"),
)
_PARTICIPANT = (
    Column("participant_id", TEXT, "The participant"),
    Column("purpose", TEXT, "`customer`, `external`, `acd`, `agent`, `user`, `ivr`, `workflow`, ..."),
    Column("user_id", TEXT, "The person of the contact centre"),
)

CONVERSATIONS = (
    *_VERSION,
    Column("body", TEXT, "Genesys's answer as JSON text, numbers exact", personal=True),
)

SESSIONS = (
    *_PARTICIPANT,
    Column("team_id", TEXT, "The agent's team"),
    Column("external_contact_id", TEXT, "The external contact"),
    Column("external_organization_id", TEXT, "The external contact's organization"),
    Column("participant_name", TEXT, "Name of the person, the queue or the flow", personal=True),
    Column("session_id", TEXT, "The session"),
    Column("peer_id", TEXT, "The session at the other end"),
    Column("media_type", TEXT, "`voice`, `callback`, `chat`, `message`, `email`, ..."),
    Column("message_type", TEXT, "Kind of messages, such as `webmessaging`"),
    Column("direction", TEXT, "`inbound` or `outbound`"),
    Column("provider", TEXT, "What carries the medium, such as `Edge`"),
    Column("started_at", TIMESTAMP, "Begin of the first segment", source="segments"),
    Column(
        "connected_at", TIMESTAMP, "Begin of the first `interact` or `barging` segment", source="segments"
    ),
    Column("ended_at", TIMESTAMP, "End of the last segment; null while one goes on", source="segments"),
    Column("disconnect_type", TEXT, "How the last segment that says so ended", source="segments"),
    Column("flow_id", TEXT, "The flow (IVR, workflow, bot) that the session is in", source="flow.flowId"),
    Column("flow_type", TEXT, "Type of the flow, such as `INBOUNDCALL`", source="flow.flowType"),
    Column("flow_version", TEXT, "Version of the flow", source="flow.flowVersion"),
    Column("flow_entry_type", TEXT, "How the flow was entered", source="flow.entryType"),
    Column("flow_exit_reason", TEXT, "How the flow was left, such as `TRANSFER`", source="flow.exitReason"),
    Column(
        "flow_transfer_type", TEXT, "What the flow transferred to, such as `ACD`", source="flow.transferType"
    ),
    Column("flow_in_type", TEXT, "What led into the queue, such as `ivr`"),
    Column("flow_out_type", TEXT, "What led out of it"),
    Column("requested_routings", TEXTS, "Routing methods that were asked for, sorted"),
    Column("used_routing", TEXT, "Routing method that found the agent"),
    Column("active_skill_ids", TEXTS, "Skills in use, sorted"),
    Column("selected_agent_id", TEXT, "The user whom routing selected"),
    Column("agent_assistant_id", TEXT, "The agent's assistant"),
    Column("agent_owned", BOOLEAN, "Whether a callback belongs to one agent"),
    Column("acw_skipped", BOOLEAN, "Whether after-call work was skipped"),
    Column("script_id", TEXT, "The agent's script"),
    Column("outbound_campaign_id", TEXT, "The outbound campaign"),
    Column("outbound_contact_id", TEXT, "The contact in the campaign's list"),
    Column("outbound_contact_list_id", TEXT, "The campaign's list of contacts"),
    Column("callback_scheduled_at", TIMESTAMP, "When to call back", source="callbackScheduledTime"),
    Column("monitored_participant_id", TEXT, "Whom a supervisor listened to"),
    Column("coached_participant_id", TEXT, "Whom a supervisor spoke to"),
    Column("barged_participant_id", TEXT, "On whose call a supervisor barged in"),
    Column("recording", BOOLEAN, "Whether the session was recorded"),
    Column("error_code", TEXT, "Error of the session"),
    Column("ani", TEXT, "Address of who called", personal=True),
    Column("dnis", TEXT, "Address that was called", personal=True),
    Column("session_dnis", TEXT, "Address that the session was for", personal=True),
    Column("address_from", TEXT, "Address of the sender", personal=True),
    Column("address_to", TEXT, "Address of the addressee", personal=True),
    Column("address_self", TEXT, "Address of this end", personal=True),
    Column("address_other", TEXT, "Address of the other end", personal=True),
    Column("remote", TEXT, "Name or address of the other end", personal=True),
    Column("remote_name_displayable", TEXT, "Name that was shown of the other end", personal=True),
    Column("callback_user_name", TEXT, "Whom to call back", personal=True),
    Column("callback_numbers", TEXTS, "Numbers to call back, sorted", personal=True),
)

SEGMENTS = (
    *_PARTICIPANT,
    Column("session_id", TEXT, "The session"),
    Column("media_type", TEXT, "Medium of the session"),
    Column("segment_type", TEXT, "`interact`, `hold`, `alert`, `delay`, `wrapup`, ..."),
    Column("started_at", TIMESTAMP, "Begin", source="segmentStart"),
    Column("ended_at", TIMESTAMP, "End, as far as Genesys says it", source="segmentEnd"),
    Column("queue_id", TEXT, "The queue"),
    Column("group_id", TEXT, "The group"),
    Column("disconnect_type", TEXT, "How it ended"),
    Column("conference", BOOLEAN, "Whether it was part of a conference"),
    Column("wrap_up_code", TEXT, "The wrap-up code; `ININ-...` are Genesys's own"),
    Column("wrap_up_note", TEXT, "What the agent wrote", personal=True),
    Column("wrap_up_tags", TEXTS, "The wrap-up's tags, sorted"),
    Column("requested_language_id", TEXT, "Language that was asked for"),
    Column("requested_routing_skill_ids", TEXTS, "Skills that were asked for, sorted"),
    Column("requested_routing_user_ids", TEXTS, "Users who were asked for, sorted"),
    Column("source_conversation_id", TEXT, "The conversation that this one came from"),
    Column("source_session_id", TEXT, "Its session"),
    Column("destination_conversation_id", TEXT, "The conversation that this one led to"),
    Column("destination_session_id", TEXT, "Its session"),
    Column("audio_muted", BOOLEAN, "Whether the sound was off"),
    Column("video_muted", BOOLEAN, "Whether the picture was off"),
    Column("error_code", TEXT, "Error of the segment"),
    Column("subject", TEXT, "Subject of an e-mail", personal=True),
)

METRICS = (
    *_PARTICIPANT,
    Column("session_id", TEXT, "The session"),
    Column("media_type", TEXT, "Medium of the session"),
    Column("name", TEXT, "Genesys's name: `t...` is a time in ms, `n...` a count, `o...` an observation"),
    Column("value", DECIMAL, "The value; of one name there may be several in a session: stretches"),
    Column("emitted_at", TIMESTAMP, "When it was counted", source="emitDate"),
)

AGENTS = (
    Column("position", INTEGER, "Place in the record, from 1: by first interaction, then by first alert"),
    Column("user_id", TEXT, "The person; null where Genesys does not say"),
    Column(
        "role",
        TEXT,
        "`agent`; `caller`, `called` in internal calls; `barge`, `coach`, `monitor` of supervisors",
    ),
    Column("interacted", BOOLEAN, "Whether the person spoke"),
    Column("first_interacted_at", TIMESTAMP, "Begin of the first interaction"),
    Column("queue_ids", TEXTS, "Queues of the person's segments, sorted"),
    Column("alert_ms", INTEGER, "How long it rang, in ms; null for none"),
    Column("talk_ms", INTEGER, "How long the person spoke, without hold, in ms; null for none"),
    Column("hold_ms", INTEGER, "How long the other side was on hold, in ms; null for none"),
    Column("acw_ms", INTEGER, "After-call work in ms; null for none"),
    Column("handle_ms", INTEGER, "Talk, hold, after-call work and dialing in ms; null for none"),
)

QUEUE_VISITS = (
    Column("position", INTEGER, "Place in the record, from 1: by begin"),
    Column("queue_id", TEXT, "The queue"),
    Column("entered_at", TIMESTAMP, "Begin of the visit"),
    Column("left_at", TIMESTAMP, "Its end; null while it lasts, or where no segment says it"),
    Column("outcome", TEXT, "`answered`, `abandoned` or `flowOut`; null while it lasts"),
    Column("consult", BOOLEAN, "Whether an agent asked there while the customer stayed with them"),
)

WRAP_UPS = (
    Column("agent_position", INTEGER, "The agent's `position`"),
    Column("position", INTEGER, "Place among the agent's wrap-ups, from 1: by begin"),
    Column("user_id", TEXT, "The agent; null where Genesys does not say"),
    Column("code", TEXT, "The code; null where none was chosen; `ININ-...` are Genesys's own"),
    Column("started_at", TIMESTAMP, "Begin of the wrap-up", source="at"),
)

SURVEYS = (
    Column("survey_id", TEXT, "The survey"),
    Column("form_id", TEXT, "The form", source="surveyFormId"),
    Column("form_context_id", TEXT, "The form, whatever its version", source="surveyFormContextId"),
    Column("form_name", TEXT, "The form's name", source="surveyFormName"),
    Column("user_id", TEXT, "The agent"),
    Column("queue_id", TEXT, "The queue"),
    Column("status", TEXT, "Genesys's word, such as `Finished`", source="surveyStatus"),
    Column("occurred_at", TIMESTAMP, "When the survey was sent or changed", source="eventTime"),
    Column("completed_at", TIMESTAMP, "When it was filled in", source="surveyCompletedDate"),
    Column("promoter_score", INTEGER, "Net promoter score, 0 to 10", source="surveyPromoterScore"),
    Column("total_score", DECIMAL, "Total score in percent", source="oSurveyTotalScore"),
)

EVALUATIONS = (
    Column("evaluation_id", TEXT, "The evaluation"),
    Column("form_id", TEXT, "The form"),
    Column("form_context_id", TEXT, "The form, whatever its version", source="contextId"),
    Column("form_name", TEXT, "The form's name"),
    Column("user_id", TEXT, "The agent who was evaluated"),
    Column("evaluator_id", TEXT, "Who evaluated"),
    Column("assignee_id", TEXT, "Whom the evaluation was assigned to"),
    Column("assignee_applicable", BOOLEAN, "Whether it was assigned at all"),
    Column("calibration_id", TEXT, "The calibration that it belongs to"),
    Column("queue_id", TEXT, "The queue"),
    Column("status", TEXT, "Genesys's word, such as `Finished`", source="evaluationStatus"),
    Column("occurred_at", TIMESTAMP, "When it was made or changed", source="eventTime"),
    Column("released", BOOLEAN, "Whether the agent may see it"),
    Column("rescored", BOOLEAN, "Whether it was scored again"),
    Column("deleted", BOOLEAN, "Whether it was deleted"),
    Column("total_score", DECIMAL, "Total score in percent", source="oTotalScore"),
    Column(
        "total_critical_score",
        DECIMAL,
        "Score of the critical questions in percent",
        source="oTotalCriticalScore",
    ),
)

INTERACTIONS = (
    Column("settled", BOOLEAN, "Whether it has ended"),
    Column("started_at", TIMESTAMP, "When it began"),
    Column("ended_at", TIMESTAMP, "When it ended, wrap-up included"),
    Column("duration_ms", INTEGER, "End minus start in ms"),
    Column("media_type", TEXT, "The customer's first medium"),
    Column("media_types", TEXTS, "All media of the customer, in order of their first session"),
    Column("message_type", TEXT, "Kind of messages, such as `webmessaging`"),
    Column("direction", TEXT, "`inbound` or `outbound`"),
    Column("disconnect_type", TEXT, "How the customer's last segment ended"),
    Column("division_ids", TEXTS, "Divisions, sorted"),
    Column("campaign_id", TEXT, "The outbound campaign"),
    Column("related_conversation_ids", TEXTS, "Consults and merges, sorted"),
    Column("queue_ids", TEXTS, "Every queue, sorted"),
    Column("primary_queue_id", TEXT, "Queue of the customer's first visit"),
    Column("agent_id", TEXT, "The first agent who interacted"),
    Column("handled", BOOLEAN, "Whether an agent interacted with the customer"),
    Column("abandoned", BOOLEAN, "Whether the customer left the last queue and nobody handled it"),
    Column("transfers", INTEGER, "How often an agent who had interacted gave it on"),
    Column("wrap_up_codes", TEXTS, "Every wrap-up code, sorted"),
    Column("customer_email", TEXT, "The customer's e-mail address", personal=True),
    Column("external_contact_ids", TEXTS, "External contacts, the customer's first"),
    Column("external_contact_id", TEXT, "The first of them"),
    Column("survey_count", INTEGER, "How many surveys; null for none"),
    Column("evaluation_count", INTEGER, "How many evaluations; null for none"),
    Column("resolution_count", INTEGER, "How many resolutions; null for none"),
    Column("metrics", TEXT, "Sums over all sessions by name, a JSON object as text"),
    *_VERSION,
    Column("content_hash", TEXT, "sha256 of the record's content"),
    Column("event_id", TEXT, "The event of the last write"),
    Column("event_type", TEXT, "Its type; `reconcile` or `replay` for those"),
    Column("event_at", TIMESTAMP, "Its time", source="eventTime"),
    Column("flow_run_id", TEXT, "The Prefect run of the last write"),
    Column("expires_at", TIMESTAMP, "When the row expires; only with `RETENTION_DAYS`"),
)


def _interaction_tables() -> Iterator[Table]:
    """Yield them in the order of their commits: `interactions` is the last."""
    for name, description, columns in (
        ("conversations", "The whole conversation; a row of each interaction", CONVERSATIONS),
        ("sessions", "Each session of each participant; a participant without one has a row, too", SESSIONS),
        ("segments", "Each segment of each session", SEGMENTS),
        ("metrics", "Each metric of each session", METRICS),
        ("agents", "Each agent, the record's `agents`", AGENTS),
        ("queue_visits", "Each visit to a queue, the record's `queues`", QUEUE_VISITS),
        ("wrap_ups", "Each wrap-up, the record's `agents[].wrapUps`", WRAP_UPS),
        ("surveys", "Each survey", SURVEYS),
        ("evaluations", "Each evaluation", EVALUATIONS),
        ("interactions", "The record; a row of each interaction", INTERACTIONS),
    ):
        yield Table(name, description, (*_KEY, *columns))


def _reference_tables() -> Iterator[Table]:
    """Yield the names of ids, each table replaced whole."""
    for name, of, personal in (
        ("users", "user", True),
        ("queue_names", "queue", False),
        ("wrap_up_codes", "wrap-up code", False),
        ("divisions", "division", False),
    ):
        columns = Column("id", TEXT, f"The {of}"), Column("name", TEXT, f"The {of}'s name", personal=personal)
        yield Table(name, f"Name of each {of} that the directory knows", columns, partitioned=False)


TABLES: dict[str, Table] = {table.name: table for table in (*_interaction_tables(), *_reference_tables())}
"""Every table by its name, in the order of commits."""
