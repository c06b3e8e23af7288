"""Every accepted shape of an event becomes an InteractionEvent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import pytest

from tasks.events import IgnoredEvent, InteractionEvent, Rejection, by_interaction, parse, serialize
from tasks.pipeline.work import InteractionWork

Text = Callable[[str], str]
Event = Callable[[str], dict[str, Any]]

ID = "c0000000-0000-4000-8000-000000000001"
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


def test_an_event_that_was_transformed_on_its_way(event_text: Text) -> None:
    """A concrete id in the detail-type and a time as text of digits are the same event as a template and a number."""
    assert only(event_text("customer_end_transformed")) == only(event_text("customer_end_voice"))


TOPICS = [
    "v2.audits.entitytype.{id}.entityid.{id}",
    "v2.conversations.{id}.transcription",
    "v2.detail.events.agent.{id}.state",
    "v2.users.{id}.presence",
    "v2.quality.evaluations",
    "v2.analytics.queues.{id}.observations",
    "v2.analytics.conversations.details.jobs.availability",
    "v2.operational.events.aha-dashboard",
    f"v2.users.{ID.upper()}.routingStatus",
]


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_that_tell_of_no_details_are_ignored(event: Event, topic: str) -> None:
    """They are neither an event of an interaction nor rejected, whatever is in them, too large an event included."""
    for change in ({}, {"detail": None}, {"oversize": True, "bytes": 250_000}):
        (ignored,) = parse(json.dumps(event("ignored_audit") | {"detail-type": topic} | change))
        assert isinstance(ignored, IgnoredEvent)
        assert ignored.interaction_id is None
        assert topic in ignored.reason


@pytest.mark.parametrize(
    "value", [5, 1.5, True, [], {}, ["VOICE"], "<b>", "a  b", "../../x", "q\0", "\ud800", {"a": 1}]
)
@pytest.mark.parametrize(
    "field",
    ["participantId", "sessionId", "queueId", "mediaType", "direction", "disconnectType", "eventTime"],
)
def test_a_strange_value_in_a_field_that_decides_nothing_is_left_out(
    event: Event, field: str, value: object
) -> None:
    """The event is the same as without that field."""
    sent = event("acd_end")
    del sent["detail"]["timestamp"]
    body = sent["detail"]["eventBody"]
    without = only(
        json.dumps(sent | {"detail": {"eventBody": {k: v for k, v in body.items() if k != field}}})
    )
    found = only(json.dumps(sent | {"detail": {"eventBody": body | {field: value}}}))
    if field == "eventTime" and isinstance(value, int | float) and not isinstance(value, bool):
        without = replace(without, event_time=found.event_time)
    assert found == without


@pytest.mark.parametrize("field", ["id", "source", "replay-name"])
def test_a_strange_value_in_the_envelope_is_left_out(event: Event, field: str) -> None:
    """An event without a usable id gets one from its text."""
    found = only(json.dumps(event("conversation_end") | {field: [5]}))
    assert found.interaction_id.startswith("c0000000-")
    assert "5" not in found.source


OURS, THEIRS = "0c0ffee0-0000-4000-8000-0000000000aa", "0c0ffee0-0000-4000-8000-0000000000bb"


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        (f"aws.partner/genesys.com/cloud/{OURS}/interactions", False),
        (f"aws.partner/genesys.com/cloud/{OURS.upper()}/interactions", False),
        (f"aws.partner/genesys.com/cloud/{THEIRS}/interactions", True),
        (f"aws.partner/genesys.com.test/cloud/{THEIRS}/{OURS}", True),
        ("gen.cloud.events", False),
        ("com.genesyscloud.platform", False),
        (5, False),
    ],
)
@pytest.mark.parametrize("name", ["customer_end_voice", "conversation_end", "conversation_update_list"])
def test_an_event_of_another_organisation(event: Event, name: str, source: object, *, foreign: bool) -> None:
    """It is rejected when the worker's organisation is known; a source that names none is anybody's."""
    text = json.dumps(event(name) | {"source": source})
    outcomes = parse(text, OURS)
    assert ("foreign-organisation" in {getattr(each, "code", "") for each in outcomes}) == foreign
    assert len(outcomes) == 1 or not foreign
    assert "foreign-organisation" not in {getattr(each, "code", "") for each in parse(text)}
    if foreign and name != "conversation_update_list":
        assert str(outcomes[0].interaction_id).startswith("c0000000-")


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


def test_unknown_fields_and_words_are_left_out(event_text: Text) -> None:
    """Unknown fields are ignored, and so are words that no enumeration is known to have: they may be a name."""
    event = only(event_text("customer_end_of_the_future"))
    assert (event.media_type, event.direction, event.disconnect_type) == (None, None, None)


def test_text_times_and_replays(event_text: Text) -> None:
    """An ISO time with an offset is the same instant in UTC; a replay has its name."""
    event = only(event_text("customer_end_replayed"))
    assert event.event_time == AT
    assert event.event_time.utcoffset() == timedelta(0)
    assert event.replay_name == "interactions-Rule-1A2B3C-20260303T070000000001"


def test_an_event_reduced_by_the_bridge_parses_the_same(event: Event) -> None:
    """The fields that the bridge leaves out do not change the event."""
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
    """A list gives one result per record, in order, each with its own id; a rejected one affects no other."""
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


def test_a_rejected_record_is_kept_alone(event_text: Text) -> None:
    """A rejected record is kept as an event with that record alone, which is rejected the same under the same id."""
    bad = parse(event_text("conversation_update_list"))[2]
    assert isinstance(bad, Rejection)
    assert "conversation:update" in bad.text
    assert "c0000000" not in bad.text
    (again,) = parse(bad.text)
    assert isinstance(again, Rejection)
    assert (again.code, again.event_id, again.text) == (bad.code, bad.event_id, bad.text)


def test_ten_thousand_records(event: Event) -> None:
    """Ten thousand records, half of them bad, take less than a second of CPU, and the rejections stay small."""
    update = event("conversation_update_list")
    update["detail"] = [update["detail"][0], {"detail": {"interactionId": 5}}] * 5000
    text = json.dumps(update)
    started = process_time()  # of the processor: a busy machine is no slow parser
    outcomes = parse(text)
    assert process_time() - started < 1
    assert len(outcomes) == 10_000
    assert sum(len(outcome.text) for outcome in outcomes if isinstance(outcome, Rejection)) < 2 * len(text)


def test_body_wins_over_topic(event: Event) -> None:
    """Where the topic names another conversation than the body, the body's counts."""
    sent = event("customer_end_voice")
    sent["detail"]["topicName"] = (
        "v2.detail.events.conversation.c0000000-0000-4000-8000-999999999999.customer.end"
    )
    assert only(json.dumps(sent)).interaction_id == "c0000000-0000-4000-8000-000000000001"


def test_ids_are_lower_case(event: Event) -> None:
    """An interaction's id is in lower case, however the sender writes it."""
    sent = event("conversation_end")
    sent["detail"]["conversationId"] = "ABCDEF00-0000-4000-8000-00000000ABCD"
    assert only(json.dumps(sent)).interaction_id == "abcdef00-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize("identity", [None, "", "<b>7</b>", "a b", "x" * 129, "\ud800", "1\n2"])
def test_event_without_a_usable_id(event: Event, identity: str | None) -> None:
    """An event without a usable id has one derived from its text: the same text has the same id."""
    sent = event("conversation_end") | {"id": identity}
    first, second = json.dumps(sent), json.dumps(sent | {"region": "eu-west-1"})
    assert only(first).event_id == only(first).event_id != only(second).event_id
    assert len(only(first).event_id) == 64


def test_derived_ids_of_records(event: Event) -> None:
    """Records of a list whose envelope has no id have an id each."""
    sent = event("conversation_update_list")
    del sent["id"]
    ids = {outcome.event_id for outcome in parse(json.dumps(sent))}
    assert len(ids) == 4
    assert None not in ids


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", "2026-13-45", 10**30, -(10**30), float("nan"), "\0"]
)
def test_unreadable_time(event: Event, value: object) -> None:
    """The time of publication replaces an unreadable event time; without either the event has no time."""
    sent = event("customer_end_voice")
    sent["detail"]["eventBody"]["eventTime"] = value
    assert only(json.dumps(sent)).event_time == datetime(2026, 3, 2, 9, 30, 45, 313000, tzinfo=UTC)
    del sent["detail"]["timestamp"]
    assert only(json.dumps(sent)).event_time is None


def test_null_and_empty_are_absent(event: Event) -> None:
    """A null or empty optional field is the same as none."""
    sent = event("customer_end_voice")
    sent["detail"]["eventBody"] |= {"queueId": None, "sessionId": "", "mediaType": "", "direction": None}
    read = only(json.dumps(sent))
    assert (read.queue_id, read.session_id, read.media_type, read.direction) == (None, None, None, None)


@pytest.mark.parametrize("value", ["<b>", "a@b", "\ud800", "1", "A\n", "X" * 65, '{"a": 1}'])
def test_enumerations_that_are_no_words(event: Event, value: str) -> None:
    """A text that cannot be a value of an enumeration is left out, and the event is accepted."""
    sent = event("customer_end_voice")
    sent["detail"]["eventBody"]["mediaType"] = value
    assert only(json.dumps(sent)).media_type is None


@pytest.mark.parametrize("value", ["a\nb", "\0", "\ud800", "x" * 257])
def test_unprintable_labels(event: Event, value: str) -> None:
    """A source, a type or a replay name that would break a log line is left out."""
    sent = event("conversation_update") | {"source": value, "replay-name": value}
    sent["detail"]["type"] = value
    read = only(json.dumps(sent))
    assert (read.source, read.replay_name, read.event_type) == ("", None, "Conversation Update")


@pytest.mark.parametrize(
    ("source", "read"), [("any.event.source", "any.event.source"), ("Ada", ""), (None, "")]
)
def test_any_source_is_accepted(event: Event, source: str | None, read: str) -> None:
    """Any source is accepted, or none, for the rule decides which pass; one that is no source's name is not read."""
    assert only(json.dumps(event("conversation_end") | {"source": source})).source == read


def test_events_do_not_change(event_text: Text) -> None:
    """An event is frozen: assigning to it raises."""
    read = only(event_text("conversation_end"))
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        read.interaction_id = "another"  # type: ignore[misc]  # that is what must fail


@pytest.mark.parametrize("time", ["2026-03-02T09:30:45.0139999Z", 1772443845013.9])
def test_times_are_cut_to_the_millisecond(event: Event, time: str | float) -> None:
    """A time is cut to milliseconds, as Genesys's times have, so that it survives writing and reading."""
    sent = event("customer_end_voice")
    sent["detail"]["eventBody"]["eventTime"] = time
    assert only(json.dumps(sent)).event_time == AT


@pytest.mark.parametrize(
    "name", ["acd_end", "customer_end_replayed", "conversation_end", "conversation_update"]
)
def test_events_are_serialized(event_text: Text, name: str) -> None:
    """An event serialized for a later run is ASCII and parses to the same event."""
    event = only(event_text(name))
    assert serialize(event).isascii()
    assert parse(serialize(event)) == [event]


def test_grouping(event_text: Text) -> None:
    """Events are grouped by interaction; interactions and events keep the order in which they came."""
    first, second = only(event_text("acd_end")), only(event_text("user_end"))
    assert by_interaction([second, first, second]) == {
        second.interaction_id: [second, second],
        first.interaction_id: [first],
    }
    assert list(by_interaction([second, first])) == [second.interaction_id, first.interaction_id]


@pytest.mark.parametrize("by", ["replay", "reconcile"])
def test_what_no_event_asked_for_is_the_same_in_a_later_run(by: str) -> None:
    """The event that stands for a replay's or a reconcile's request survives writing and reading."""
    (event,) = InteractionWork.requested(ID, by, f"{by}:{ID}").events
    assert parse(serialize(event)) == [event]
