"""One event as it travels to Prefect: only what is on the allow-list, as ASCII text of JSON.

Text, because Prefect hydrates objects (`__prefect_kind`) and cannot store NUL or lone surrogates. An
allow-list, because what never enters Prefect cannot be read there: names, numbers and subjects stay behind.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from masking import LONGEST, described, digest, masked, shaped, tidy

ENVELOPE = ("id", "source", "detail-type", "time", "replay-name")
BODY = (
    "topicName",
    "conversationId",
    "interactionId",
    "eventTime",
    "timestamp",
    "type",
    "participantId",
    "sessionId",
    "queueId",
    "mediaType",
    "direction",
    "disconnectType",
)
IDS = ("conversationId", "interactionId", "participantId", "sessionId", "queueId")
MAX_TEXT = 200_000
"""The longest text of one event, in bytes; beyond it only its ids, size and hash travel."""
MAX_OVERSIZE_IDS = 100
LISTED = "Conversation Update"
"""The one detail-type whose detail may be a list."""
MAX_RECORDS = 500
"""The most records of a list that travel as one event."""
GENESYS = "v2.detail.events.conversation."
USABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,127}")
"""An id that the flow takes for an event's; without one it takes the text's sha256."""
EVENT_TIMES = range(1, 4_102_444_800_000)
"""Milliseconds since 1970 that can be an event's time, up to 2100: then its other times say no more."""
LONGEST_PART_ID = 100
LONGEST_NUMBER = 40


@dataclass(frozen=True)
class SlimEvent:
    """An event's text (printable ASCII) and the interactions it speaks of, in order, without repetition."""

    text: str
    interactions: tuple[str, ...]


def slim(body: str) -> SlimEvent:
    """Return what travels of a message body, as one event; never raises, whatever the body is."""
    event = _read(body)
    return event if isinstance(event, SlimEvent) else _slim_event(event, body)


def slim_parts(body: str) -> list[SlimEvent]:
    """Return the same, but of a long list of records several events, each with some of them and an id of its own."""
    event = _read(body)
    if isinstance(event, SlimEvent):
        return [event]
    return [_slim_event(part, body) for part in _parts(event, body)]


def _read(body: str) -> dict[str, Any] | SlimEvent:
    """Return the event, or what travels of a body that is none."""
    try:
        event = json.loads(body, parse_constant=str, parse_int=_integer)
    except ValueError:
        return _unparsable(body)
    except RecursionError:
        return _unparsable(body, tooDeep=True)
    return event if isinstance(event, dict) else SlimEvent(_text(described(body)), ())


def _parts(event: dict[str, Any], body: str) -> Iterator[dict[str, Any]]:
    """Yield the event, or a list's records some at a time: thousands in one run would outlast its time-out."""
    records: Any = event.get("detail")
    id_ = event.get("id")
    of_many = isinstance(records, list) and len(records) > MAX_RECORDS
    if not of_many or event.get("detail-type") != LISTED or not isinstance(id_, str | None):
        yield event
        return
    for start in range(0, len(records), MAX_RECORDS):
        part_id = f"{shaped(id_ or digest(body))[:LONGEST_PART_ID]}.{start}"
        yield event | {"id": part_id, "detail": records[start : start + MAX_RECORDS]}


def _integer(digits: str) -> int | str:
    # Python makes no integer of thousands of digits, and no float of hundreds; no field that counts has them.
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits[:LONGEST]


def _unparsable(body: str, **more: bool) -> SlimEvent:
    head = {"sha256": digest(body), "length": len(body), "head": masked(body), **more}
    return SlimEvent(_text({"unparsable": head}), ())


def _slim_event(event: dict[str, Any], body: str) -> SlimEvent:
    slimmed = _pick(event, ENVELOPE)
    if "detail" in event:
        slimmed["detail"] = _detail(event["detail"])
    _drop_repetitions(slimmed)
    id_ = slimmed.get("id")
    if not (isinstance(id_, str) and USABLE_ID.fullmatch(id_)):
        slimmed["sha256"] = digest(body)  # what has no id of its own is still told from any other
    interactions = tuple(dict.fromkeys(_interactions(slimmed.get("detail"))))
    text = _text(slimmed)
    if len(text) > MAX_TEXT:
        text = _text(_oversize(event, interactions, body))
    return SlimEvent(text, interactions)


def _drop_repetitions(event: dict[str, Any]) -> None:
    """Drop a quarter of a Genesys event, for a batch holds so many bytes: what nobody reads beside other fields.

    The topic beside its template and the id, and the times of publishing and receiving beside that of the event.
    """
    template, detail = str(event.get("detail-type")), event.get("detail")
    body = detail.get("eventBody") if isinstance(detail, dict) else None
    if not template.startswith(GENESYS) or not isinstance(detail, dict) or not isinstance(body, dict):
        return
    if detail.get("topicName") == template.replace("{id}", str(body.get("conversationId"))):
        del detail["topicName"]
    if type(body.get("eventTime")) is int and body["eventTime"] in EVENT_TIMES:
        event.pop("time", None)
        detail.pop("timestamp", None)


def _detail(detail: object) -> Any:
    """Return the detail, or each record of a list of details, with its known fields alone."""
    return [_record(record) for record in detail] if isinstance(detail, list) else _record(detail)


def _record(record: object) -> Any:
    if not isinstance(record, dict):
        return _free(record)
    picked = _pick(record, BODY)
    for nested in ("eventBody", "detail"):
        if nested in record:
            inner = record[nested]
            picked[nested] = _pick(inner, BODY) if isinstance(inner, dict) else _free(inner)
    return picked


def _pick(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(source[name], name in IDS) for name in names if name in source}


def _value(value: object, is_id: bool = False) -> Any:
    """Return the value of a known field: as it is when it is short, whatever its type."""
    if isinstance(value, str):
        return shaped(value) if is_id else tidy(value)
    if isinstance(value, dict | list):  # what it is stays visible, and what it says does not travel
        mark = f"sha256 {digest(_text_of(value))[:32]}"
        return [mark] if isinstance(value, list) else {"content": mark}
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _free(value: object) -> Any:
    """Return what stands where an object should: it may say anything, so text is masked."""
    return described(value) if isinstance(value, str) else _value(value)


def _interactions(detail: object) -> Iterator[str]:
    for record in detail if isinstance(detail, list) else [detail]:
        for place in _places(record):
            for name in ("conversationId", "interactionId"):
                if isinstance(place.get(name), str):
                    yield place[name].strip().lower()[:LONGEST]


def _places(record: object) -> list[dict[str, Any]]:
    if not isinstance(record, dict):
        return []
    nested = [record.get("eventBody"), record.get("detail")]
    return [record, *(place for place in nested if isinstance(place, dict))]


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


def _text_of(value: object) -> str:
    try:
        return value if isinstance(value, str) else _text(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} nested too deeply"
