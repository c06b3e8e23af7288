"""What of an event travels to Prefect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from masking import LONGEST
from slim import BODY, ENVELOPE, MAX_TEXT, slim

from tasks.events import InteractionEvent, Rejection, parse
from tests.infra.aws import CUSTOMER_END
from tests.infra.bridge_messages import customer_end, interaction

PERSONAL = ("3175550", "john.doe", "example.com", "divorce")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=500)
names = st.sampled_from([*ENVELOPE, *BODY, "detail", "eventBody", "ani", "__prefect_kind"]) | st.text()
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
    """A Genesys event travels as the fields of the allow-list, where they were, and says nothing twice."""
    event = customer_end(7)
    body = event["detail"]["eventBody"]
    kept = ["eventTime", "conversationId", "participantId", "sessionId"]
    kept += ["disconnectType", "mediaType", "direction"]

    assert json.loads(slim(json.dumps(event)).text) == {
        **{name: event[name] for name in ("id", "source", "detail-type")},
        "detail": {"eventBody": {name: body[name] for name in kept}},
    }


times = st.none() | st.booleans() | st.integers() | st.floats() | st.datetimes().map(str) | st.just("soon")


topics = st.sampled_from(["", "v2.else", interaction(2)])
shapes = st.sampled_from([CUSTOMER_END, "v2.else", "conversation.end", "Conversation Update"])


@given(shapes, times, times, times, topics)
def test_what_is_dropped_said_nothing(
    shape: str, event_time: Any, timestamp: Any, time: Any, topic: str
) -> None:
    """The flow reads an event whose times and topic are odd as it reads the whole of it, whatever its kind."""
    event = customer_end(7) | {"time": time, "detail-type": shape}
    detail = event["detail"] | {"timestamp": timestamp}
    detail["eventBody"]["eventTime"] = event_time
    if shape != CUSTOMER_END:
        detail["conversationId"] = interaction(7)
    if topic:
        detail["topicName"] = topic

    travelled = slim(json.dumps(event | {"detail": detail})).text

    assert _known(parse(travelled)) == _known(parse(json.dumps(event | {"detail": detail})))
    assert (topic in travelled) or not topic


@pytest.mark.parametrize("id_", ["", "not an id", 7, None])
def test_events_of_no_usable_id_that_differ_in_what_is_dropped_stay_different(id_: Any) -> None:
    """What differs only in what does not travel is still told apart."""
    event = customer_end(7) | {"id": id_}
    assert slim(json.dumps(event | {"time": "a"})).text != slim(json.dumps(event | {"time": "b"})).text


near_ids = st.none() | st.text(max_size=5) | st.from_regex(r"\A[A-Za-z0-9._:#-]{1,130}\Z")


@given(near_ids)
@example("a" * 128)
@example("a" * 129)
def test_bridge_and_flow_agree_which_id_counts(id_: str | None) -> None:
    """An event is told from others by its own id, or by a hash that travels instead; never by neither."""
    travelled = slim(json.dumps(customer_end(7) | {"id": id_})).text

    (event,) = parse(travelled)
    assert isinstance(event, InteractionEvent)
    assert (event.event_id == id_) != ("sha256" in json.loads(travelled))


def _known(outcomes: list[InteractionEvent | Rejection]) -> list[Any]:
    """Return the outcomes, of a rejection without its text, which the bridge makes shorter."""
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
def test_the_tutorials_shapes_keep_theirs(detail: Any) -> None:
    """The flow reads the slim form of each shape as it reads the whole event."""
    kind = "conversation.end" if "conversationId" in detail else "Conversation Update"
    event = {"id": "e-1", "source": "gen.cloud.events", "detail-type": kind, "detail": detail}

    travelled = slim(json.dumps(event))

    read = parse(travelled.text)
    assert read == parse(json.dumps(event))
    assert all(isinstance(each, InteractionEvent) for each in read)
    assert travelled.interactions == tuple(each.interaction_id for each in read)
    assert not any(word in travelled.text for word in PERSONAL)


def test_a_replayed_event_says_so() -> None:
    """The name of an archive's replay travels."""
    assert '"replay-name":"r1"' in slim(json.dumps({**customer_end(1), "replay-name": "r1"})).text


@given(anything)
def test_any_json_travels_bounded_and_plain(value: Any) -> None:
    """Whatever JSON comes, printable ASCII of strict JSON goes, each string within the limit."""
    text = slim(json.dumps(value)).text

    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= MAX_TEXT
    assert max(map(len, strings(json.loads(text, parse_constant=pytest.fail))), default=0) <= LONGEST


@given(st.text(alphabet=st.characters(codec=None), max_size=2000))
def test_any_text_travels_bounded_and_plain(text: str) -> None:
    """Whatever text comes, surrogates and control characters included, slim answers the same way."""
    travelled = slim(text).text

    assert travelled.isascii()
    assert travelled.isprintable()
    assert max(map(len, strings(json.loads(travelled))), default=0) <= LONGEST


def test_two_different_bodies_that_are_no_objects_stay_different() -> None:
    """Masking does not make two rejected events look like one."""
    texts = [slim(body).text for body in ("1", "2", "[1]", "[2]", '"a@b.c"', '"d@b.c"', "x1", "x2")]

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
def test_free_text_travels_masked(body: str) -> None:
    """An address or a telephone number in a place of free text, or in place of an id, does not travel."""
    travelled = slim(body).text

    assert not any(word in travelled for word in PERSONAL)


def test_text_that_is_not_json_travels_as_its_fingerprint() -> None:
    """Text that is not JSON is told by hash, length and masked head, and the flow calls it not-json."""
    travelled = slim('{"id": 42, oops')

    told = json.loads(travelled.text)["unparsable"]
    assert told["length"] == 15
    assert told["head"] == '{"id": ##, oops'
    assert len(told["sha256"]) == 64
    assert [each.code for each in parse(travelled.text)] == ["not-json"]  # type: ignore[union-attr]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"detail":' * 100_000, "\x00", "\ud800", ""])
def test_a_body_that_breaks_parsers_travels_as_its_fingerprint(body: str) -> None:
    """Nesting and characters that make Python's parser give up are told by hash, length and head."""
    assert "unparsable" in json.loads(slim(body).text)


@pytest.mark.parametrize("digits", [41, 309, 400, 4_301, 100_000])
def test_a_number_of_any_length_costs_nothing(digits: int) -> None:
    """Python makes no float of 309 digits and no integer of 4,301: neither stops the bridge, anywhere in an event."""
    number = "9" * digits
    body = json.dumps(customer_end(1, size="DIGITS", eventTime="DIGITS")).replace('"DIGITS"', number)

    travelled = slim(body)

    assert travelled.interactions == (interaction(1),)
    assert json.loads(travelled.text)["detail"]["eventBody"]["eventTime"] == number[:LONGEST]
    assert isinstance(parse(travelled.text)[0], InteractionEvent)
    assert [each.code for each in parse(slim(number).text)] == ["not-an-object"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["Mallory Q. Person", "1555 0177 321", "caf\u00e9-1555", f" {interaction(1)}"]
)
def test_what_cannot_be_an_id_travels_as_its_shape(text: str) -> None:
    """A name or a number in place of an id does not travel, and is still refused for what it is."""
    travelled = slim(json.dumps(customer_end(1, conversationId=text, queueId=text))).text

    assert json.dumps(text)[1:-1] not in travelled
    (rejection,) = parse(travelled)
    assert isinstance(rejection, Rejection)
    assert f"is text of {len(text)} characters that is not a UUID" in rejection.reason
    (rejection,) = parse(slim(json.dumps(customer_end(1, queueId=text))).text)
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.interaction_id) == ("malformed-id", interaction(1))


def test_a_value_of_a_wrong_type_travels_as_it_is() -> None:
    """Validate sees what was there: short scalars unchanged, long text cut, a container's kind and hash alone."""
    wrong = {"conversationId": 42, "queueId": None, "mediaType": True, "direction": 1.5, "type": "x" * 999}
    event = {"detail": {**wrong, "sessionId": {"a": ["b"]}, "eventTime": 10**300}}

    detail = json.loads(slim(json.dumps(event)).text)["detail"]

    assert {name: detail[name] for name in wrong} == {**wrong, "type": "x" * LONGEST}
    assert list(detail["sessionId"]) == ["content"]
    assert detail["sessionId"]["content"].startswith("sha256 ")
    assert detail["eventTime"] == "1" + "0" * (LONGEST - 1)


@pytest.mark.parametrize("digits", [39, 40, 308, 309, 400, 4300])
@pytest.mark.parametrize("field", ["conversationId", "queueId", "eventTime", "type"])
def test_a_number_of_any_length_is_slimmed(field: str, digits: int) -> None:
    """Numbers that no float can hold are cut like any other: one such event must not stop its batch."""
    number = "9" * digits

    told = json.loads(slim('{"detail": {"%s": %s}}' % (field, number)).text)["detail"][field]  # noqa: UP031

    assert str(told) == number[:LONGEST]


def test_events_without_an_id_stay_different() -> None:
    """What holds nothing that travels, not even an id, is still told apart, and the same one stays the same."""
    bodies = ["{}", '{"a": 1}', '{"a": 2}', '{"id": null}', '{"id": 5}', '{"id": 5, "detail": {"a": 1}}']

    texts = [slim(body).text for body in bodies]

    assert len(set(texts)) == len(texts)
    assert texts == [slim(body).text for body in bodies]


def test_a_megabyte_in_one_field_costs_nothing() -> None:
    """What is not on the allow-list may be as large as it likes; the event is whole."""
    travelled = slim(json.dumps(customer_end(1, subject="x" * 1_000_000)))

    assert len(travelled.text) < 1000
    assert travelled.interactions == (interaction(1),)


def test_a_megabyte_without_an_at_sign_is_slimmed_at_once() -> None:
    """The search for addresses looks at no more than what could travel, so no field can stall the bridge."""
    travelled = slim(json.dumps(customer_end(1, conversationId="x" * 1_000_000)))

    assert len(travelled.text) < 2000


def test_an_event_that_stays_too_large_travels_as_its_ids() -> None:
    """A list of thousands of records is told by ids, size and hash, and the flow calls it oversize."""
    records = [{"detail": {"interactionId": interaction(n), "type": "update"}} for n in range(10_000)]
    body = json.dumps({"id": "e-1", "detail-type": "Conversation Update", "detail": records})

    travelled = slim(body)

    told = json.loads(travelled.text)
    assert told["oversize"] is True
    assert told["bytes"] == len(body)
    assert told["interactionIds"] == [interaction(n) for n in range(100)]
    assert [each.code for each in parse(travelled.text)] == ["oversize"]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["json", "workspace_variable", "jinja", "none", "unknown"])
def test_an_instruction_to_prefect_does_not_travel_as_an_object(kind: str) -> None:
    """`__prefect_kind` is not on the allow-list, wherever in the event it stands."""
    order = {"__prefect_kind": kind, "value": "{{ 7 * 7 }}", "template": "{{ 7 * 7 }}"}
    event = customer_end(1, **order)

    travelled = slim(json.dumps({**event, **order, "detail": {**event["detail"], **order}}))

    assert travelled == slim(json.dumps(event))
