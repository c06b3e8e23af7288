"""Parsing: from the text of an event to events of interactions.

Three shapes are accepted, by their detail-type, whole or as the bridge forwards them (fewer fields, same nesting):

    v2.detail.events.conversation.{id}.*   detail.eventBody.conversationId     Genesys Cloud's own events; {id}
                                                                               literally, or a UUID in its place
    conversation.end                       detail.conversationId               flat
    Conversation Update                    detail.interactionId, or detail.detail.interactionId, or a list of
                                           records of either form

Another topic of Genesys's is ignored, what is no topic is rejected, and so is an event whose source names another
organisation than the worker's.

The bridge also sends two substitutes: `unparsable` for a message that was no JSON object, `oversize` for one that was
too large. Where the topic and the body name different conversations, the body's counts. Of a key that occurs twice in
an object the last counts, as in most JSON parsers.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from sys import intern
from typing import Any

from tasks.events.event import InteractionEvent
from tasks.events.grammar import is_topic
from tasks.events.ignored import IgnoredEvent
from tasks.events.models import Body, Envelope, as_object, interaction_id, read
from tasks.events.rejection import EventRejected, Rejection, kind
from tasks.values import UUID_PATTERN, canonical_id

_CONVERSATION = "v2.detail.events.conversation.{id}."
_GENESYS = re.compile(rf"v2\.detail\.events\.conversation\.(?:\{{id\}}|{UUID_PATTERN})\.(.+)")
_ORGANISATION = re.compile(r"aws\.partner/genesys\.com[^/]*/cloud/([^/]+)(/|$)")
_MAX_DIGITS = 18
_TOO_DEEP = "The event is nested too deeply to be read"

ParseResult = InteractionEvent | IgnoredEvent | Rejection


def parse(text: str, organization_id: str | None = None) -> list[ParseResult]:
    """Return one result for the event, or one for each record of a list. Never raises.

    A rejected record does not affect its neighbours, so a list may give events and rejections. With an organisation's
    id, in lower case, an event of another one is rejected.
    """
    text = str(text)  # a flow-run parameter may be bytes or None, whatever its type says
    try:
        return _parsed(text, organization_id)
    except EventRejected as rejected:
        return [rejected.rejection(None, text)]
    except RecursionError:
        return [EventRejected("too-deep", _TOO_DEEP).rejection(None, text)]


def _parsed(text: str, organization_id: str | None) -> list[ParseResult]:
    document = as_object(_document(text), "The event")
    envelope = read(Envelope, document, "")
    event_id = envelope.id or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    topic = envelope.detail_type or ""
    if is_topic(topic) and not _GENESYS.fullmatch(topic):
        return [IgnoredEvent(event_id, topic)]
    try:
        _reject_foreign(envelope, document, organization_id)
        if topic == "Conversation Update" and isinstance(envelope.detail, list):
            return _records(envelope, envelope.detail, event_id, text)
        _reject_substitute(document)
        return [_single(envelope, event_id, kind(document.get("detail-type")))]
    except EventRejected as rejected:
        return [rejected.rejection(envelope.id, text)]


def _document(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except ValueError:
        raise EventRejected("not-json", f"The event is {kind(text)} that is not JSON") from None


def _integer(digits: str) -> int | float:
    # Python raises for integers of thousands of digits; the longest that is read is a time, with thirteen.
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _reject_foreign(envelope: Envelope, document: dict[str, Any], organization_id: str | None) -> None:
    named = _ORGANISATION.match(envelope.source or "")
    if organization_id and named and named.group(1).lower() != organization_id:
        problem = "source is text that names another organisation than GENESYS_ORGANIZATION_ID"
        raise EventRejected("foreign-organisation", problem, _any_id(document))


def _reject_substitute(document: dict[str, Any]) -> None:
    unparsable = document.get("unparsable")
    if isinstance(unparsable, dict) and "detail" not in document:
        if unparsable.get("tooDeep") is True:
            raise EventRejected("too-deep", _TOO_DEEP)
        if "value" in unparsable:
            as_object(unparsable["value"], "The event")
        raise EventRejected(
            "not-json", f"The event was text{_size(unparsable, 'length', 'characters')} that is not JSON"
        )
    if document.get("oversize") is True:
        size = _size(document, "bytes", "bytes")
        raise EventRejected("oversize", f"The event{size} was too large to be forwarded", _any_id(document))


def _size(holder: dict[str, Any], name: str, unit: str) -> str:
    size = holder.get(name)
    return f" of {size} {unit}" if isinstance(size, int) else ""


def _any_id(document: dict[str, Any]) -> str | None:
    """Return the interaction's id from any of the places that the bridge keeps of an event that is not read."""
    detail = document.get("detail")
    inner = [detail.get("eventBody"), detail.get("detail")] if isinstance(detail, dict) else []
    for holder in (document, detail, *inner):
        for name in ("conversationId", "interactionId"):
            if isinstance(holder, dict) and (found := canonical_id(holder.get(name))):
                return found
    named = document.get("interactionIds")
    # A list that was too large is about many interactions, so it has the id of none.
    return canonical_id(named[0]) if isinstance(named, list) and len(named) == 1 else None


def _single(envelope: Envelope, event_id: str, shown_type: str) -> InteractionEvent:
    detail_type = envelope.detail_type or ""
    if genesys := _GENESYS.fullmatch(detail_type):
        return _genesys(envelope, event_id, genesys.group(1))
    if detail_type == "conversation.end":
        detail = as_object(envelope.detail, "detail")
        return _event(envelope, event_id, detail, "detail.", ("conversationId", "interactionId"))
    if detail_type == "Conversation Update":
        return _update(envelope, event_id, envelope.detail, "detail")
    raise EventRejected(
        "unsupported-detail-type", f"detail-type is {shown_type}, which is not an accepted one"
    )


def _genesys(envelope: Envelope, event_id: str, topic: str) -> InteractionEvent:
    detail = as_object(envelope.detail, "detail")
    body = as_object(detail.get("eventBody"), "detail.eventBody")
    event = _event(envelope, event_id, body, "detail.eventBody.", ("conversationId",))
    published = {"timestamp": detail.get("timestamp")}
    time = event.event_time or read(Body, published, "detail.", event.interaction_id).timestamp
    return replace(
        event, event_type=intern(topic), detail_type=intern(_CONVERSATION + topic), event_time=time
    )


def _update(envelope: Envelope, event_id: str, record: Any, path: str) -> InteractionEvent:
    body = as_object(record, path)
    if body.get("detail") is not None:
        path += ".detail"
        body = as_object(body["detail"], path)
    return _event(envelope, event_id, body, f"{path}.", ("interactionId", "conversationId"))


def _event(
    envelope: Envelope, event_id: str, fields: dict[str, Any], path: str, id_names: tuple[str, ...]
) -> InteractionEvent:
    found = interaction_id(fields, path, id_names)
    body = read(Body, fields, path, found)
    return InteractionEvent(
        interaction_id=found,
        event_id=event_id,
        event_type=intern(body.type or envelope.detail_type or ""),
        event_time=body.event_time or body.timestamp,
        source=intern(envelope.source or ""),
        detail_type=intern(envelope.detail_type or ""),
        participant_id=body.participant_id,
        session_id=body.session_id,
        queue_id=body.queue_id,
        media_type=body.media_type,
        direction=body.direction,
        disconnect_type=body.disconnect_type,
        replay_name=envelope.replay_name,
    )


def _records(envelope: Envelope, records: list[Any], event_id: str, text: str) -> list[ParseResult]:
    if not records:
        return [EventRejected("empty-list", "detail is a list without records").rejection(envelope.id, text)]
    return [_record(envelope, f"{event_id}#{index}", record, index) for index, record in enumerate(records)]


def _record(envelope: Envelope, event_id: str, record: Any, index: int) -> ParseResult:
    try:
        return _update(envelope, event_id, record, f"detail[{index}]")
    except EventRejected as rejected:
        return rejected.rejection(event_id, _record_alone(envelope, event_id, record))


def _record_alone(envelope: Envelope, event_id: str, record: Any) -> str:
    # The whole list would be stored once for each rejected record. The envelope's fields are bounded.
    alone = {"id": event_id, "source": envelope.source or "", "detail-type": envelope.detail_type}
    try:
        return json.dumps({**alone, "detail": record})
    except RecursionError:  # writing needs one frame more than reading did
        return json.dumps(alone)
