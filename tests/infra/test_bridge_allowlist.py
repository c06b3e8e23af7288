"""What the bridge sends of an event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from allowlist import MAX_EVENT_BYTES, allowed_event
from fields import DETAIL, ENVELOPE
from grammar import MAX_TEXT
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.events import IgnoredEvent, InteractionEvent, Rejection, parse
from tests.support.bridge_messages import customer_end, interaction
from tests.support.stack import CUSTOMER_END

PERSONAL = ("3175550", "john.doe", "example.com", "divorce")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=500)
known = [field.name for field in (*ENVELOPE, *DETAIL)]
names = st.sampled_from([*known, "detail", "eventBody", "ani", "__prefect_kind"]) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(names, inner, max_size=8),
    max_leaves=40,
)


def strings(value: Any) -> list[str]:
    """Return every string of a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in (key, *strings(each))]
    return []


def test_a_real_event_keeps_its_nesting_and_loses_everything_personal() -> None:
    """A Genesys event is sent as its allowed fields, nested as before, without redundant ones."""
    event = customer_end(7)
    body = event["detail"]["eventBody"]
    kept = ["eventTime", "conversationId", "participantId", "sessionId"]
    kept += ["disconnectType", "mediaType", "direction"]

    assert json.loads(allowed_event(json.dumps(event)).text) == {
        **{name: event[name] for name in ("id", "source", "detail-type")},
        "detail": {"eventBody": {name: body[name] for name in kept}},
    }


times = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.datetimes().map(str)
    | st.sampled_from(["soon", "1712101512301", "2024-04-02T23:45:12.301Z", ""])
)


topics = st.sampled_from(["", "v2.else", f"v2.users.{interaction(2)}.presence"])
CONCRETE = CUSTOMER_END.replace("{id}", interaction(7))
AUDIT = "v2.audits.entitytype.{id}.entityid.{id}"
shapes = st.sampled_from(
    [CUSTOMER_END, CONCRETE, AUDIT, "v2.else", "v2.", "conversation.end", "Conversation Update"]
)


@given(shapes, times, times, times, topics)
def test_a_dropped_field_changes_nothing_for_the_flow(
    shape: str, event_time: Any, timestamp: Any, time: Any, topic: str
) -> None:
    """The flow reads the sent text as it reads the whole event, whatever its times and topic are."""
    event = customer_end(7) | {"time": time, "detail-type": shape}
    detail = event["detail"] | {"timestamp": timestamp}
    detail["eventBody"]["eventTime"] = event_time
    if shape not in (CUSTOMER_END, CONCRETE):
        detail["conversationId"] = interaction(7)
    if topic:
        detail["topicName"] = topic

    sent = allowed_event(json.dumps(event | {"detail": detail})).text

    assert _known(parse(sent)) == _known(parse(json.dumps(event | {"detail": detail})))
    assert (topic in sent) or not topic


@pytest.mark.parametrize("id_", ["", "not an id", 7, None])
def test_events_without_a_usable_id_that_differ_in_a_dropped_field_stay_different(id_: Any) -> None:
    """Two such events have different texts."""
    event = customer_end(7) | {"id": id_}
    assert (
        allowed_event(json.dumps(event | {"time": "a"})).text
        != allowed_event(json.dumps(event | {"time": "b"})).text
    )


near_ids = st.none() | st.text(max_size=5) | st.uuids().map(str) | st.from_regex(r"\A[0-9a-f.#-]{1,70}\Z")


@given(near_ids)
@example(interaction(1))
@example(f"{interaction(1)}.500")
def test_bridge_and_flow_agree_which_id_is_usable(id_: str | None) -> None:
    """An event has its own id or a hash in its text, never both and never neither."""
    sent = allowed_event(json.dumps(customer_end(7) | {"id": id_})).text

    (event,) = parse(sent)
    assert isinstance(event, InteractionEvent)
    assert (event.event_id == id_) != ("sha256" in json.loads(sent))


def _known(outcomes: Sequence[InteractionEvent | IgnoredEvent | Rejection]) -> list[Any]:
    """Return the outcomes; of a rejection without its text, which the bridge shortens."""
    return [(o.code, o.reason) if isinstance(o, Rejection) else o for o in outcomes]


@pytest.mark.parametrize(
    "detail",
    [
        {"conversationId": interaction(1), "queueId": interaction(2), "customerName": "john.doe"},
        {"detail": {"interactionId": interaction(1), "type": "conversation:update", "ani": "3175550"}},
        {"interactionId": interaction(1), "type": "conversation:update", "subject": "divorce"},
        [
            {"detail": {"interactionId": interaction(n), "timestamp": "2024-01-01T00:00:00Z", "a": "divorce"}}
            for n in (1, 2)
        ],
    ],
)
def test_the_tutorials_shapes_keep_their_nesting(detail: Any) -> None:
    """The flow reads the sent text of each shape as it reads the whole event; nothing personal is sent."""
    kind = "conversation.end" if "conversationId" in detail else "Conversation Update"
    event = {"id": interaction(9), "source": "gen.cloud.events", "detail-type": kind, "detail": detail}

    sent = allowed_event(json.dumps(event))

    read = parse(sent.text)
    assert read == parse(json.dumps(event))
    assert all(isinstance(each, InteractionEvent) for each in read)
    assert sent.interactions == tuple(each.interaction_id for each in read)
    assert not any(word in sent.text for word in PERSONAL)


def test_a_replayed_event_has_the_name_of_its_replay() -> None:
    """The field replay-name is sent, as `interactions archive-replay` writes it."""
    name = "interactions-Rule-1A2B3C-20260302T093045000001"
    assert (
        f'"replay-name":"{name}"' in allowed_event(json.dumps({**customer_end(1), "replay-name": name})).text
    )


@given(anything)
def test_any_json_is_sent_as_bounded_ascii(value: Any) -> None:
    """Any JSON becomes printable ASCII of strict JSON, with every string within the limit."""
    text = allowed_event(json.dumps(value)).text

    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= MAX_EVENT_BYTES
    assert max(map(len, strings(json.loads(text, parse_constant=pytest.fail))), default=0) <= MAX_TEXT


@given(st.text(alphabet=st.characters(codec=None), max_size=2000))
def test_any_text_is_sent_as_bounded_ascii(text: str) -> None:
    """So does any text, with surrogates and control characters."""
    sent = allowed_event(text).text

    assert sent.isascii()
    assert sent.isprintable()
    assert max(map(len, strings(json.loads(sent))), default=0) <= MAX_TEXT


def test_two_different_bodies_that_are_no_objects_stay_different() -> None:
    """Masking does not make two bodies equal."""
    texts = [allowed_event(body).text for body in ("1", "2", "[1]", "[2]", '"a@b.c"', '"d@b.c"', "x1", "x2")]

    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    "body",
    [
        "call john.doe@example.com at +1 317 555 0123",
        "john.doe%40example.com 3175550123",
        r'{"from": "john.doe\u0040example.com", 3175550123',
        json.dumps("john.doe@example.com 3175550123"),
        json.dumps(["john.doe@example.com", 3175550123]),
        json.dumps({"detail": "john.doe@example.com 3175550123"}),
        json.dumps({"detail": {"eventBody": "john.doe@example.com 3175550123"}}),
        json.dumps({"detail": {"conversationId": {"ani": "3175550123", "from": "john.doe@example.com"}}}),
        json.dumps({"detail": {"conversationId": "john.doe@example.com"}}),
        json.dumps({"detail": {"conversationId": "tel:+13175550123"}}),
        json.dumps({"detail": {"type": "call 317 555 0123", "mediaType": "3175550123 is my number"}}),
        json.dumps({"source": "my number is 3175550123", "detail-type": "on 3175550 call me"}),
        "x" * 190 + " john.doe@example.com",
    ],
)
def test_free_text_is_withheld(body: str) -> None:
    """No address and no telephone number is sent, in free text or in place of an id."""
    sent = allowed_event(body).text

    assert not any(word in sent for word in PERSONAL)


def test_text_that_is_not_json_is_sent_as_hash_and_length() -> None:
    """Nothing of it is sent, and the flow rejects the event as not-json."""
    sent = allowed_event('{"id": 42, oops')

    found = json.loads(sent.text)["unparsable"]
    assert found.pop("length") == 15
    assert len(found.pop("sha256")) == 64
    assert found == {}
    assert [each.code for each in parse(sent.text)] == ["not-json"]  # type: ignore[union-attr]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"detail":' * 100_000, "\x00", "\ud800", ""])
def test_a_body_that_breaks_parsers_is_sent_as_hash_and_length(body: str) -> None:
    """Deep nesting, NUL, a lone surrogate and an empty text, on which Python's parser fails."""
    assert "unparsable" in json.loads(allowed_event(body).text)


@pytest.mark.parametrize("digits", [41, 309, 400, 4_301, 100_000])
def test_a_number_of_any_length_is_accepted_anywhere(digits: int) -> None:
    """Python has no float of 309 digits and no integer of 4,301: the event is sent all the same."""
    number = "9" * digits
    body = json.dumps(customer_end(1, size="DIGITS", eventTime="DIGITS")).replace('"DIGITS"', number)

    sent = allowed_event(body)

    assert sent.interactions == (interaction(1),)
    assert json.loads(sent.text)["detail"]["eventBody"]["eventTime"] == {"withheld": "number"}
    assert isinstance(parse(sent.text)[0], InteractionEvent)
    assert [each.code for each in parse(allowed_event(number).text)] == ["not-an-object"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["Mallory Q. Person", "1555 0177 321", "caf\u00e9-1555", f" {interaction(1)}"]
)
def test_what_cannot_be_an_id_is_withheld(text: str) -> None:
    """A name or a number in place of an id is not sent, and is rejected with the length that it had."""
    sent = allowed_event(json.dumps(customer_end(1, conversationId=text, queueId=text))).text

    assert json.dumps(text)[1:-1] not in sent
    (rejection,) = parse(sent)
    assert isinstance(rejection, Rejection)
    assert f"is text of {len(text)} characters that is not a UUID" in rejection.reason
    (event,) = parse(allowed_event(json.dumps(customer_end(1, queueId=text))).text)
    assert isinstance(event, InteractionEvent)
    assert (event.interaction_id, event.queue_id) == (interaction(1), None)


def test_an_event_that_was_transformed_on_its_way_is_sent_as_it_is() -> None:
    """A concrete id in the detail-type and a time as text of digits reach the flow, the topic only once."""
    event = customer_end(7, eventTime="1712101512301") | {"detail-type": CONCRETE}
    sent = allowed_event(json.dumps(event)).text
    (read,) = parse(sent)
    assert isinstance(read, InteractionEvent)
    assert (read.interaction_id, read.event_type) == (interaction(7), "customer.end")
    assert read.event_time == datetime(2024, 4, 2, 23, 45, 12, 301_000, tzinfo=UTC)
    assert "topicName" not in sent


def test_a_value_of_a_wrong_type_is_sent_as_its_kind() -> None:
    """The flow rejects it by its kind; what tells nothing is sent as it is."""
    wrong = {
        "conversationId": (42, {"withheld": "number"}),
        "queueId": (None, None),
        "mediaType": (True, True),
        "direction": (1.5, {"withheld": "number"}),
        "type": ("x" * 999, {"withheld": "text", "length": 999}),
        "sessionId": ({"a": ["b"]}, {"withheld": "object", "length": 1}),
        "participantId": (["a", "b"], {"withheld": "list", "length": 2}),
        "eventTime": (10**300, {"withheld": "number"}),
    }
    event = {"detail": {name: value for name, (value, _) in wrong.items()}}

    detail = json.loads(allowed_event(json.dumps(event)).text)["detail"]

    assert detail == {name: sent for name, (_, sent) in wrong.items()}


@pytest.mark.parametrize("digits", [39, 40, 308, 309, 400, 4300])
@pytest.mark.parametrize("field", ["conversationId", "queueId", "eventTime", "type"])
def test_a_number_of_any_length_is_a_number(field: str, digits: int) -> None:
    """A number that no float can hold is withheld as any other is."""
    number = "9" * digits

    found = json.loads(allowed_event('{"detail": {"%s": %s}}' % (field, number)).text)["detail"][field]  # noqa: UP031

    assert found == {"withheld": "number"}


def test_events_without_an_id_stay_different() -> None:
    """Events without an allowed field have different texts, and an event always has the same one."""
    bodies = ["{}", '{"a": 1}', '{"a": 2}', '{"id": null}', '{"id": 5}', '{"id": 5, "detail": {"a": 1}}']

    texts = [allowed_event(body).text for body in bodies]

    assert len(set(texts)) == len(texts)
    assert texts == [allowed_event(body).text for body in bodies]


def test_a_megabyte_in_a_field_that_is_not_allowed_is_dropped() -> None:
    """The rest of the event is sent."""
    sent = allowed_event(json.dumps(customer_end(1, subject="x" * 1_000_000)))

    assert len(sent.text) < 1000
    assert sent.interactions == (interaction(1),)


def test_a_megabyte_in_place_of_an_id_is_its_length() -> None:
    """The grammar is asked about no more text than may be sent."""
    sent = allowed_event(json.dumps(customer_end(1, conversationId="x" * 1_000_000)))

    assert '"conversationId":{"withheld":"text","length":1000000}' in sent.text


def test_an_event_that_stays_too_large_is_sent_as_its_ids() -> None:
    """A list of thousands of records is sent as ids, size and hash, and the flow rejects it as oversize."""
    records = [{"detail": {"interactionId": interaction(n), "type": "update"}} for n in range(10_000)]
    body = json.dumps({"id": "e-1", "detail-type": "Conversation Update", "detail": records})

    sent = allowed_event(body)

    found = json.loads(sent.text)
    assert found["oversize"] is True
    assert found["bytes"] == len(body)
    assert found["interactionIds"] == [interaction(n) for n in range(100)]
    assert [each.code for each in parse(sent.text)] == ["oversize"]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["json", "workspace_variable", "jinja", "none", "unknown"])
def test_an_instruction_to_prefect_is_not_sent(kind: str) -> None:
    """`__prefect_kind` is not on the allow-list, at any place of the event."""
    order = {"__prefect_kind": kind, "value": "{{ 7 * 7 }}", "template": "{{ 7 * 7 }}"}
    event = customer_end(1, **order)

    sent = allowed_event(json.dumps({**event, **order, "detail": {**event["detail"], **order}}))

    assert sent == allowed_event(json.dumps(event))
