"""Five hundred events that are not valid, through the bridge's hands and the flow's first step."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from packing import Message, pack

from tasks.events import InteractionEvent, Rejection, parse
from tasks.stores import QuarantineRow
from tests.faults.bad_events import GOOD_ID, Bad, event, of_genesys, written
from tests.faults.generated import generated

LARGEST = 500_000
ECHOED = 4  # characters from which a repeated value shows itself
FIELD = r"(detail(\[\d+\])?[.\w]*|detail-type|id|source|replay-name|The event)"
KIND = r"(absent|true or false|a number|text( of \d+ characters?)?|a list|an object|nested|too large|v2\.|not JSON)"
SENTENCE = re.compile(rf"^{FIELD}\b.* {KIND}.*\. [A-Z][^.].*\.$")


@pytest.fixture(scope="module")
def bad_events() -> list[Bad]:
    """All of them: what somebody thought of, and what nobody did."""
    return written() + generated()


def through_the_bridge(bodies: list[str]) -> list[str]:
    """The texts as they reach the flow: slimmed, packed, and read back from the request's JSON."""
    given = [Message.of(f"m{n}", body) for n, body in enumerate(bodies)]
    batches = list(pack(given, max_events=1000, max_bytes=LARGEST))
    assert sorted(each.message_id for batch in batches for each in batch) == sorted(
        each.message_id for each in given
    )
    for batch in batches:
        request = json.dumps({"events": [each.text for each in batch]}, separators=(",", ":"))
        assert len(request.encode("ascii")) <= LARGEST
    return [each.text for each in given]


def rejected(text: str) -> list[Rejection]:
    """The rejections of an event of which nothing is accepted."""
    outcomes = parse(text)
    rejections = [each for each in outcomes if isinstance(each, Rejection)]
    assert len(rejections) == len(outcomes)
    return rejections


def row_id(rejection: Rejection) -> str:
    """The key under which a rejection is kept."""
    return QuarantineRow(
        "rejected",
        rejection.code,
        rejection.reason,
        rejection.text,
        rejection.event_id,
        rejection.interaction_id,
    ).quarantine_id


def test_there_are_five_hundred(bad_events: list[Bad]) -> None:
    """At least 150 written and 500 in all, no two the same."""
    assert len(written()) >= 150
    assert len({bad.body for bad in bad_events}) >= 500


def test_each_is_refused_with_a_reason_for_a_person(bad_events: list[Bad]) -> None:
    """Nothing raises; the reason says which field, what was there and what to do, but never what it said."""
    for bad, text in zip(bad_events, through_the_bridge([bad.body for bad in bad_events]), strict=True):
        rejections = rejected(text)
        assert len(rejections) == bad.rejections, bad.name
        for rejection in rejections:
            assert SENTENCE.fullmatch(rejection.reason), (bad.name, rejection.reason)
            assert len(bad.value) < ECHOED or bad.value not in rejection.reason, bad.name
            assert rejection.reason.isprintable()
            assert len(rejection.reason) < 400
            assert rejection.text.encode("utf-8")


def test_each_is_one_row_however_often_it_comes(bad_events: list[Bad]) -> None:
    """Delivered again under another message it finds its own row, and never that of another event."""
    bodies = list(dict.fromkeys(bad.body for bad in bad_events))
    first = [row_id(each) for text in through_the_bridge(bodies) for each in rejected(text)]
    again = [row_id(each) for text in through_the_bridge(bodies[::-1])[::-1] for each in rejected(text)]
    assert first == again
    assert len(set(first)) == len(first)


def test_the_good_ones_among_them_are_accepted(bad_events: list[Bad]) -> None:
    """A neighbour is never the reason: between any two bad events a good one stays good."""
    for number, bad in enumerate(bad_events[::10]):
        id_ = str(uuid.UUID(int=number, version=4))
        good = event(f"good {number}", {"interactionId": id_}, "Conversation Update")
        texts = through_the_bridge([bad.body, good, bad.body])
        (accepted,) = parse(texts[1])
        assert isinstance(accepted, InteractionEvent)
        assert accepted.interaction_id == id_


@pytest.mark.parametrize("id_", [GOOD_ID.upper(), GOOD_ID.title(), GOOD_ID])
def test_capitals_are_the_same_interaction(id_: str) -> None:
    """A UUID in capitals is one, and means the interaction that it means in small letters."""
    (text,) = through_the_bridge([of_genesys("capitals", {"conversationId": id_})])
    (accepted,) = parse(text)
    assert accepted.interaction_id == GOOD_ID
