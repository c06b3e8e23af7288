"""Events that are not valid, as data: each ends as one row in quarantine, unless `rejections` says otherwise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

GOOD_ID = "c0000000-0000-4000-8000-000000000001"
GENESYS = "v2.detail.events.conversation.{id}.customer.end"
MEGABYTE = 1_000_000


class Bad(NamedTuple):
    """One message body; `value` is what stood in the field at fault, which nobody may repeat."""

    name: str
    body: str
    value: str = ""
    rejections: int = 1


# What looks like a UUID to a person, or to a parser that is too kind.
LOOK_ALIKES = {
    "empty": "",
    "blank": " " * 36,
    "word": "not-a-uuid",
    "35 characters": GOOD_ID[:-1],
    "37 characters": GOOD_ID + "0",
    "blank before": f" {GOOD_ID}",
    "blank after": f"{GOOD_ID} ",
    "line feed after": f"{GOOD_ID}\n",
    "tabulator after": f"{GOOD_ID}\t",
    "zero-width space": GOOD_ID.replace("-", "-\u200b", 1),
    "byte order mark": f"\ufeff{GOOD_ID}",
    "right-to-left": f"\u202e{GOOD_ID}",
    "braces": f"{{{GOOD_ID}}}",
    "parentheses": f"({GOOD_ID})",
    "quotes": f'"{GOOD_ID}"',
    "urn": f"urn:uuid:{GOOD_ID}",
    "URN": f"URN:UUID:{GOOD_ID.upper()}",
    "no dashes": GOOD_ID.replace("-", ""),
    "dashes elsewhere": "c000-0000-0000-4000-8000-00000000-0001",
    "underscores": GOOD_ID.replace("-", "_"),
    "hyphens of Unicode": GOOD_ID.replace("-", "\u2010"),
    "minus signs": GOOD_ID.replace("-", "\u2212"),
    "full-width digit": GOOD_ID.replace("0", "\uff10", 1),
    "full-width digits": GOOD_ID.replace("0", "\uff10"),
    "Arabic digit": GOOD_ID.replace("0", "\u0660", 1),
    "mathematical digit": GOOD_ID.replace("0", "\U0001d7d8", 1),
    "Cyrillic letter": GOOD_ID.replace("c", "\u0441", 1),
    "full-width letter": GOOD_ID.replace("c", "\uff43", 1),
    "combining mark": GOOD_ID.replace("c", "c\u0301", 1),
    "letter g": GOOD_ID.replace("0", "g", 1),
    "NUL after": f"{GOOD_ID}\0",
    "NUL within": GOOD_ID.replace("-", "\0", 1),
    "lone surrogates": "\ud800" * 36,
    "surrogate after": f"{GOOD_ID}\udfff",
    "two of them": f"{GOOD_ID},{GOOD_ID}",
    "hexadecimal number": "0xc0000000000040008000000000000001",
    "megabyte": "c" * MEGABYTE,
}
# What means something to whoever writes an id into something without looking.
INJECTIONS = {
    "parent folder": "../../oauth/clients",
    "parent folder after": f"{GOOD_ID}/../../oauth/clients",
    "escaped slash": f"{GOOD_ID}%2F..%2Fdetails",
    "twice escaped slash": f"{GOOD_ID}%252F",
    "backslash": f"..\\{GOOD_ID}",
    "query": f"{GOOD_ID}?id=*",
    "query alone": "?id=1",
    "another parameter": f"{GOOD_ID}&id=c0000000-0000-4000-8000-000000000002",
    "fragment": f"{GOOD_ID}#",
    "semicolon": f"{GOOD_ID};v=1",
    "user info": f"@127.0.0.1:1/{GOOD_ID}",
    "whole address": "http://127.0.0.1:1/api/v2/users",
    "header": f"{GOOD_ID}\r\nAuthorization: Bearer stolen",
    "request": f"{GOOD_ID} HTTP/1.1\r\nHost: elsewhere\r\n\r\nGET /",
    "log line": f"{GOOD_ID}\n2026-01-01 00:00:00 ERROR all is lost",
    "log line of JSON": f'{GOOD_ID}"}}\n{{"message": "batch delivered"',
    "terminal": f"\x1b[31m{GOOD_ID}\x1b[0m",
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
    "list of an id": [GOOD_ID],
    "empty object": {},
    "object with an id": {"S": GOOD_ID},
    "object for Prefect": {"__prefect_kind": "json", "value": f'"{GOOD_ID}"'},
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
    "list of events": [{"detail-type": "conversation.end", "detail": {"conversationId": GOOD_ID}}],
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
    "another topic": "v2.detail.events.presence.{id}",
    "topic filled in": f"v2.detail.events.conversation.{GOOD_ID}.customer.end",
    "topic of nothing": "v2.detail.events.conversation.{id}.",
    "topic with a blank": "v2.detail.events.conversation.{id}.customer end",
    "topic with a path": "v2.detail.events.conversation.{id}.../../x",
    "markup": "<b>conversation.end</b>",
    "letters": "conversation.end" * 1000,
    "telephone": "tel:+15550100999",
    "number": 5,
    "list": ["conversation.end"],
}
_SECRET_TYPES = ("markup", "letters", "telephone")  # of the others a topic may be shown


def event(name: str, detail: Any, detail_type: Any = "conversation.end", **more: Any) -> str:
    """An event with an id of its own."""
    id_ = f"bad-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
    head = {"version": "0", "id": id_, "source": "gen.cloud.events", "detail-type": detail_type}
    return json.dumps({**head, "detail": detail} | more)


def of_genesys(name: str, body: Any) -> str:
    """An event in the shape that Genesys Cloud really sends."""
    return event(
        name, {"topicName": GENESYS, "eventBody": body, "timestamp": "2026-01-15T10:00:00Z"}, GENESYS
    )


def written() -> list[Bad]:
    """Every written case."""
    return [*_ids(), *_fields(), *_bodies(), *_lists(), *_large()]


def _ids() -> Iterator[Bad]:
    """What stands where the interaction's id should, in each of the three shapes."""
    values = LOOK_ALIKES | {f"injected {name}": value for name, value in INJECTIONS.items()} | NOT_TEXT
    for name, value in values.items():
        told = value if isinstance(value, str) else ""
        first, second, third = (f"{shape}, {name}" for shape in ("Genesys", "end", "update"))
        yield Bad(first, of_genesys(first, {"conversationId": value, "mediaType": "VOICE"}), told)
        yield Bad(second, event(second, {"conversationId": value}), told)
        yield Bad(third, event(third, {"detail": {"interactionId": value}}, "Conversation Update"), told)


def _fields() -> Iterator[Bad]:
    """What stands in a known field beside a good id: no id of anything, or no text."""
    for name, value in INJECTIONS.items():
        if name != "fragment":  # an id of an event may end so
            case = f"queueId, {name}"
            yield Bad(case, of_genesys(case, {"conversationId": GOOD_ID, "queueId": value}), value)
    for field in FIELDS:
        for name in ("number", "true", "list of an id", "object with an id", "object for Prefect"):
            case = f"{field}, {name}"
            yield Bad(case, event(case, {"conversationId": GOOD_ID, field: NOT_TEXT[name]}))
    for field in ("eventTime", "timestamp"):
        case = f"{field}, object"
        yield Bad(case, event(case, {"conversationId": GOOD_ID, field: {"now": True}}))


def _bodies() -> Iterator[Bad]:
    for name, text in NOT_JSON.items():
        yield Bad(f"not JSON, {name}", text)
    for name, value in NOT_AN_EVENT.items():
        yield Bad(f"no event, {name}", json.dumps(value))
    for name, value in DETAIL_TYPES.items():
        case = f"detail-type, {name}"
        yield Bad(
            case, event(case, {"conversationId": GOOD_ID}, value), value if name in _SECRET_TYPES else ""
        )
    for name, value in {
        "absent": None,
        "text": "text",
        "number": 5,
        "list": [],
        "list of nothing": [{}],
    }.items():
        yield Bad(f"end, detail {name}", event(f"end, detail {name}", value))
        yield Bad(f"Genesys, body {name}", of_genesys(f"Genesys, body {name}", value))
    for field in ("id", "source", "replay-name"):
        case = f"envelope, {field}"
        yield Bad(case, event(case, {"conversationId": GOOD_ID, "type": case}, **{field: 5}))


def _lists() -> Iterator[Bad]:
    """Lists of records: each bad record is a row of its own."""
    yield Bad("list, empty", event("list, empty", [], "Conversation Update"))
    odd = [None, 5, "text", [], {}, {"detail": 5}, {"detail": []}, {"detail": {"interactionId": GOOD_ID[1:]}}]
    yield Bad("list, every kind", event("list, every kind", odd, "Conversation Update"), rejections=len(odd))
    deep = [{"interactionId": {"a": [[[[[{}]]]]]}}] * 100
    yield Bad("list, nested ids", event("list, nested ids", deep, "Conversation Update"), rejections=100)


def _large() -> Iterator[Bad]:
    """Large in a place that counts; and nested as deeply as JSON's reader allows."""
    yield Bad("large key", event("large key", {"k" * MEGABYTE: 1}))
    yield Bad("many keys", event("many keys", {f"key{n}": n for n in range(50_000)}))
    yield Bad("large body", of_genesys("large body", "b" * MEGABYTE))
    deep = "[" * 500 + "]" * 500
    yield Bad("deep id", event("deep id", {"conversationId": "HERE"}).replace('"HERE"', deep))
    yield Bad("deep detail", event("deep detail", "HERE").replace('"HERE"', deep))
    yield Bad(
        "number of digits",
        event("number of digits", {"conversationId": "HERE"}).replace('"HERE"', "9" * 4000),
    )
    yield Bad("infinite id", event("infinite id", {"conversationId": float("inf")}))
    yield Bad("id that is no number", event("id that is no number", {"conversationId": float("nan")}))
