"""From Genesys's details of a conversation to the record that is kept of the interaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.events.instants import epoch_milliseconds, iso
from tasks.events.shapes import canonical_id
from tasks.records import customer, queues
from tasks.records.agents import agent_name, agents_of
from tasks.records.errors import UnreadableConversation
from tasks.records.legs import Leg, legs_of
from tasks.records.metrics import metrics_of
from tasks.records.reading import identifier, time
from tasks.records.version import content_hash, version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

CONTENT_FIELDS = (
    "interactionId",
    "settled",
    "startedAt",
    "endedAt",
    "durationMs",
    "mediaType",
    "direction",
    "queueIds",
    "primaryQueueId",
    "agents",
    "agentName",
    "customerEmail",
    "externalContactIds",
    "externalContactId",
    "disconnectType",
    "wrapUpCodes",
    "metrics",
)
"""Every field that a record's content can have; the first two it always has."""


@dataclass(frozen=True)
class InteractionRecord:
    """What is known of an interaction, as of one answer of Genesys's."""

    interaction_id: str
    settled: bool
    """Whether the conversation has ended: only Genesys's `conversationEnd` says so."""
    content: dict[str, Any] = field(repr=False)  # names and addresses stay out of logs and tracebacks
    """The record's fields, as DynamoDB takes them; a field that Genesys did not give is not in it."""
    content_hash: str
    version: str
    """Sorts: the greater of two versions of an interaction is the newer."""
    fetched_at: datetime
    """When Genesys answered, by its clock."""
    details_hash: str | None = None
    """Of the content without its participant attribute, where it has one."""


def build_record(
    conversation: Mapping[str, Any],
    fetched_at: datetime,
    *,
    email_attribute: str | None = None,
    address: str | None = None,
) -> InteractionRecord:
    """Return the record of a conversation, from the details API's JSON, read with parse_float=Decimal.

    The content depends on nothing but the conversation: not on the order of any list in it, nor on a clock.
    `email_attribute` names the participant attribute to take the customer's e-mail address from, where it is one.
    Raises UnreadableConversation; a field that is missing, null or of a wrong type only is not in the record.
    """
    interaction_id = _interaction_id(conversation)
    legs = legs_of(conversation)
    fields = {"interactionId": interaction_id, **_course(conversation), **_contents(conversation, legs)}
    content = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    details_hash = None
    if email_attribute:
        address = customer.email_attribute(legs, email_attribute) or address
    if address:
        details_hash, content = content_hash(content), content | {"customerEmail": address}
    digest = content_hash(content)
    ended_at = content.get("endedAt")
    return InteractionRecord(
        interaction_id,
        content["settled"],
        content,
        digest,
        version(ended_at, fetched_at, digest),
        fetched_at,
        details_hash,
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


def _course(conversation: Mapping[str, Any]) -> dict[str, Any]:
    start, end = time(conversation.get("conversationStart")), time(conversation.get("conversationEnd"))
    duration = epoch_milliseconds(end) - epoch_milliseconds(start) if start and end else None
    return {
        "settled": end is not None,
        "startedAt": start and iso(start),
        "endedAt": end and iso(end),
        # A conversation that ends before it starts is Genesys's mistake, its duration is nobody's knowledge.
        "durationMs": duration if duration is not None and duration >= 0 else None,
    }


def _contents(conversation: Mapping[str, Any], legs: list[Leg]) -> dict[str, Any]:
    direction = customer.direction(conversation.get("originatingDirection"), legs)
    agents = agents_of(legs)
    contacts = customer.external_contact_ids(legs)
    return {
        "mediaType": customer.media_type(legs),
        "direction": direction,
        "queueIds": queues.queue_ids(legs),
        "primaryQueueId": queues.primary_queue_id(legs),
        "agents": [agent.fields() for agent in agents],
        "agentName": agent_name(agents),
        "customerEmail": customer.email(legs, direction),
        "externalContactIds": contacts,
        "externalContactId": contacts[0] if contacts else None,
        "disconnectType": customer.disconnect_type(legs),
        "wrapUpCodes": sorted(set(_wrap_up_codes(legs))),
        "metrics": metrics_of(legs),
    }


def _wrap_up_codes(legs: list[Leg]) -> Iterator[str]:
    for leg in legs:
        for segment in leg.segments:
            if code := identifier(segment.fields.get("wrapUpCode")):
                yield code
