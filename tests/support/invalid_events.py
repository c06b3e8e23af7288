"""Invalid events as data: each is one row in quarantine, unless `rejections` says otherwise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

VALID_ID = "c0000000-0000-4000-8000-000000000001"
GENESYS = "v2.detail.events.conversation.{id}.customer.end"
MEGABYTE = 1_000_000
BAD = "bad-"  # at the beginning of their own ids


class InvalidEvent(NamedTuple):
    """One message body; `value` is the text of the invalid field, which no output may quote."""

    name: str
    body: str
    value: str = ""
    rejections: int = 1


# What looks like a UUID to a person, or to a lenient parser.
LOOK_ALIKES = {
    "empty": "",
    "blank": " " * 36,
    "word": "not-a-uuid",
    "35 characters": VALID_ID[:-1],
    "37 characters": VALID_ID + "0",
    "blank before": f" {VALID_ID}",
    "blank after": f"{VALID_ID} ",
    "line feed after": f"{VALID_ID}\n",
    "tabulator after": f"{VALID_ID}\t",
    "zero-width space": VALID_ID.replace("-", "-\u200b", 1),
    "byte order mark": f"\ufeff{VALID_ID}",
    "right-to-left": f"\u202e{VALID_ID}",
    "braces": f"{{{VALID_ID}}}",
    "parentheses": f"({VALID_ID})",
    "quotes": f'"{VALID_ID}"',
    "urn": f"urn:uuid:{VALID_ID}",
    "URN": f"URN:UUID:{VALID_ID.upper()}",
    "no dashes": VALID_ID.replace("-", ""),
    "dashes elsewhere": "c000-0000-0000-4000-8000-00000000-0001",
    "underscores": VALID_ID.replace("-", "_"),
    "hyphens of Unicode": VALID_ID.replace("-", "\u2010"),
    "minus signs": VALID_ID.replace("-", "\u2212"),
    "full-width digit": VALID_ID.replace("0", "\uff10", 1),
    "full-width digits": VALID_ID.replace("0", "\uff10"),
    "Arabic digit": VALID_ID.replace("0", "\u0660", 1),
    "mathematical digit": VALID_ID.replace("0", "\U0001d7d8", 1),
    "Cyrillic letter": VALID_ID.replace("c", "\u0441", 1),
    "full-width letter": VALID_ID.replace("c", "\uff43", 1),
    "combining mark": VALID_ID.replace("c", "c\u0301", 1),
    "letter g": VALID_ID.replace("0", "g", 1),
    "NUL after": f"{VALID_ID}\0",
    "NUL within": VALID_ID.replace("-", "\0", 1),
    "lone surrogates": "\ud800" * 36,
    "surrogate after": f"{VALID_ID}\udfff",
    "two of them": f"{VALID_ID},{VALID_ID}",
    "hexadecimal number": "0xc0000000000040008000000000000001",
    "megabyte": "c" * MEGABYTE,
}
# What changes the meaning of a text into which an id is inserted without escaping.
INJECTIONS = {
    "parent folder": "../../oauth/clients",
    "parent folder after": f"{VALID_ID}/../../oauth/clients",
    "escaped slash": f"{VALID_ID}%2F..%2Fdetails",
    "twice escaped slash": f"{VALID_ID}%252F",
    "backslash": f"..\\{VALID_ID}",
    "query": f"{VALID_ID}?id=*",
    "query alone": "?id=1",
    "another parameter": f"{VALID_ID}&id=c0000000-0000-4000-8000-000000000002",
    "fragment": f"{VALID_ID}#",
    "semicolon": f"{VALID_ID};v=1",
    "user info": f"@127.0.0.1:1/{VALID_ID}",
    "whole address": "http://127.0.0.1:1/api/v2/users",
    "header": f"{VALID_ID}\r\nAuthorization: Bearer stolen",
    "request": f"{VALID_ID} HTTP/1.1\r\nHost: elsewhere\r\n\r\nGET /",
    "log line": f"{VALID_ID}\n2026-01-01 00:00:00 ERROR all is lost",
    "log line of JSON": f'{VALID_ID}"}}\n{{"message": "batch delivered"',
    "terminal": f"\x1b[31m{VALID_ID}\x1b[0m",
    "DynamoDB condition": "a OR attribute_exists(interactionId)",
    "DynamoDB name": "#n0",
    "DynamoDB value": ":version",
    "DynamoDB type": '{"S": "x"}',
    "PartiQL": "x' OR '1'='1",
    "PartiQL statement": "'; DELETE FROM \"interactions\" WHERE interactionId = 'x",
    "SQL": "1; DROP TABLE flow_run; --",
    "script": "<script>alert(document.cookie)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "picture": "![x](https://elsewhere.invalid/p.png)",
    "link": "[click](javascript:alert(1))",
    "table": "x | y | z",
    "code": "`rm -rf /`",
    "heading": "# saved",
    "Jinja": "{{ 7 * 7 }}",
    "Jinja block": "{% for x in range(9) %}{{ x }}{% endfor %}",
    "Jinja class": "{{ ''.__class__.__mro__ }}",
    "f-string": "{settings.genesys_client_secret}",
    "format": "{0.__class__}",
    "percent": "%s%s%n",
    "shell": "$(touch /tmp/owned)",
    "variable": "${GENESYS_CLIENT_SECRET}",
    "JNDI": "${jndi:ldap://127.0.0.1:1/a}",
    "prototype": "__proto__",
    "S3 key": "../../../conversations/other.json.gz",
}
NOT_TEXT: dict[str, Any] = {
    "number": 5,
    "fraction": 1.5,
    "huge number": 10**30,
    "true": True,
    "empty list": [],
    "list of an id": [VALID_ID],
    "empty object": {},
    "object with an id": {"S": VALID_ID},
    "object for Prefect": {"__prefect_kind": "json", "value": f'"{VALID_ID}"'},
    "Jinja for Prefect": {"__prefect_kind": "jinja", "template": "{{ 7 * 7 }}"},
    "variable for Prefect": {"__prefect_kind": "workspace_variable", "variable_name": "x"},
    "unknown for Prefect": {"__prefect_kind": "unknown"},
}
FIELDS = ("participantId", "sessionId", "queueId", "mediaType", "direction", "disconnectType", "type")
NOT_JSON = {
    "nothing": "",
    "blanks": "  \n",
    "word": "hello",
    "open": "{",
    "single quotes": "{'detail': {}}",
    "comma too many": '{"detail": {},}',
    "two documents": "{} {}",
    "cut": '{"id": "e-1", "detail-type": "conversation.end", "detail": {"conversationId": "c000',
    "byte order mark": "\ufeff{}",
    "NUL": "\0",
    "NUL after": "{}\0",
    "surrogate": "\ud800",
    "escapes that are none": '{"a": "\\x41"}',
    "invalid UTF-8": b'{"id": "\xff\xfe"}\xc3('.decode("utf-8", "surrogateescape"),
    "invalid UTF-8, replaced": b'\xff\xfe{"id": 1\x80'.decode("utf-8", "replace"),
    "Latin-1": b"\xe9v\xe9nement".decode("latin-1"),
    "UTF-16": '{"id": "e"}'.encode("utf-16-le").decode("latin-1"),
    "gzip": "\x1f\x8b\x08\x00\x00\x00",
    "XML": "<event id='1'><conversation/></event>",
    "YAML": "id: e-1\ndetail: {}",
    "nested lists": "[" * 100_000,
    "nested objects": '{"detail":' * 100_000,
    "megabyte of text": "x" * MEGABYTE,
    "control characters": '{"id": "\n"}',
}
NOT_AN_EVENT: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 42,
    "fraction": -0.5,
    "text": "text",
    "surrogate as text": "\ud800",
    "empty list": [],
    "list of events": [{"detail-type": "conversation.end", "detail": {"conversationId": VALID_ID}}],
    "empty object": {},
    "object for Prefect": {"__prefect_kind": "json", "value": "{}"},
    "Jinja for Prefect": {"__prefect_kind": "jinja", "template": "{{ 7 * 7 }}"},
    "unknown for Prefect": {"__prefect_kind": "unknown"},
    "error of a sender": {"errorMessage": "time-out"},
    "S3 notification": {"Records": [{"s3": {"object": {"key": "x"}}}]},
}
DETAIL_TYPES: dict[str, Any] = {
    "none": None,
    "empty": "",
    "capitals": "CONVERSATION.END",
    "blank after": "conversation.end ",
    "another version": "v3.detail.events.presence.{id}",
    "topic of a number": "v2.detail.events.presence.15550100999",
    "topic of nothing": "v2.detail.events.conversation.{id}.",
    "topic with a blank": "v2.detail.events.conversation.{id}.customer end",
    "topic with a path": "v2.detail.events.conversation.{id}.../../x",
    "markup": "<b>conversation.end</b>",
    "letters": "conversation.end" * 1000,
    "telephone": "tel:+15550100999",
    "number": 5,
    "list": ["conversation.end"],
}
_SECRET_TYPES = ("markup", "letters", "telephone")  # the others may be quoted: a topic is no secret


def event(name: str, detail: Any, detail_type: Any = "conversation.end", **more: Any) -> str:
    """Return an event with an id that depends on its name."""
    id_ = f"{BAD}{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
    head = {"version": "0", "id": id_, "source": "gen.cloud.events", "detail-type": detail_type}
    return json.dumps({**head, "detail": detail} | more)


def genesys_event(name: str, body: Any) -> str:
    """Return an event in Genesys Cloud's own shape."""
    return event(
        name, {"topicName": GENESYS, "eventBody": body, "timestamp": "2026-01-15T10:00:00Z"}, GENESYS
    )


def written_events() -> list[InvalidEvent]:
    """Return every case that is written here."""
    return [*_ids(), *_bodies(), *_lists(), *_large()]


def _ids() -> Iterator[InvalidEvent]:
    """Yield invalid ids in each of the three shapes of events."""
    values = LOOK_ALIKES | {f"injected {name}": value for name, value in INJECTIONS.items()} | NOT_TEXT
    for name, value in values.items():
        text = value if isinstance(value, str) else ""
        first, second, third = (f"{shape}, {name}" for shape in ("Genesys", "end", "update"))
        yield InvalidEvent(first, genesys_event(first, {"conversationId": value, "mediaType": "VOICE"}), text)
        yield InvalidEvent(second, event(second, {"conversationId": value}), text)
        yield InvalidEvent(
            third, event(third, {"detail": {"interactionId": value}}, "Conversation Update"), text
        )


def strange_events() -> list[str]:
    """Return events with values that a field which decides nothing cannot have; each names VALID_ID and is valid."""
    found = []
    for name, value in INJECTIONS.items():
        case = f"queueId, {name}"
        found.append(genesys_event(case, {"conversationId": VALID_ID, "queueId": value}))
    for field in FIELDS:
        for name in ("number", "true", "list of an id", "object with an id", "object for Prefect"):
            case = f"{field}, {name}"
            found.append(event(case, {"conversationId": VALID_ID, field: NOT_TEXT[name]}))
    for field in ("eventTime", "timestamp"):
        case = f"{field}, object"
        found.append(event(case, {"conversationId": VALID_ID, field: {"now": True}}))
    for field in ("id", "source", "replay-name"):
        case = f"envelope, {field}"
        found.append(event(case, {"conversationId": VALID_ID, "type": case}, **{field: 5}))
    return found


def _bodies() -> Iterator[InvalidEvent]:
    for name, text in NOT_JSON.items():
        yield InvalidEvent(f"not JSON, {name}", text)
    for name, value in NOT_AN_EVENT.items():
        yield InvalidEvent(f"no event, {name}", json.dumps(value))
    for name, value in DETAIL_TYPES.items():
        case = f"detail-type, {name}"
        yield InvalidEvent(
            case, event(case, {"conversationId": VALID_ID}, value), value if name in _SECRET_TYPES else ""
        )
    for name, value in {
        "absent": None,
        "text": "text",
        "number": 5,
        "list": [],
        "list of nothing": [{}],
    }.items():
        yield InvalidEvent(f"end, detail {name}", event(f"end, detail {name}", value))
        yield InvalidEvent(f"Genesys, body {name}", genesys_event(f"Genesys, body {name}", value))


def _lists() -> Iterator[InvalidEvent]:
    """Yield lists of records: each invalid record is a row of its own."""
    yield InvalidEvent("list, empty", event("list, empty", [], "Conversation Update"))
    odd: list[Any] = [
        None,
        5,
        "text",
        [],
        {},
        {"detail": 5},
        {"detail": []},
        {"detail": {"interactionId": VALID_ID[1:]}},
    ]
    yield InvalidEvent(
        "list, every kind", event("list, every kind", odd, "Conversation Update"), rejections=len(odd)
    )
    deep: list[Any] = [{"interactionId": {"a": [[[[[{}]]]]]}}] * 100
    yield InvalidEvent(
        "list, nested ids", event("list, nested ids", deep, "Conversation Update"), rejections=100
    )


def _large() -> Iterator[InvalidEvent]:
    """Yield large events, and events nested as deeply as the JSON parser allows."""
    yield InvalidEvent("large key", event("large key", {"k" * MEGABYTE: 1}))
    yield InvalidEvent("many keys", event("many keys", {f"key{n}": n for n in range(50_000)}))
    yield InvalidEvent("large body", genesys_event("large body", "b" * MEGABYTE))
    deep = "[" * 500 + "]" * 500
    yield InvalidEvent("deep id", event("deep id", {"conversationId": "HERE"}).replace('"HERE"', deep))
    yield InvalidEvent("deep detail", event("deep detail", "HERE").replace('"HERE"', deep))
    yield InvalidEvent(
        "number of digits",
        event("number of digits", {"conversationId": "HERE"}).replace('"HERE"', "9" * 4000),
    )
    yield InvalidEvent("infinite id", event("infinite id", {"conversationId": float("inf")}))
    yield InvalidEvent(
        "id that is no number", event("id that is no number", {"conversationId": float("nan")})
    )
