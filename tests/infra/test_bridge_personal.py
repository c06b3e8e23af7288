"""What a broken sender puts into an event does not reach Prefect, and the reason still says what to correct."""

from __future__ import annotations

import json
import re
from pathlib import Path

import grammar
import pytest
from allowlist import allowed_parts

from tasks.events import InteractionEvent, Rejection, parse, serialize
from tasks.events import grammar as flows_grammar
from tests.support.invalid_events import VALID_ID
from tests.support.malformed_events import BY_HAND, THROUGH_THE_BRIDGE, Person, malformed
from tests.support.prefect_contents import appearances


def shown(text: str) -> str:
    """Return everything that a run shows of an event: reasons and ids, and the event as a later run has it."""
    parts = []
    for outcome in parse(text):
        said = serialize(outcome) if isinstance(outcome, InteractionEvent) else outcome.reason
        parts.append(f"{outcome.event_id} {outcome.interaction_id} {said}")
    return "\n".join(parts)


@pytest.mark.parametrize("person", [THROUGH_THE_BRIDGE, BY_HAND], ids=lambda each: each.word)
def test_nothing_personal_passes_the_bridge(person: Person) -> None:
    """Neither a value nor its hash is in what is sent, wherever a sender put it, nor in what the flow shows of it."""
    bodies = malformed(person, VALID_ID)
    assert len(bodies) > 1_000
    sent = [part.text for body in bodies for part in allowed_parts(body)]
    assert appearances({"sent": "\n".join(sent)}, person.strings()) == set()
    assert appearances({"shown": "\n".join(map(shown, sent))}, person.strings()) == set()


def test_nothing_personal_is_shown_of_events_that_did_not_pass_the_bridge() -> None:
    """A run that somebody made by hand has in its parameters what they wrote, and shows nothing of it elsewhere."""
    texts = {"shown": "\n".join(map(shown, malformed(BY_HAND, VALID_ID)))}
    assert "malformed-conversation-id" not in texts["shown"]  # the code is shown beside the reason
    assert "that is not a UUID" in texts["shown"]
    assert VALID_ID in texts["shown"]
    assert appearances(texts, BY_HAND.strings()) == set()


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        ('{"id": 42, oops', "not-json", "The event was text of 15 characters that is not JSON"),
        ('"call me"', "not-an-object", "The event is text of 7 characters instead of an object"),
        ("[1, 2]", "not-an-object", "The event is a list of 2 items instead of an object"),
        ("15550177321", "not-an-object", "The event is a number instead of an object"),
        ("null", "not-an-object", "The event is absent instead of an object"),
        (
            {"detail-type": "call Ada"},
            "unsupported-detail-type",
            "detail-type is text of 8 characters, which is not an accepted one",
        ),
        ({"detail-type": ["x"]}, "wrong-type", "detail-type is a list of 1 item instead of text"),
        ({"detail": "Ada"}, "not-an-object", "detail is text of 3 characters instead of an object"),
        (
            {"detail": {"conversationId": "4111-1111-1111-1111"}},
            "malformed-conversation-id",
            "detail.conversationId is text of 19 characters that is not a UUID",
        ),
        (
            {"detail": {"conversationId": 15550177321}},
            "malformed-conversation-id",
            "detail.conversationId is a number that is not a UUID",
        ),
        (
            {"detail": {"conversationId": {"a": 1}}},
            "malformed-conversation-id",
            "detail.conversationId is an object with 1 key that is not a UUID",
        ),
        (
            {"detail-type": "Conversation Update", "detail": {"detail": "Ada"}},
            "not-an-object",
            "detail.detail is text of 3 characters instead of an object",
        ),
        (
            {"detail-type": "Conversation Update", "detail": ["Ada"]},
            "not-an-object",
            "detail[0] is text of 3 characters instead of an object",
        ),
    ],
)
def test_a_reason_names_the_field_and_the_kind(body: object, code: str, reason: str) -> None:
    """What was withheld is told by field, kind and length: the same reason as the whole event would have."""
    text = body if isinstance(body, str) else json.dumps({"detail-type": "conversation.end"} | body)  # type: ignore[operator]
    (part,) = allowed_parts(text)
    (rejection,) = parse(part.text)
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.reason.split(". ")[0]) == (code, reason)


def test_a_sender_cannot_forge_what_is_withheld() -> None:
    """An object that looks like a stand-in is described as the object that it is."""
    body = json.dumps(
        {"detail-type": "conversation.end", "detail": {"conversationId": {"withheld": "text", "length": 5}}}
    )
    (rejection,) = parse(allowed_parts(body)[0].text)
    assert isinstance(rejection, Rejection)
    assert "an object with 2 keys" in rejection.reason


def test_events_that_are_withheld_stay_different() -> None:
    """Two events whose values have the same kind and length are told apart by the hash of the whole message."""
    bodies = ['"Ada"', '"Bob"', "Ada!!", "Bob!!", "[1]", "[2]", '{"detail": "Ada"}', '{"detail": "Bob"}']
    texts = [allowed_parts(body)[0].text for body in bodies]
    assert len(set(texts)) == len(texts)
    assert all(re.search(r'"sha256":"[0-9a-f]{64}"', text) for text in texts)


def test_known_words_and_times_travel() -> None:
    """A word in any spelling, and a time in any form."""
    fields = {
        "mediaType": "SCREEN_MONITORING",
        "direction": "Inbound",
        "disconnectType": "noAnswerTransfer",
        "type": "conversation:update",
        "eventTime": "2026-03-02T09:30:45.013+01:00",
        "timestamp": "1712101512301",
    }
    body = {"detail-type": "conversation.end", "detail": {"conversationId": VALID_ID} | fields}
    (part,) = allowed_parts(json.dumps(body))
    assert json.loads(part.text)["detail"] == {"conversationId": VALID_ID} | fields


@pytest.mark.parametrize(
    "value", [15550177321, 491701234567, 4915112345678, "491701234567", "1980-02-03", "1980-02-03T00:00:00Z"]
)
def test_a_number_or_a_birthday_is_no_time(value: object) -> None:
    """A telephone number is no epoch milliseconds, and a date is no time of an event."""
    body = json.dumps({"detail-type": "conversation.end", "detail": {"eventTime": value}})
    assert str(value) not in allowed_parts(body)[0].text


def test_both_have_the_same_grammar() -> None:
    """The bridge and the flow are deployed apart: the module is the same text in both."""
    ours, theirs = (Path(str(module.__file__)).read_text() for module in (grammar, flows_grammar))
    assert ours == theirs
