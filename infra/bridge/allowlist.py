"""Reduces an event to the fields of the allow-list: ASCII text of JSON, the form that Prefect receives.

Text, because Prefect interprets objects (`__prefect_kind`) and cannot store NUL or lone surrogates. An allow-list,
because what Prefect never receives cannot be read there: names, telephone numbers, subjects. And of an allowed field
only what it should hold (`fields.py`): anything else is sent as its kind and length, without a hash of it.

Two stand-ins are sent for what cannot be reduced: `unparsable` for a text that is no JSON object, `oversize` for an
event that is too large. What has no id of its own is told apart by the sha256 of the whole message.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fields import DETAIL, ENVELOPE, NESTED, EventField
from grammar import EPOCH_MILLISECONDS, is_event_id, withheld

MAX_EVENT_BYTES = 200_000
"""The longest text of one event; of a longer one only ids, size and hash are sent."""
MAX_OVERSIZE_IDS = 100
LIST_DETAIL_TYPE = "Conversation Update"
"""The one detail-type whose detail may be a list of records."""
MAX_RECORDS = 500
"""The most records of a list that are sent as one event: a run with thousands would exceed its time-out."""
GENESYS_TOPICS = "v2.detail.events.conversation."
MAX_DIGITS = 40
_INTERACTION_IDS = tuple(field.name for field in DETAIL if field.kind == "interaction-id")


@dataclass(frozen=True)
class AllowedEvent:
    """An event's text (printable ASCII), and the interactions that it names, in order and without repetition."""

    text: str
    interactions: tuple[str, ...]


def allowed_event(body: str) -> AllowedEvent:
    """Return the allowed part of a message body, as one event; never raises, whatever the body is."""
    event = _parsed(body)
    return event if isinstance(event, AllowedEvent) else _reduced(event, body)


def allowed_parts(body: str) -> list[AllowedEvent]:
    """Return the same, but a list of more than MAX_RECORDS records as several events, each with an id of its own."""
    event = _parsed(body)
    if isinstance(event, AllowedEvent):
        return [event]
    return [_reduced(part, body, start) for start, part in _parts(event)]


def _parsed(body: str) -> dict[str, Any] | AllowedEvent:
    """Return the event; for a body that is no JSON object, its stand-in."""
    try:
        event = json.loads(body, parse_constant=float, parse_int=_integer)
    except ValueError:
        return _unparsable(body, {"length": len(body)})
    except RecursionError:
        return _unparsable(body, {"length": len(body), "tooDeep": True})
    return event if isinstance(event, dict) else _unparsable(body, {"value": withheld(event)})


def _integer(digits: str) -> int | float:
    # Python converts no more than 4,300 digits to an integer; none of the fields has more than a time's 13.
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _unparsable(body: str, what: dict[str, Any]) -> AllowedEvent:
    return AllowedEvent(_text({"unparsable": {"sha256": digest(body), **what}}), ())


def _parts(event: dict[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Yield the event; one with a long list of records as several events, each with its first record's number."""
    records: Any = event.get("detail")
    is_long = isinstance(records, list) and len(records) > MAX_RECORDS
    if not is_long or event.get("detail-type") != LIST_DETAIL_TYPE:
        yield None, event
        return
    for start in range(0, len(records), MAX_RECORDS):
        yield start, event | {"detail": records[start : start + MAX_RECORDS]}


def _reduced(event: dict[str, Any], body: str, part: int | None = None) -> AllowedEvent:
    allowed = _identified(_pick(event, ENVELOPE), body, part)
    if "detail" in event:
        allowed["detail"] = _detail(event["detail"])
    _drop_redundant(allowed)
    interactions = tuple(dict.fromkeys(_interactions(allowed.get("detail"))))
    text = _text(allowed)
    if len(text) > MAX_EVENT_BYTES:
        text = _text(_oversize(event, interactions, body))
    return AllowedEvent(text, interactions)


def _identified(envelope: dict[str, Any], body: str, part: int | None) -> dict[str, Any]:
    """Return the envelope with what tells it apart: its id, with the number of the part, or the message's sha256."""
    number = "" if part is None else f".{part}"
    if is_event_id(envelope.get("id")):
        return envelope | {"id": envelope["id"] + number}
    return envelope | {"sha256": digest(body) + number}


def _drop_redundant(event: dict[str, Any]) -> None:
    """Drop what other fields of a Genesys event say, too: a quarter of its bytes, of which a batch has a limit.

    The topic, which follows from the template in the detail-type and the conversation's id; the times of publishing
    and of receiving, which the flow does not read when the event's own time is valid.
    """
    template, detail = str(event.get("detail-type")), event.get("detail")
    body = detail.get("eventBody") if isinstance(detail, dict) else None
    if not template.startswith(GENESYS_TOPICS) or not isinstance(detail, dict) or not isinstance(body, dict):
        return
    if detail.get("topicName") == template.replace("{id}", str(body.get("conversationId"))):
        del detail["topicName"]
    if type(body.get("eventTime")) is int and body["eventTime"] in EPOCH_MILLISECONDS:
        event.pop("time", None)
        detail.pop("timestamp", None)


def _detail(detail: object) -> Any:
    """Return the allowed part of a detail, or of each record of a list of them."""
    return [_record(record) for record in detail] if isinstance(detail, list) else _record(detail)


def _record(record: object) -> Any:
    if not isinstance(record, dict):
        return withheld(record)
    picked = _pick(record, DETAIL)
    for name in NESTED:
        if name in record:
            inner = record[name]
            picked[name] = _pick(inner, DETAIL) if isinstance(inner, dict) else withheld(inner)
    return picked


def _pick(source: dict[str, Any], fields: tuple[EventField, ...]) -> dict[str, Any]:
    return {field.name: field.sent(source[field.name]) for field in fields if field.name in source}


def _interactions(detail: object) -> Iterator[str]:
    for record in detail if isinstance(detail, list) else [detail]:
        for fields in _objects(record):
            for name in _INTERACTION_IDS:
                if isinstance(fields.get(name), str):
                    yield fields[name].lower()


def _objects(record: object) -> list[dict[str, Any]]:
    """Return the record and the objects nested in it."""
    if not isinstance(record, dict):
        return []
    return [record, *(record[name] for name in NESTED if isinstance(record.get(name), dict))]


def _oversize(event: dict[str, Any], interactions: tuple[str, ...], body: str) -> dict[str, Any]:
    return {
        **_pick(event, ENVELOPE),
        "interactionId": interactions[0] if interactions else None,
        "interactionIds": list(interactions[:MAX_OVERSIZE_IDS]),
        "oversize": True,
        "bytes": len(body.encode("utf-8", "surrogatepass")),
        "sha256": digest(body),
    }


def digest(text: str) -> str:
    """Return the sha256 of a text, hexadecimal; the text may hold lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
