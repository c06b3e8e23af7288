"""What is refused, and what the person who looks at it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.events import InteractionEvent, Rejection, parse, to_text

Text = Callable[[str], str]
Event = Callable[[str], dict[str, Any]]

ID = "c0000000-0000-4000-8000-000000000001"
LOOK_ALIKES = [
    "",
    "not-a-uuid",
    f" {ID}",
    f"{ID}\n",
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
    ID.replace("-", ""),
    ID.replace("-", "\u2010"),
    ID.replace("0", "\uff10", 1),
    ID.replace("0", "\u0660", 1),
    ID.replace("c", "\u0441", 1),
    ID.replace("0", "g", 1),
    ID + "0",
    ID[:-1],
    f"{ID}/../../oauth/clients",
    f"{ID}\0",
    f"{ID},{ID}",
    "\ud800" * 36,
]


def only(text: str) -> Rejection:
    """Return the one rejection of a text that must be refused."""
    (rejection,) = parse(text)
    assert isinstance(rejection, Rejection), rejection
    return rejection


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("without_conversation_id", "missing-conversation-id", "detail.eventBody.conversationId is absent"),
        (
            "malformed_conversation_id",
            "malformed-conversation-id",
            "is text of 12 characters that is not a UUID",
        ),
        ("wrong_type", "wrong-type", "detail.eventBody.queueId is a number instead of text"),
        ("body_is_text", "not-an-object", "detail.eventBody is text of 12 characters instead of an object"),
        ("detail_type", "unsupported-detail-type", "v2.audits.entitytype.{id}.entityid.{id}"),
        ("unparsable", "not-json", "text of 1234 characters that is not JSON"),
        ("oversize", "oversize", "of 900000 bytes was too large"),
    ],
)
def test_reasons(event_text: Text, name: str, code: str, words: str) -> None:
    """A reason names the field, what kind of thing was in it, and the next step, but never the thing."""
    text = event_text(f"rejected_{name}")
    rejection = only(text)
    assert rejection.code == code
    assert words in rejection.reason
    assert rejection.reason.count(". ") >= 1
    assert "+1555" not in repr(rejection)
    assert rejection.text == text


def test_ids_of_the_refused(event_text: Text) -> None:
    """A refused event keeps its id, and its interaction's when it named one properly."""
    assert only(event_text("rejected_without_conversation_id")).interaction_id is None
    for name in ("wrong_type", "oversize"):
        rejection = only(event_text(f"rejected_{name}"))
        assert rejection.interaction_id is not None
        assert rejection.interaction_id.startswith("c0000000-")
        assert rejection.event_id is not None
        assert rejection.event_id.startswith("e0000000-")


def test_oversize_places(event_text: Text) -> None:
    """The id of an event that was too large is found wherever it stood; of many ids none is chosen."""
    stand_in = json.loads(event_text("rejected_oversize"))
    (known,) = stand_in.pop("interactionIds")
    for place in (
        {"conversationId": known},
        {"detail": {"interactionId": known}},
        {"detail": {"eventBody": {"conversationId": known}}},
        {"detail": {"detail": {"interactionId": known}}},
    ):
        assert only(json.dumps(stand_in | place)).interaction_id == known
    assert only(json.dumps(stand_in | {"interactionIds": [known, ID]})).interaction_id is None
    assert only(json.dumps(stand_in)).interaction_id is None


@pytest.mark.parametrize("value", LOOK_ALIKES)
@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end", "conversation_update"])
def test_look_alikes(event: Event, name: str, value: str) -> None:
    """Only the 36 ASCII characters of a UUID are an id: nothing else can reach a URL, a key or a page."""
    told = event(name)
    body = told["detail"].get("eventBody", told["detail"])
    field = "conversationId" if "conversationId" in body else "interactionId"
    body[field] = value
    rejection = only(json.dumps(told))
    assert rejection.code == "malformed-conversation-id"
    assert field in rejection.reason
    assert not value or value not in rejection.reason


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "a number"),
        (True, "true or false"),
        ([], "a list of 0 items"),
        ({"a": 1}, "an object with 1 key"),
    ],
)
def test_conversation_id_of_a_wrong_kind(event: Event, value: object, words: str) -> None:
    """An id that is no text is malformed, and the reason says what it was."""
    told = event("conversation_end")
    told["detail"]["conversationId"] = value
    rejection = only(json.dumps(told))
    assert rejection.code == "malformed-conversation-id"
    assert f"detail.conversationId is {words}" in rejection.reason


@pytest.mark.parametrize("value", [5, 1.5, True, [], {}, ["VOICE"]])
@pytest.mark.parametrize(
    "field", ["participantId", "sessionId", "queueId", "mediaType", "direction", "disconnectType"]
)
def test_fields_of_a_wrong_type(event: Event, field: str, value: object) -> None:
    """A known field of a wrong type is refused by its path, with the interaction's id kept."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"][field] = value
    rejection = only(json.dumps(told))
    assert (rejection.code, rejection.interaction_id) == ("wrong-type", ID)
    assert f"detail.eventBody.{field} is " in rejection.reason


@pytest.mark.parametrize("value", [True, {}, [1]])
def test_times_of_a_wrong_kind(event: Event, value: object) -> None:
    """A time that cannot be one at all is refused, at either of its two places."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"]["eventTime"] = value
    assert "detail.eventBody.eventTime is " in only(json.dumps(told)).reason
    del told["detail"]["eventBody"]["eventTime"]
    told["detail"]["timestamp"] = value
    assert "detail.timestamp is " in only(json.dumps(told)).reason


@pytest.mark.parametrize("field", ["id", "source", "detail-type", "replay-name"])
def test_envelope_of_a_wrong_type(event: Event, field: str) -> None:
    """The envelope is judged first, by the same rule."""
    rejection = only(json.dumps(event("conversation_end") | {field: 5}))
    assert rejection.code == "wrong-type"
    assert rejection.reason.startswith(f"{field} is a number instead of text")


@pytest.mark.parametrize(
    "value",
    [
        "![x](https://example.com/p.png)",
        "<script>alert(1)</script>",
        "../../x",
        "a b",
        "x" * 129,
        "q\0",
        "\ud800",
        '{"a":1}',
    ],
)
def test_ids_that_are_no_ids(event: Event, value: str) -> None:
    """Other ids are not always UUIDs, but markup, paths, blanks and control characters are in none."""
    told = event("acd_end")
    told["detail"]["eventBody"]["queueId"] = value
    rejection = only(json.dumps(told))
    assert (rejection.code, value in rejection.reason) == ("malformed-id", False)


@pytest.mark.parametrize("detail", [None, 5, "text", True, [], [{}]])
@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end"])
def test_detail_that_is_no_object(event: Event, name: str, detail: object) -> None:
    """Only a Conversation Update may be a list; nothing else but an object is a detail."""
    rejection = only(json.dumps(event(name) | {"detail": detail}))
    assert (rejection.code, rejection.reason.startswith("detail is ")) == ("not-an-object", True)


def test_empty_list(event: Event) -> None:
    """A list without records is refused: it would otherwise vanish without an outcome."""
    assert only(json.dumps(event("conversation_update") | {"detail": []})).code == "empty-list"


@pytest.mark.parametrize("record", [None, 5, "text", [], [{}], {"detail": 5}, {"detail": []}, {}])
def test_bad_records(event: Event, record: object) -> None:
    """A record that is none is refused by its place in the list, and its neighbours are accepted."""
    good = {"interactionId": ID}
    outcomes = parse(json.dumps(event("conversation_update") | {"detail": [good, record, good]}))
    assert [type(outcome) for outcome in outcomes] == [InteractionEvent, Rejection, InteractionEvent]
    assert isinstance(outcomes[1], Rejection)
    assert outcomes[1].reason.startswith("detail[1]")


@pytest.mark.parametrize(
    "detail_type",
    [None, "", "conversation.END", "conversation.end ", "v2.detail.events.conversation.{id}.", "x" * 999],
)
def test_detail_types_that_do_not_count(event: Event, detail_type: str | None) -> None:
    """A detail-type counts exactly, or not at all."""
    rejection = only(json.dumps(event("conversation_end") | {"detail-type": detail_type}))
    assert rejection.code == "unsupported-detail-type"


def test_free_text_detail_type_is_not_repeated(event: Event) -> None:
    """A topic may be shown; a detail-type that is no topic may be anything and is not."""
    assert "Ada" not in only(json.dumps(event("conversation_end") | {"detail-type": "Ada 5550100001"})).reason


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-json"),
        ("hello", "not-json"),
        ("{", "not-json"),
        ("\ufeff{}", "not-json"),
        ("\0", "not-json"),
        ("\ud800", "not-json"),
        ("[" * 100_000, "too-deep"),
        ('{"a":' * 100_000, "too-deep"),
        ("null", "not-an-object"),
        ("5", "not-an-object"),
        ("9" * 5000, "not-an-object"),
        ("[]", "not-an-object"),
        ('"\\ud800"', "not-an-object"),
        ("{}", "unsupported-detail-type"),
    ],
)
def test_texts_that_are_no_event(text: str, code: str) -> None:
    """Whatever the text is, it is refused with a reason, and can be stored as UTF-8."""
    rejection = only(text)
    assert rejection.code == code
    assert rejection.text.encode("utf-8") is not None


@pytest.mark.parametrize("value", [b"{}", None, 5, ["{}"]])
def test_callers_that_break_the_rules(value: Any) -> None:
    """Even what is not text is only refused."""
    assert isinstance(only(value), Rejection)


def test_huge_numbers_are_no_reason(event_text: Text) -> None:
    """A number of thousands of digits in a field that nobody reads changes nothing."""
    text = event_text("conversation_end").replace('"voice"', '"voice", "unknown": ' + "9" * 5000)
    assert isinstance(parse(text)[0], InteractionEvent)


def test_last_of_double_keys_counts(event_text: Text) -> None:
    """Of a key that occurs twice the last counts."""
    text = event_text("conversation_end").replace(
        '"conversationId"', '"conversationId": "no", "conversationId"'
    )
    assert isinstance(parse(text)[0], InteractionEvent)


def test_depth_at_the_edge(event: Event) -> None:
    """A record that can just be read, but is too deep to be written again, does not cost its neighbour."""
    text = json.dumps(event("conversation_update") | {"detail": [{"interactionId": ID}, "DEEP"]})
    read = 0
    for depth in range(800, 1001):
        deep = text.replace('"DEEP"', '{"detail":' + "[" * depth + "]" * depth + "}")
        outcomes = parse(deep)
        if readable(deep):
            read += 1
            assert [type(outcome) for outcome in outcomes] == [InteractionEvent, Rejection]
        else:
            assert [type(outcome) for outcome in outcomes] == [Rejection]
    assert 0 < read < 201


def readable(text: str, frames: int = 1) -> bool:
    """Return whether the text can be read at the depth of calls at which the parser reads it."""
    if frames < 3:
        return readable(text, frames + 1)
    try:
        json.loads(text)
    except RecursionError:
        return False
    return True


NAMES = [
    *("id", "source", "detail-type", "replay-name", "detail", "eventBody", "conversationId", "interactionId"),
    *("eventTime", "timestamp", "type", "queueId", "mediaType"),
    *("oversize", "unparsable", "interactionIds", "__prefect_kind"),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([ID, *LOOK_ALIKES, "Conversation Update", "conversation.end"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(
    document=JSON,
    detail_type=st.sampled_from(
        ["conversation.end", "Conversation Update", "v2.detail.events.conversation.{id}.x"]
    ),
)
def test_any_json(document: Any, detail_type: str) -> None:
    """Any JSON, bare or as a detail, has an outcome, an id that is a UUID or none, and safe texts."""
    for text in (json.dumps(document), json.dumps({"detail-type": detail_type, "detail": document})):
        outcomes = parse(text)
        assert outcomes
        for outcome in outcomes:
            assert outcome.interaction_id in {None, ID}
            if isinstance(outcome, InteractionEvent):
                assert all(str(value).isprintable() for value in asdict(outcome).values())
                assert parse(to_text(outcome)) == [outcome]
            else:
                assert f"{outcome.reason}{outcome.event_id}".isprintable()
                assert outcome.text.encode("utf-8") is not None


@given(text=st.text())
def test_any_text(text: str) -> None:
    """Any text has an outcome."""
    assert parse(text)
