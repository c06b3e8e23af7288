"""Five hundred invalid events, through the bridge and the flow's parser."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from batching import Message, make_batches

from tasks.events import InteractionEvent, Rejection, parse, serialize
from tasks.stores import QuarantineRow
from tests.support.generated_invalid_events import generated_events
from tests.support.invalid_events import (
    VALID_ID,
    InvalidEvent,
    event,
    genesys_event,
    strange_events,
    written_events,
)

MAX_BYTES = 500_000
ECHOED = 4  # characters; a shorter value may be part of a reason by chance
FIELD = r"(detail(\[\d+\])?[.\w]*|detail-type|id|source|replay-name|The event)"
KIND = r"(absent|true or false|a number|text( of \d+ characters?)?|a list|an object|nested|too large|v2\.|not JSON)"
SENTENCE = re.compile(rf"^{FIELD}\b.* {KIND}.*\. [A-Z][^.].*\.$")


@pytest.fixture(scope="module")
def bad_events() -> list[InvalidEvent]:
    """Return all of them: the written ones and the generated ones."""
    return written_events() + generated_events()


def through_the_bridge(bodies: list[str]) -> list[str]:
    """Return the texts that reach the flow: reduced to the allow-list, batched, within the request's limit."""
    given = [Message.of(f"m{n}", body) for n, body in enumerate(bodies)]
    batches = list(make_batches(given, max_events=1000, max_bytes=MAX_BYTES))
    assert sorted(each.message_id for batch in batches for each in batch) == sorted(
        each.message_id for each in given
    )
    for batch in batches:
        request = json.dumps({"events": [each.text for each in batch]}, separators=(",", ":"))
        assert len(request.encode("ascii")) <= MAX_BYTES
    return [each.text for each in given]


def rejected(text: str) -> list[Rejection]:
    """Return the rejections of an event, none of which may be an accepted one."""
    outcomes = parse(text)
    rejections = [each for each in outcomes if isinstance(each, Rejection)]
    assert len(rejections) == len(outcomes)
    return rejections


def row_id(rejection: Rejection) -> str:
    """Return the key of a rejection in the quarantine table."""
    return QuarantineRow(
        "rejected",
        rejection.code,
        rejection.reason,
        rejection.text,
        rejection.event_id,
        rejection.interaction_id,
    ).quarantine_id


def test_there_are_five_hundred(bad_events: list[InvalidEvent]) -> None:
    """At least 150 are written by hand, and 500 in all are different."""
    assert len(written_events()) >= 150
    assert len({bad.body for bad in bad_events}) >= 500


def test_each_is_refused_with_a_reason_for_a_person(bad_events: list[InvalidEvent]) -> None:
    """Parsing raises nothing; the reason names the field, the kind of its value and the next step, not the value."""
    for bad, text in zip(bad_events, through_the_bridge([bad.body for bad in bad_events]), strict=True):
        rejections = rejected(text)
        assert len(rejections) == bad.rejections, bad.name
        for rejection in rejections:
            assert SENTENCE.fullmatch(rejection.reason), (bad.name, rejection.reason)
            assert len(bad.value) < ECHOED or bad.value not in rejection.reason, bad.name
            assert rejection.reason.isprintable()
            assert len(rejection.reason) < 400
            assert rejection.text.encode("utf-8")


def test_each_is_one_row_however_often_it_comes(bad_events: list[InvalidEvent]) -> None:
    """A second delivery, in another order, has the same row; two different events never have the same one."""
    bodies = list(dict.fromkeys(bad.body for bad in bad_events))
    first = [row_id(each) for text in through_the_bridge(bodies) for each in rejected(text)]
    again = [row_id(each) for text in through_the_bridge(bodies[::-1])[::-1] for each in rejected(text)]
    assert first == again
    assert len(set(first)) == len(first)


def test_a_valid_event_between_invalid_ones_is_accepted(bad_events: list[InvalidEvent]) -> None:
    """An invalid event does not affect the events beside it."""
    for number, bad in enumerate(bad_events[::10]):
        id_ = str(uuid.UUID(int=number, version=4))
        good = event(f"good {number}", {"interactionId": id_}, "Conversation Update")
        texts = through_the_bridge([bad.body, good, bad.body])
        (accepted,) = parse(texts[1])
        assert isinstance(accepted, InteractionEvent)
        assert accepted.interaction_id == id_


def test_a_strange_value_in_a_field_that_decides_nothing_costs_no_event() -> None:
    """Each such event is one of its interaction, and no more of the value is left than a label may have."""
    bodies = strange_events()
    assert len(bodies) > 70
    for text in through_the_bridge(bodies):
        (accepted,) = parse(text)
        assert isinstance(accepted, InteractionEvent)
        assert accepted.interaction_id == VALID_ID
        assert serialize(accepted).isprintable()


@pytest.mark.parametrize("id_", [VALID_ID.upper(), VALID_ID.title(), VALID_ID])
def test_capitals_are_the_same_interaction(id_: str) -> None:
    """A UUID in capitals names the interaction of the UUID in lower case."""
    (text,) = through_the_bridge([genesys_event("capitals", {"conversationId": id_})])
    (accepted,) = parse(text)
    assert accepted.interaction_id == VALID_ID
