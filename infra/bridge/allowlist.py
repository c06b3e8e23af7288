"""Reduces an event to the fields of the allow-list: ASCII text of JSON, the form that Prefect receives.

Text, because Prefect interprets objects (`__prefect_kind`) and cannot store NUL or lone surrogates. An allow-list,
because what Prefect never receives cannot be read there: names, telephone numbers, subjects.

Two stand-ins are sent for what cannot be reduced: `unparsable` for a text that is not JSON, `oversize` for an event
that is too large.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fields import DETAIL, ENVELOPE, ID_PATTERN, NESTED, EventField
from masking import MAX_STRING, digest, masked, masked_field, masked_id, masked_with_hash

MAX_EVENT_BYTES = 200_000
"""The longest text of one event; of a longer one only ids, size and hash are sent."""
MAX_OVERSIZE_IDS = 100
LIST_DETAIL_TYPE = "Conversation Update"
"""The one detail-type whose detail may be a list of records."""
MAX_RECORDS = 500
"""The most records of a list that are sent as one event: a run with thousands would exceed its time-out."""
GENESYS_TOPICS = "v2.detail.events.conversation."
EVENT_TIMES = range(1, 4_102_444_800_000)
"""Epoch milliseconds up to the year 2100. With an eventTime among them, the event's other times are redundant."""
MAX_PART_ID = 100
MAX_DIGITS = 40
_ID = re.compile(ID_PATTERN)
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
    return [_reduced(part, body) for part in _parts(event, body)]


def _parsed(body: str) -> dict[str, Any] | AllowedEvent:
    """Return the event; for a body that is no JSON object, its stand-in."""
    try:
        event = json.loads(body, parse_constant=str, parse_int=_integer)
    except ValueError:
        return _unparsable(body)
    except RecursionError:
        return _unparsable(body, tooDeep=True)
    return event if isinstance(event, dict) else AllowedEvent(_text(masked_with_hash(body)), ())


def _integer(digits: str) -> int | str:
    # Python converts no more than 4,300 digits to an integer; none of the fields has more than a time's 13.
    return int(digits) if len(digits) <= MAX_DIGITS else digits[:MAX_STRING]


def _unparsable(body: str, **more: bool) -> AllowedEvent:
    head = {"sha256": digest(body), "length": len(body), "head": masked(body), **more}
    return AllowedEvent(_text({"unparsable": head}), ())


def _parts(event: dict[str, Any], body: str) -> Iterator[dict[str, Any]]:
    """Yield the event; one with a long list of records as several events."""
    records: Any = event.get("detail")
    id_ = event.get("id")
    is_long = isinstance(records, list) and len(records) > MAX_RECORDS
    if not is_long or event.get("detail-type") != LIST_DETAIL_TYPE or not isinstance(id_, str | None):
        yield event
        return
    prefix = masked_id(id_ or digest(body))[:MAX_PART_ID]
    for start in range(0, len(records), MAX_RECORDS):
        yield event | {"id": f"{prefix}.{start}", "detail": records[start : start + MAX_RECORDS]}


def _reduced(event: dict[str, Any], body: str) -> AllowedEvent:
    allowed = _pick(event, ENVELOPE)
    if "detail" in event:
        allowed["detail"] = _detail(event["detail"])
    _drop_redundant(allowed)
    id_ = allowed.get("id")
    if not (isinstance(id_, str) and _ID.fullmatch(id_)):
        allowed["sha256"] = digest(body)  # events without a usable id stay distinguishable
    interactions = tuple(dict.fromkeys(_interactions(allowed.get("detail"))))
    text = _text(allowed)
    if len(text) > MAX_EVENT_BYTES:
        text = _text(_oversize(event, interactions, body))
    return AllowedEvent(text, interactions)


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
    if type(body.get("eventTime")) is int and body["eventTime"] in EVENT_TIMES:
        event.pop("time", None)
        detail.pop("timestamp", None)


def _detail(detail: object) -> Any:
    """Return the allowed part of a detail, or of each record of a list of them."""
    return [_record(record) for record in detail] if isinstance(detail, list) else _record(detail)


def _record(record: object) -> Any:
    if not isinstance(record, dict):
        return _unexpected(record)
    picked = _pick(record, DETAIL)
    for name in NESTED:
        if name in record:
            inner = record[name]
            picked[name] = _pick(inner, DETAIL) if isinstance(inner, dict) else _unexpected(inner)
    return picked


def _pick(source: dict[str, Any], fields: tuple[EventField, ...]) -> dict[str, Any]:
    return {field.name: _value(source[field.name], field.is_id) for field in fields if field.name in source}


def _value(value: object, is_id: bool = False) -> Any:
    """Return the value of an allowed field: unchanged, whatever its type, if it is short and not personal."""
    if isinstance(value, str):
        return masked_id(value) if is_id else masked_field(value)
    if isinstance(value, dict | list):  # its type stays visible, its content is not sent
        mark = f"sha256 {digest(_text_or_note(value))[:32]}"
        return [mark] if isinstance(value, list) else {"content": mark}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _unexpected(value: object) -> Any:
    """Return what is where an object should be; a text there may be anything, so it is masked."""
    return masked_with_hash(value) if isinstance(value, str) else _value(value)


def _interactions(detail: object) -> Iterator[str]:
    for record in detail if isinstance(detail, list) else [detail]:
        for fields in _objects(record):
            for name in _INTERACTION_IDS:
                if isinstance(fields.get(name), str):
                    yield fields[name].strip().lower()[:MAX_STRING]


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


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def _text_or_note(value: object) -> str:
    """Return the value as JSON, or a note that it is nested too deeply to be written."""
    try:
        return _text(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} nested too deeply"
