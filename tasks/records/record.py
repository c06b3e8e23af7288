"""The record of an interaction, built from Genesys's details of the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.errors import UnreadableConversation
from tasks.records import customer
from tasks.records.agent_sessions import agent_sessions_of
from tasks.records.agents import agents_of, first_to_handle, participant_names
from tasks.records.customer_keys import customer_addresses, normal_mail
from tasks.records.json_values import identifier, milliseconds, objects
from tasks.records.metrics import metrics_of
from tasks.records.queues import primary_queue_id, queue_ids
from tasks.records.related import related_conversation_ids
from tasks.records.sessions import Session, customer_sessions, sessions_of, time_text, value_of_least
from tasks.records.transfers import transfers_of
from tasks.records.version import content_hash, version
from tasks.records.visits import ABANDONED, visits_of
from tasks.values import canonical_id, is_canonical_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tasks.records.agent_sessions import AgentSession

CONTENT_FIELDS = (
    "interactionId",
    "settled",
    "startedAt",
    "endedAt",
    "durationMs",
    "mediaType",
    "mediaTypes",
    "messageType",
    "direction",
    "disconnectType",
    "divisionIds",
    "campaignId",
    "relatedConversationIds",
    "queues",
    "queueIds",
    "primaryQueueId",
    "agents",
    "agentId",
    "handled",
    "abandoned",
    "transfers",
    "wrapUpCodes",
    "customerEmail",
    "externalContactIds",
    "externalContactId",
    "surveyCount",
    "evaluationCount",
    "resolutionCount",
    "metrics",
)
"""Every field that a record's content can have; the first two are in every record."""
_COUNTED = {"surveyCount": "surveys", "evaluationCount": "evaluations", "resolutionCount": "resolutions"}


@dataclass(frozen=True)
class ReferencedIds:
    """The ids in a record that a directory can name; each set holds UUIDs alone."""

    users: frozenset[str]
    queues: frozenset[str]
    wrap_up_codes: frozenset[str]


@dataclass(frozen=True)
class InteractionRecord:
    """What one answer of Genesys's says of an interaction."""

    interaction_id: str
    settled: bool
    """Whether the conversation has ended, that is, whether the answer has a `conversationEnd`."""
    content: dict[str, Any] = field(repr=False)  # names and addresses stay out of logs and tracebacks
    """The record's fields, as DynamoDB takes them; a field that Genesys did not give is not in it."""
    content_hash: str
    version: str
    """Sorts: the greater of two versions of an interaction is the newer."""
    fetched_at: datetime
    """When Genesys answered, by its clock."""
    details_hash: str | None = None
    """Hash of the content without the participant attribute's address; None where that gave none."""
    customer_addresses: frozenset[str] = field(default=frozenset(), repr=False)
    """The customer's addresses (`customer_keys.py`): no part of the content; only keys of them are stored."""
    participant_names: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names of agents by user id, where Genesys's answer has any: no part of the content, nor of its hash."""

    @property
    def referenced_ids(self) -> ReferencedIds:
        """The users, queues and wrap-up codes of the content; codes of Genesys's own (`ININ-...`) are no UUIDs."""
        users = [agent["userId"] for agent in self.content.get("agents", ()) if "userId" in agent]
        return ReferencedIds(
            _uuids(users),
            _uuids(self.content.get("queueIds", ())),
            _uuids(self.content.get("wrapUpCodes", ())),
        )


def build_record(
    conversation: Mapping[str, Any],
    fetched_at: datetime,
    *,
    email_attribute: str | None = None,
    address: str | None = None,
) -> InteractionRecord:
    """Return the record of a conversation, from the details API's JSON, read with parse_float=Decimal.

    The content depends on nothing but the conversation: not on the order of any list in it, nor on a clock.
    The customer's e-mail address comes from the participant attribute `email_attribute`, else it is `address`, else
    the e-mail session's. Raises UnreadableConversation for an answer without a conversation's id; any other field that
    is missing, null or of a wrong type is not in the record.
    """
    interaction_id = _interaction_id(conversation)
    sessions = sessions_of(conversation)
    agents = agent_sessions_of(sessions)
    fields = {
        "interactionId": interaction_id,
        **_times(conversation),
        **_participation(conversation, sessions, agents),
    }
    # What there is nothing of (None, "", [], {}) is left out; 0 and False are something.
    content = {name: value for name, value in fields.items() if value or value == 0}
    details_hash = None
    if email_attribute:
        address = customer.email_attribute(sessions, email_attribute) or address
    if address:
        details_hash, content = content_hash(content), content | {"customerEmail": address}
    digest = content_hash(content)
    side = customer_sessions(sessions)
    addresses = customer_addresses(side, sessions, content.get("direction"))
    if normal := normal_mail(content.get("customerEmail")):
        addresses |= {normal}
    return InteractionRecord(
        interaction_id,
        content["settled"],
        content,
        digest,
        version(fetched_at, digest, settled=content["settled"]),
        fetched_at,
        details_hash,
        addresses,
        participant_names(agents),
    )


def _interaction_id(conversation: Any) -> str:
    if not isinstance(conversation, dict):
        raise UnreadableConversation(
            "The details of a conversation are no JSON object: look at Genesys's answer"
        )
    if found := canonical_id(identifier(conversation.get("conversationId"))):
        return found
    raise UnreadableConversation(
        "conversationId is absent or no UUID in the details: look at Genesys's answer"
    )


def _times(conversation: Mapping[str, Any]) -> dict[str, Any]:
    start, end = (milliseconds(conversation.get(name)) for name in ("conversationStart", "conversationEnd"))
    duration = end - start if start is not None and end is not None else None
    return {
        "settled": end is not None,
        "startedAt": time_text(start),
        "endedAt": time_text(end),
        # An end before the start is an error of Genesys's: the duration is not known.
        "durationMs": duration if duration is not None and duration >= 0 else None,
    }


def _participation(
    conversation: Mapping[str, Any], sessions: Sequence[Session], agents: Sequence[AgentSession]
) -> dict[str, Any]:
    side = customer_sessions(sessions)
    direction = customer.direction(conversation.get("originatingDirection"), side, sessions)
    media = customer.media_types(side, sessions)
    contacts = customer.external_contact_ids(sessions)
    return {
        "mediaType": customer.media_type(media),
        "mediaTypes": media,
        "messageType": customer.message_type(side, sessions),
        "direction": direction,
        "disconnectType": customer.disconnect_type(side),
        "divisionIds": _division_ids(conversation),
        "campaignId": value_of_least(_campaigns(sessions)),
        "relatedConversationIds": related_conversation_ids(conversation, sessions),
        **_handling(conversation, sessions, side, agents, direction),
        "wrapUpCodes": sorted(set(_wrap_up_codes(sessions))),
        "customerEmail": customer.email(side, sessions, direction),
        "externalContactIds": contacts,
        "externalContactId": contacts[0] if contacts else None,
        **{name: len(objects(conversation.get(given))) or None for name, given in _COUNTED.items()},
        "metrics": metrics_of(sessions, internal=not side),
    }


def _handling(
    conversation: Mapping[str, Any],
    sessions: Sequence[Session],
    side: Sequence[Session],
    agent_sessions: Sequence[AgentSession],
    direction: str | None,
) -> dict[str, Any]:
    """Return queues and agents; without a participant nothing is known of them, not even that nobody answered."""
    if not sessions:
        return {}
    own = [each for each in agent_sessions if each.supervision is None]
    left_at = customer.left_at(side)
    if left_at is None and side:
        left_at = milliseconds(conversation.get("conversationEnd"))
    visits = visits_of(sessions, own, direction, left_at)
    agents = agents_of(agent_sessions, internal=not side)
    handled_by = first_to_handle(agents)
    return {
        "queues": [visit.fields() for visit in visits],
        "queueIds": queue_ids(sessions),
        "primaryQueueId": primary_queue_id(visits, sessions),
        "agents": [agent.fields() for agent in agents],
        "agentId": handled_by.user_id if handled_by else None,
        "handled": handled_by is not None,
        "abandoned": bool(side and visits) and handled_by is None and visits[-1].outcome == ABANDONED,
        "transfers": transfers_of(own),
    }


def _division_ids(conversation: Mapping[str, Any]) -> list[str]:
    given = conversation.get("divisionIds")
    return sorted({id_ for each in given if (id_ := identifier(each))}) if isinstance(given, list) else []


def _campaigns(sessions: Sequence[Session]) -> Iterator[tuple[Any, str]]:
    for session in sessions:
        if campaign := identifier(session.fields.get("outboundCampaignId")):
            yield session.sort_key, campaign


def _wrap_up_codes(sessions: Sequence[Session]) -> Iterator[str]:
    for session in sessions:
        for segment in session.segments:
            if (given := segment.fields.get("wrapUpCode")) and (code := identifier(given)):
                yield code


def _uuids(values: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(is_canonical_id, values))
