"""From the text of an event to events of interactions.

Three shapes count, each whole or as the bridge forwards it (the same nesting with fewer fields):

    v2.detail.events.conversation.{id}.*   detail.eventBody.conversationId     what Genesys Cloud really sends
    conversation.end                       detail.conversationId               flat
    Conversation Update                    detail.interactionId, or detail.detail.interactionId, or a list of
                                           records of either form

The bridge also sends two stand-ins: `unparsable` for text that was not JSON, `oversize` for what was too big.
Where a real event's topic and body name different conversations, the body is right: the topic is only its
address. Of a key that occurs twice in an object the last counts, as it does for most readers of JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from sys import intern
from typing import Any

from tasks.events.event import InteractionEvent
from tasks.events.rejection import Rejection, Unacceptable, kind
from tasks.events.shapes import Body, Envelope, as_object, canonical_id, interaction_id, read

_GENESYS = re.compile(r"v2\.detail\.events\.conversation\.\{id\}\.([A-Za-z0-9_.-]+)")
_TOPIC = re.compile(r"v2(\.([A-Za-z]+|\{id\}))+")
_LONGEST_INTEGER = 18
_TOO_DEEP = "The event is nested too deeply to be read"

Outcome = InteractionEvent | Rejection


def parse(text: str) -> list[Outcome]:
    """Return what the event says: one element, or one for each record of a list. Never raises.

    A record that is refused does not touch its neighbours, so a list may give events and rejections mixed.
    """
    text = str(text)  # a caller from outside the type checker's reach may hold bytes or None
    try:
        return _parsed(text)
    except Unacceptable as refusal:
        return [refusal.rejection(None, text)]
    except RecursionError:
        return [Unacceptable("too-deep", _TOO_DEEP).rejection(None, text)]


def _parsed(text: str) -> list[Outcome]:
    document = as_object(_document(text), "The event")
    envelope = read(Envelope, document, "")
    event_id = envelope.id or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    if envelope.detail_type == "Conversation Update" and isinstance(envelope.detail, list):
        return _records(envelope, envelope.detail, event_id, text)
    try:
        _refuse_stand_ins(document)
        return [_single(envelope, event_id)]
    except Unacceptable as refusal:
        return [refusal.rejection(envelope.id, text)]


def _document(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except ValueError:
        raise Unacceptable("not-json", f"The event is {kind(text)} that is not JSON") from None


def _integer(digits: str) -> int | float:
    # Python refuses to convert thousands of digits; no field that counts has more than a time's thirteen.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _refuse_stand_ins(document: dict[str, Any]) -> None:
    lost = document.get("unparsable")
    if isinstance(lost, dict) and "detail" not in document:
        if lost.get("tooDeep") is True:
            raise Unacceptable("too-deep", _TOO_DEEP)
        raise Unacceptable(
            "not-json", f"The event was text{_size(lost, 'length', 'characters')} that is not JSON"
        )
    if document.get("oversize") is True:
        size = _size(document, "bytes", "bytes")
        raise Unacceptable("oversize", f"The event{size} was too large to travel", _any_id(document))


def _size(holder: dict[str, Any], name: str, unit: str) -> str:
    size = holder.get(name)
    return f" of {size} {unit}" if isinstance(size, int) else ""


def _any_id(document: dict[str, Any]) -> str | None:
    """Return the interaction's id from wherever it survived of an event that was too large."""
    detail = document.get("detail")
    inner = [detail.get("eventBody"), detail.get("detail")] if isinstance(detail, dict) else []
    for place in (document, detail, *inner):
        for name in ("conversationId", "interactionId"):
            if isinstance(place, dict) and (found := canonical_id(place.get(name))):
                return found
    named = document.get("interactionIds")
    # A list that was too large speaks of many interactions: then it is none of them.
    return canonical_id(named[0]) if isinstance(named, list) and len(named) == 1 else None


def _single(envelope: Envelope, event_id: str) -> InteractionEvent:
    detail_type = envelope.detail_type or ""
    if genesys := _GENESYS.fullmatch(detail_type):
        return _genesys(envelope, event_id, genesys.group(1))
    if detail_type == "conversation.end":
        detail = as_object(envelope.detail, "detail")
        return _event(envelope, event_id, detail, "detail.", ("conversationId", "interactionId"))
    if detail_type == "Conversation Update":
        return _update(envelope, event_id, envelope.detail, "detail")
    # A topic is shown, other text is not: it may be anything.
    shown = detail_type if _TOPIC.fullmatch(detail_type) else kind(envelope.detail_type)
    raise Unacceptable(
        "unsupported-detail-type", f"detail-type is {shown}, which is none of those that count"
    )


def _genesys(envelope: Envelope, event_id: str, topic: str) -> InteractionEvent:
    detail = as_object(envelope.detail, "detail")
    body = as_object(detail.get("eventBody"), "detail.eventBody")
    event = _event(envelope, event_id, body, "detail.eventBody.", ("conversationId",))
    published = {"timestamp": detail.get("timestamp")}
    time = event.event_time or read(Body, published, "detail.", event.interaction_id).timestamp
    return replace(event, event_type=intern(topic), event_time=time)


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


def _records(envelope: Envelope, records: list[Any], event_id: str, text: str) -> list[Outcome]:
    if not records:
        return [Unacceptable("empty-list", "detail is a list without records").rejection(envelope.id, text)]
    return [_record(envelope, f"{event_id}#{index}", record, index) for index, record in enumerate(records)]


def _record(envelope: Envelope, event_id: str, record: Any, index: int) -> Outcome:
    try:
        return _update(envelope, event_id, record, f"detail[{index}]")
    except Unacceptable as refusal:
        return refusal.rejection(event_id, _event_of_its_own(envelope, event_id, record))


def _event_of_its_own(envelope: Envelope, event_id: str, record: Any) -> str:
    # The whole list would be stored once for each of its bad records. The envelope's fields are bounded.
    alone = {"id": event_id, "source": envelope.source or "", "detail-type": envelope.detail_type}
    try:
        return json.dumps({**alone, "detail": record})
    except RecursionError:  # what could just be read can be a frame too deep to be written
        return json.dumps(alone)
