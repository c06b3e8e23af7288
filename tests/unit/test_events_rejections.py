"""Rejected events, and the reasons that a person reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.events import IgnoredEvent, InteractionEvent, Rejection, parse, serialize

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
    """Return the one rejection of a text that must be rejected."""
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
        ("wrong_type", "wrong-type", "detail-type is a number instead of text"),
        ("body_is_text", "not-an-object", "detail.eventBody is text of 12 characters instead of an object"),
        ("detail_type", "unsupported-detail-type", "detail-type is text of 20 characters, which is not"),
        ("unparsable", "not-json", "text of 1234 characters that is not JSON"),
        ("oversize", "oversize", "of 900000 bytes was too large"),
    ],
)
def test_reasons(event_text: Text, name: str, code: str, words: str) -> None:
    """A reason names the field, the kind of value in it, and the next step, never the value."""
    text = event_text(f"rejected_{name}")
    rejection = only(text)
    assert rejection.code == code
    assert words in rejection.reason
    assert rejection.reason.count(". ") >= 1
    assert "+1555" not in repr(rejection)
    assert rejection.text == text


def test_ids_of_the_rejected(event_text: Text) -> None:
    """A rejected event keeps its id, and its interaction's if that is valid."""
    assert only(event_text("rejected_without_conversation_id")).interaction_id is None
    rejection = only(event_text("rejected_oversize"))
    assert rejection.interaction_id is not None
    assert rejection.interaction_id.startswith("c0000000-")
    assert rejection.event_id is not None
    assert rejection.event_id.startswith("e0000000-")


def test_oversize_places(event_text: Text) -> None:
    """The id of an event that was too large is found wherever it was; of many ids none is taken."""
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
    sent = event(name)
    body = sent["detail"].get("eventBody", sent["detail"])
    field = "conversationId" if "conversationId" in body else "interactionId"
    body[field] = value
    rejection = only(json.dumps(sent))
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
    """An id that is no text is malformed, and the reason names its kind."""
    sent = event("conversation_end")
    sent["detail"]["conversationId"] = value
    rejection = only(json.dumps(sent))
    assert rejection.code == "malformed-conversation-id"
    assert f"detail.conversationId is {words}" in rejection.reason


@pytest.mark.parametrize("value", [5, True, [], ["conversation.end"], {}])
def test_a_detail_type_of_a_wrong_type(event: Event, value: object) -> None:
    """The one field of the envelope that decides something rejects the event, and is named."""
    rejection = only(json.dumps(event("conversation_end") | {"detail-type": value}))
    assert rejection.code == "wrong-type"
    assert rejection.reason.startswith("detail-type is ")


@pytest.mark.parametrize("detail", [None, 5, "text", True, [], [{}]])
@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end"])
def test_detail_that_is_no_object(event: Event, name: str, detail: object) -> None:
    """Only a Conversation Update may be a list; nothing else but an object is a detail."""
    rejection = only(json.dumps(event(name) | {"detail": detail}))
    assert (rejection.code, rejection.reason.startswith("detail is ")) == ("not-an-object", True)


def test_empty_list(event: Event) -> None:
    """A list without records is rejected: without a result it would have no outcome."""
    assert only(json.dumps(event("conversation_update") | {"detail": []})).code == "empty-list"


@pytest.mark.parametrize("record", [None, 5, "text", [], [{}], {"detail": 5}, {"detail": []}, {}])
def test_bad_records(event: Event, record: object) -> None:
    """A record that is no object is rejected by its position in the list; its neighbours are accepted."""
    good = {"interactionId": ID}
    outcomes = parse(json.dumps(event("conversation_update") | {"detail": [good, record, good]}))
    assert [type(outcome) for outcome in outcomes] == [InteractionEvent, Rejection, InteractionEvent]
    assert isinstance(outcomes[1], Rejection)
    assert outcomes[1].reason.startswith("detail[1]")


@pytest.mark.parametrize(
    "detail_type",
    [None, "", "conversation.END", "conversation.end ", "v2.detail.events.conversation.{id}.", "x" * 999],
)
def test_other_detail_types(event: Event, detail_type: str | None) -> None:
    """A detail-type is accepted exactly as it is documented, in no other spelling."""
    rejection = only(json.dumps(event("conversation_end") | {"detail-type": detail_type}))
    assert rejection.code == "unsupported-detail-type"


def test_a_detail_type_is_not_repeated(event: Event) -> None:
    """A reason shows no detail-type that is rejected: it may be personal data."""
    for text in ("Ada 5550100001", "v2.users.+15550100001", "v2.15550100001"):
        assert text not in only(json.dumps(event("conversation_end") | {"detail-type": text})).reason


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
    """Any text is rejected with a reason, and can be stored as UTF-8."""
    rejection = only(text)
    assert rejection.code == code
    assert rejection.text.encode("utf-8") is not None


@pytest.mark.parametrize("value", [b"{}", None, 5, ["{}"]])
def test_what_is_no_text_is_rejected(value: Any) -> None:
    """A value that is no text is rejected; it raises nothing."""
    assert isinstance(only(value), Rejection)


def test_huge_numbers_in_unknown_fields(event_text: Text) -> None:
    """A number of thousands of digits in an unknown field is ignored."""
    text = event_text("conversation_end").replace('"voice"', '"voice", "unknown": ' + "9" * 5000)
    assert isinstance(parse(text)[0], InteractionEvent)


def test_last_of_double_keys_counts(event_text: Text) -> None:
    """Of a key that occurs twice the last counts."""
    text = event_text("conversation_end").replace(
        '"conversationId"', '"conversationId": "no", "conversationId"'
    )
    assert isinstance(parse(text)[0], InteractionEvent)


def test_depth_at_the_edge(event: Event) -> None:
    """A record that can be read, but is too deep to be written again, is rejected without affecting its neighbour.

    Python's versions read to different depths, all of them bounded: the test finds this one's.
    """
    text = json.dumps(event("conversation_update") | {"detail": [{"interactionId": ID}, "DEEP"]})

    def nested(depth: int) -> str:
        return text.replace('"DEEP"', '{"detail":' + "[" * depth + "]" * depth + "}")

    low, edge = 500, MAX_DEPTH
    while low < edge:
        middle = (low + edge) // 2
        low, edge = (middle + 1, edge) if readable(nested(middle)) else (low, middle)
    assert 500 < edge < MAX_DEPTH
    for depth in range(edge - 100, edge + 100):
        outcomes = [type(outcome) for outcome in parse(nested(depth))]
        assert outcomes == ([InteractionEvent, Rejection] if depth < edge else [Rejection])


MAX_DEPTH = 100_000  # of what may be in an event's 256 KB, and deeper than any Python reads


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
    """Any JSON, bare or as a detail, has a result with a UUID or no interaction id, and with printable texts."""
    for text in (json.dumps(document), json.dumps({"detail-type": detail_type, "detail": document})):
        outcomes = parse(text)
        assert outcomes
        for outcome in outcomes:
            assert outcome.interaction_id in {None, ID}
            assert not isinstance(outcome, IgnoredEvent) or outcome.reason.isprintable()
            if isinstance(outcome, InteractionEvent):
                assert all(str(value).isprintable() for value in asdict(outcome).values())
                assert parse(serialize(outcome)) == [outcome]
            elif isinstance(outcome, Rejection):
                assert f"{outcome.reason}{outcome.event_id}".isprintable()
                assert outcome.text.encode("utf-8") is not None


@given(text=st.text())
def test_any_text(text: str) -> None:
    """Any text has a result."""
    assert parse(text)
