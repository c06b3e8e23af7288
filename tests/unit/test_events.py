"""Every accepted shape becomes the same kind of event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest

from tasks.events import InteractionEvent, Rejection, by_interaction, parse, to_text

Text = Callable[[str], str]
Event = Callable[[str], dict[str, Any]]

AT = datetime(2026, 3, 2, 9, 30, 45, 13000, tzinfo=UTC)


def only(text: str) -> InteractionEvent:
    """Return the one event of a text that must be accepted."""
    (event,) = parse(text)
    assert isinstance(event, InteractionEvent), event
    return event


def test_genesys_own_event(event_text: Text) -> None:
    """A partner event is read from its body: ids, time, and enumerations in the details API's spelling."""
    event = only(event_text("customer_end_voice"))
    assert asdict(event) == {
        "interaction_id": "c0000000-0000-4000-8000-000000000001",
        "event_id": "e0000000-0000-4000-8000-000000000001",
        "event_type": "customer.end",
        "event_time": AT,
        "source": "aws.partner/genesys.com/cloud/0c0ffee0-0000-4000-8000-0000000000aa/interactions",
        "detail_type": "v2.detail.events.conversation.{id}.customer.end",
        "participant_id": "a0000000-0000-4000-8000-000000000001",
        "session_id": "50000000-0000-4000-8000-000000000001",
        "queue_id": None,
        "media_type": "voice",
        "direction": "inbound",
        "disconnect_type": "endpoint",
        "replay_name": None,
    }


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("customer_end_chat", "customer.end"),
        ("customer_start_message", "customer.start"),
        ("acd_end", "acd.end"),
        ("user_end", "user.end"),
        ("attributes", "attributes"),
        ("customer_end_slim", "customer.end"),
        ("conversation_end", "conversation.end"),
        ("conversation_update", "conversation:update"),
        ("conversation_update_nested", "conversation:update"),
    ],
)
def test_accepted_kinds(event_text: Text, name: str, event_type: str) -> None:
    """Any topic about a conversation is accepted, and both simpler detail-types."""
    event = only(event_text(name))
    assert event.event_type == event_type
    assert event.interaction_id.startswith("c0000000-")


def test_queue_and_compound_enumerations(event_text: Text) -> None:
    """A topic with a queue keeps it, and CONFERENCE_TRANSFER is conferenceTransfer."""
    assert only(event_text("acd_end")).queue_id == "90000000-0000-4000-8000-000000000001"
    assert only(event_text("user_end")).disconnect_type == "conferenceTransfer"


def test_flat_event(event_text: Text) -> None:
    """The flat form has its fields in the detail itself, and no time of its own."""
    event = only(event_text("conversation_end"))
    assert (event.queue_id, event.media_type, event.event_time) == (
        "90000000-0000-4000-8000-000000000001",
        "voice",
        None,
    )


def test_unknown_things_are_tolerated(event_text: Text) -> None:
    """Fields and enumeration values that nobody knows yet never cost the event."""
    event = only(event_text("customer_end_of_the_future"))
    assert (event.media_type, event.direction, event.disconnect_type) == (
        "hologram",
        "sideways",
        "quantumTunnel",
    )


def test_text_times_and_replays(event_text: Text) -> None:
    """An ISO time with an offset is the same instant in UTC; a replay is known by its name."""
    event = only(event_text("customer_end_replayed"))
    assert event.event_time == AT
    assert event.event_time.utcoffset() == timedelta(0)
    assert event.replay_name == "after-the-outage"


def test_slim_and_whole_say_the_same(event: Event) -> None:
    """What the bridge leaves out changes nothing."""
    whole = event("customer_end_voice")
    slim = {name: whole[name] for name in ("id", "source", "detail-type", "time", "region")}
    kept = (
        "eventTime",
        "conversationId",
        "participantId",
        "sessionId",
        "mediaType",
        "direction",
        "disconnectType",
    )
    body = {name: whole["detail"]["eventBody"][name] for name in kept}
    slim["detail"] = {"topicName": whole["detail"]["topicName"], "eventBody": body}
    assert parse(json.dumps(slim)) == parse(json.dumps(whole))


def test_list_of_records(event_text: Text) -> None:
    """A list gives one outcome per record, in order, each with an id of its own; a bad one costs no other."""
    outcomes = parse(event_text("conversation_update_list"))
    assert [outcome.event_id for outcome in outcomes] == [
        f"e0000000-0000-4000-8000-000000000023#{index}" for index in range(4)
    ]
    assert [type(outcome) for outcome in outcomes] == [
        InteractionEvent,
        InteractionEvent,
        Rejection,
        InteractionEvent,
    ]


def test_bad_record_travels_alone(event_text: Text) -> None:
    """A refused record is kept as an event of its own, which parses to the same refusal under the same id."""
    bad = parse(event_text("conversation_update_list"))[2]
    assert isinstance(bad, Rejection)
    assert "conversation:update" in bad.text
    assert "c0000000" not in bad.text
    (again,) = parse(bad.text)
    assert isinstance(again, Rejection)
    assert (again.code, again.event_id, again.text) == (bad.code, bad.event_id, bad.text)


def test_ten_thousand_records(event: Event) -> None:
    """A list of ten thousand records, every other one bad, is read within a second, and stays small."""
    update = event("conversation_update_list")
    update["detail"] = [update["detail"][0], {"detail": {"interactionId": 5}}] * 5000
    text = json.dumps(update)
    started = process_time()  # of the processor: a busy machine is no slow parser
    outcomes = parse(text)
    assert process_time() - started < 1
    assert len(outcomes) == 10_000
    assert sum(len(outcome.text) for outcome in outcomes if isinstance(outcome, Rejection)) < 2 * len(text)


def test_body_wins_over_topic(event: Event) -> None:
    """Where the topic names another conversation than the body, the body is right."""
    told = event("customer_end_voice")
    told["detail"]["topicName"] = (
        "v2.detail.events.conversation.c0000000-0000-4000-8000-999999999999.customer.end"
    )
    assert only(json.dumps(told)).interaction_id == "c0000000-0000-4000-8000-000000000001"


def test_ids_are_lower_case(event: Event) -> None:
    """One interaction has one spelling, whatever the sender's."""
    told = event("conversation_end")
    told["detail"]["conversationId"] = "ABCDEF00-0000-4000-8000-00000000ABCD"
    assert only(json.dumps(told)).interaction_id == "abcdef00-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize("identity", [None, "", "<b>7</b>", "a b", "x" * 129, "\ud800", "1\n2"])
def test_event_without_a_usable_id(event: Event, identity: str | None) -> None:
    """An id is derived from the text: the same for the same text, another for another."""
    told = event("conversation_end") | {"id": identity}
    first, second = json.dumps(told), json.dumps(told | {"region": "eu-west-1"})
    assert only(first).event_id == only(first).event_id != only(second).event_id
    assert len(only(first).event_id) == 64


def test_derived_ids_of_records(event: Event) -> None:
    """Records of a list without an id still have an id each."""
    told = event("conversation_update_list")
    del told["id"]
    ids = {outcome.event_id for outcome in parse(json.dumps(told))}
    assert len(ids) == 4
    assert None not in ids


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", "2026-13-45", 10**30, -(10**30), float("nan"), "\0"]
)
def test_unreadable_time(event: Event, value: object) -> None:
    """A time that says nothing costs the time, not the event; the time of publication stands in for it."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"]["eventTime"] = value
    assert only(json.dumps(told)).event_time == datetime(2026, 3, 2, 9, 30, 45, 313000, tzinfo=UTC)
    del told["detail"]["timestamp"]
    assert only(json.dumps(told)).event_time is None


def test_null_and_empty_are_absent(event: Event) -> None:
    """A null or empty optional field is the same as none."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"] |= {"queueId": None, "sessionId": "", "mediaType": "", "direction": None}
    read = only(json.dumps(told))
    assert (read.queue_id, read.session_id, read.media_type, read.direction) == (None, None, None, None)


@pytest.mark.parametrize("value", ["<b>", "a@b", "\ud800", "1", "A\n", "X" * 65, '{"a": 1}'])
def test_enumerations_that_are_no_words(event: Event, value: str) -> None:
    """What cannot be a value of an enumeration is left out; it does not cost the event."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"]["mediaType"] = value
    assert only(json.dumps(told)).media_type is None


@pytest.mark.parametrize("value", ["a\nb", "\0", "\ud800", "x" * 257])
def test_unprintable_labels(event: Event, value: str) -> None:
    """A source, a type or a replay name that would break a log line is left out."""
    told = event("conversation_update") | {"source": value, "replay-name": value}
    told["detail"]["type"] = value
    read = only(json.dumps(told))
    assert (read.source, read.replay_name, read.event_type) == ("", None, "Conversation Update")


def test_source_is_not_judged(event: Event) -> None:
    """Any source counts, or none: which sources pass is the rule's decision."""
    told = event("conversation_end")
    assert only(json.dumps(told | {"source": "somebody.else"})).source == "somebody.else"
    del told["source"]
    assert not only(json.dumps(told)).source


def test_events_do_not_change(event_text: Text) -> None:
    """An event is a fact: nothing can be assigned to it."""
    read = only(event_text("conversation_end"))
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        read.interaction_id = "another"


@pytest.mark.parametrize("time", ["2026-03-02T09:30:45.0139999Z", 1772443845013.9])
def test_times_are_cut_to_the_millisecond(event: Event, time: str | float) -> None:
    """A time is as fine as Genesys's own are, so that it can be written and read again."""
    told = event("customer_end_voice")
    told["detail"]["eventBody"]["eventTime"] = time
    assert only(json.dumps(told)).event_time == AT


@pytest.mark.parametrize(
    "name", ["acd_end", "customer_end_replayed", "conversation_end", "conversation_update"]
)
def test_events_travel(event_text: Text, name: str) -> None:
    """An event written as text again, for a later run, is ASCII and reads as the same event."""
    event = only(event_text(name))
    assert to_text(event).isascii()
    assert parse(to_text(event)) == [event]


def test_grouping(event_text: Text) -> None:
    """Events are grouped by interaction, interactions and events in the order of their coming."""
    first, second = only(event_text("acd_end")), only(event_text("user_end"))
    assert by_interaction([second, first, second]) == {
        second.interaction_id: [second, second],
        first.interaction_id: [first],
    }
    assert list(by_interaction([second, first])) == [second.interaction_id, first.interaction_id]
