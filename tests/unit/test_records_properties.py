"""What holds of every record, whatever Genesys answers and in whatever order."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import CONTENT_FIELDS, InteractionRecord, build_record
from tests.unit.conftest import conversation_names, read_conversation

FETCHED = datetime(2026, 3, 3, tzinfo=UTC)
ID = "c0000000-0000-4000-8000-000000000001"
SAMPLES = {name: read_conversation(name) for name in conversation_names()}

# Few values, so that ties, repetitions and contradictions are common.
few = st.sampled_from(["a", "b", "c"])
times = st.sampled_from([f"2026-03-02T09:0{minute}:00.000Z" for minute in range(3)])
numbers = st.integers(0, 5) | st.decimals(-5, 5, places=4)
addresses = st.sampled_from(["a@example.com", "b@example.com", "no address"])


def some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with any part of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


segments = some(
    {
        "segmentStart": times,
        "segmentEnd": times,
        "queueId": few,
        "wrapUpCode": few,
        "disconnectType": few,
        "segmentType": st.sampled_from(["interact", "alert"]),
    }
)
sessions = some(
    {
        "sessionId": few,
        "mediaType": st.sampled_from(["voice", "email", "cobrowse", "unknown"]),
        "direction": st.sampled_from(["inbound", "outbound"]),
        "addressFrom": addresses,
        "addressTo": addresses,
        "addressOther": addresses,
        "segments": st.lists(segments, max_size=3),
        "metrics": st.lists(some({"name": few, "value": numbers}), max_size=3),
    }
)
participants = some(
    {
        "participantId": few,
        "purpose": st.sampled_from(["customer", "external", "agent", "user", "acd"]),
        "userId": few,
        "participantName": few,
        "externalContactId": few,
        "attributes": some({"mail": addresses}),
        "sessions": st.lists(sessions, max_size=3),
    }
)
conversations = some(
    {
        "conversationStart": times,
        "conversationEnd": times,
        "originatingDirection": few,
        "participants": st.lists(participants, max_size=4),
    }
).map(lambda fields: {"conversationId": ID} | fields)


def shuffled(value: Any, dice: random.Random) -> Any:
    """Return the same JSON with every list and the keys of every object in another order."""
    if isinstance(value, list):
        return dice.sample([shuffled(item, dice) for item in value], len(value))
    if isinstance(value, dict):
        return {key: shuffled(value[key], dice) for key in dice.sample(sorted(value), len(value))}
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Return every value and container below this one."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield item
        yield from leaves(item)


def assert_storable(record: InteractionRecord) -> None:
    """DynamoDB takes the content as it is, and there is nothing in it that says nothing."""
    assert record.content.keys() <= set(CONTENT_FIELDS)
    for value in leaves(record.content):
        assert value not in (None, "", [], {})
        assert type(value) in {str, int, bool, Decimal, list, dict}
        if isinstance(value, str):
            assert len(value.encode("utf-8")) <= 4096
    TypeSerializer().serialize(record.content)


@given(details=conversations, dice=st.randoms(use_true_random=False))
def test_order_never_matters(details: dict[str, Any], dice: random.Random) -> None:
    """Any order of participants, sessions, segments, metrics and keys gives the same content and version."""
    record = build_record(details, FETCHED, email_attribute="mail")
    again = build_record(shuffled(details, dice), FETCHED, email_attribute="mail")
    assert again == record
    assert_storable(record)


@pytest.mark.parametrize("name", conversation_names())
def test_order_never_matters_in_samples(name: str) -> None:
    """The same of the written samples."""
    record = build_record(SAMPLES[name], FETCHED)
    for seed in range(20):
        assert build_record(shuffled(SAMPLES[name], random.Random(seed)), FETCHED) == record
    assert_storable(record)


garbage = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**40, -1, 0, float("nan"), float("inf"), 1.1, "", " ", "\ud800", "\0", "x" * 5000])
    | st.decimals()
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_flaws_never_break_a_record(name: str, data: st.DataObject) -> None:
    """Whatever Genesys writes in place of a value, or leaves out, the rest still is a record."""
    details = copy.deepcopy(SAMPLES[name])
    places = [
        (holder, key)
        for holder in [details, *leaves(details)]
        for key in (
            holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        )
        if key != "conversationId"
    ]
    for holder, key in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=5)):
        holder[key] = data.draw(garbage)
    record = build_record(details, FETCHED, email_attribute="mail")
    assert record.interaction_id == SAMPLES[name]["conversationId"]
    assert_storable(record)


@pytest.mark.parametrize("flaw", [None, 5, "x", [], {}, [None], [[]], ["x"], [5]])
def test_flawed_containers(flaw: Any) -> None:
    """A list of Genesys's that is none, or holds something else, is empty."""
    for details in (
        {"participants": flaw},
        {"participants": [{"purpose": "customer", "sessions": flaw, "attributes": flaw}]},
        {"participants": [{"purpose": "agent", "sessions": [{"segments": flaw, "metrics": flaw}]}]},
    ):
        record = build_record({"conversationId": ID, **details}, FETCHED, email_attribute="mail")
        assert record.content == {"interactionId": ID, "settled": False}


@pytest.mark.parametrize(
    ("value", "total"),
    [
        (True, None),
        ("5", None),
        (None, None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (float("inf"), None),
        (Decimal("1E+999"), None),
        (10**15, None),
        (10**15 - 1, 10**15 - 1),
        (-3, -3),
        (0, 0),
        (0.5, Decimal("0.5")),
        (Decimal("0.12345678"), Decimal("0.123457")),
        (Decimal("1E-50"), 0),
    ],
)
def test_metric_values(value: Any, total: Decimal | int | None) -> None:
    """A metric is an exact number that DynamoDB can hold, or it is not there."""
    session = {"metrics": [{"name": "tTalk", "value": value}]}
    details = {"conversationId": ID, "participants": [{"sessions": [session]}]}
    assert build_record(details, FETCHED).content.get("metrics", {}).get("tTalk") == total


@pytest.mark.parametrize(
    ("name", "kept"),
    [(" Ada ", "Ada"), ("A\ud800", "A?"), ("x" * 1025, None), ("", None), (" ", None), (5, None)],
)
def test_names(name: Any, kept: str | None) -> None:
    """A name is kept in a form that can be stored; one of absurd length is not."""
    details = {"conversationId": ID, "participants": [{"purpose": "agent", "participantName": name}]}
    assert build_record(details, FETCHED).content.get("agentName") == kept


@pytest.mark.parametrize(
    ("queue_id", "kept"), [("q-1", "q-1"), ("q" * 129, None), ("q\0", None), ("\ud800", None), (" ", None)]
)
def test_index_keys(queue_id: str, kept: str | None) -> None:
    """An id that DynamoDB would refuse as an index's key costs the field, not the record."""
    participant = {"purpose": "acd", "sessions": [{"segments": [{"queueId": queue_id}]}]}
    record = build_record({"conversationId": ID, "participants": [participant]}, FETCHED)
    assert record.content.get("primaryQueueId") == kept


def test_an_end_before_the_start() -> None:
    """A conversation that ended before it started has no duration; its times are what Genesys says."""
    start, end = "2026-03-02T09:00:01.000Z", "2026-03-02T09:00:00.000Z"
    details = {"conversationId": ID, "conversationStart": start, "conversationEnd": end}
    content = build_record(details, FETCHED).content
    assert content == {
        "interactionId": ID,
        "settled": True,
        "startedAt": start,
        "endedAt": end,
    }
    assert build_record(details | {"conversationEnd": start}, FETCHED).content["durationMs"] == 0


moments = st.datetimes(datetime(2001, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  naive bounds
ends = st.none() | st.sampled_from(
    ["2026-03-02T09:00:00Z", "2026-03-02T09:00:00.500Z", "2026-03-02T11:00:00+01:00"]
)
answers = st.tuples(ends | moments.map(datetime.isoformat), moments | st.just(FETCHED), few)


@given(first=answers, second=answers)
def test_versions_sort_as_their_parts(
    first: tuple[str | None, datetime, str], second: tuple[str | None, datetime, str]
) -> None:
    """Versions compare as settled, end, time of the fetch, hash: text and tuple agree."""
    one, two = (
        build_record({"conversationId": ID, "conversationEnd": end, "originatingDirection": way}, fetched)
        for end, fetched, way in (first, second)
    )
    assert (one.version < two.version) == (parts(one) < parts(two))
    assert (one.version == two.version) == (parts(one) == parts(two))


def parts(record: InteractionRecord) -> tuple[bool, datetime, int, str]:
    """Return what a version is made of."""
    end = datetime.fromisoformat(record.content.get("endedAt", "0001-01-01T00:00:00Z"))
    fetched = record.fetched_at.replace(microsecond=record.fetched_at.microsecond // 1000 * 1000)
    return record.settled, end, round(fetched.timestamp() * 1000), record.content_hash


def test_records_are_cheap() -> None:
    """A record of an ordinary conversation costs far below a millisecond, so 10,000 cost a few seconds."""
    started = process_time()
    for _ in range(50):
        for details in SAMPLES.values():
            build_record(details, FETCHED)
    assert (process_time() - started) / (50 * len(SAMPLES)) < 0.001
