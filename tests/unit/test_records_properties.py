"""Properties of every record, whatever Genesys answers and in whatever order."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import CONTENT_FIELDS, InteractionRecord, build_record
from tasks.records.intervals import length_of_union, without
from tests.support.former_version import former_version
from tests.support.generated_conversations import ID, conversations, few, flawed, leaves
from tests.support.samples import conversation_names, read_conversation
from tests.support.shuffle import shuffled

FETCHED = datetime(2026, 3, 3, tzinfo=UTC)
SAMPLES = {name: read_conversation(name) for name in conversation_names()}


def assert_storable(record: InteractionRecord) -> None:
    """Assert that DynamoDB takes the content as it is, and that no value in it is empty."""
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
    """Any order of the lists and keys of the sample conversations gives the same record."""
    record = build_record(SAMPLES[name], FETCHED)
    for seed in range(20):
        assert build_record(shuffled(SAMPLES[name], random.Random(seed)), FETCHED) == record
    assert_storable(record)


@given(details=flawed(SAMPLES))
def test_flaws_never_break_a_record(details: dict[str, Any]) -> None:
    """Values that are wrong or missing never prevent a record of the others."""
    record = build_record(details, FETCHED, email_attribute="mail")
    assert record.interaction_id == details["conversationId"]
    assert_storable(record)


@pytest.mark.parametrize("flaw", [None, 5, "x", [], {}, [None], [[]], ["x"], [5]])
def test_flawed_containers(flaw: Any) -> None:
    """A list that is none, or holds other values than objects, reads as empty."""
    nobody = {"handled": False, "abandoned": False, "transfers": 0}
    caller = {"role": "caller", "interacted": False}
    for details, content in (
        ({"participants": flaw}, {}),
        ({"participants": [{"purpose": "customer", "sessions": flaw, "attributes": flaw}]}, nobody),
        (
            {"participants": [{"purpose": "agent", "sessions": [{"segments": flaw, "metrics": flaw}]}]},
            nobody | {"agents": [caller]},
        ),
    ):
        record = build_record({"conversationId": ID, **details}, FETCHED, email_attribute="mail")
        assert record.content == {"interactionId": ID, "settled": False, **content}


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
    """A metric is an exact number that DynamoDB can hold, or it is absent."""
    session = {"metrics": [{"name": "tTalk", "value": value}]}
    details = {"conversationId": ID, "participants": [{"sessions": [session]}]}
    assert build_record(details, FETCHED).content.get("metrics", {}).get("tTalk") == total


@pytest.mark.parametrize(
    ("name", "kept"),
    [(" Ada ", "Ada"), ("A\ud800", "A?"), ("x" * 1025, None), ("", None), (" ", None), (5, None)],
)
def test_names(name: Any, kept: str | None) -> None:
    """A name is made valid Unicode; one of more than 1024 characters is left out. None is in the content."""
    agent = {"purpose": "agent", "userId": "u", "participantName": name}
    record = build_record({"conversationId": ID, "participants": [agent]}, FETCHED)
    assert record.participant_names.get("u") == kept
    del agent["participantName"]
    assert record.version == build_record({"conversationId": ID, "participants": [agent]}, FETCHED).version


@pytest.mark.parametrize(
    ("queue_id", "kept"), [("q-1", "q-1"), ("q" * 129, None), ("q\0", None), ("\ud800", None), (" ", None)]
)
def test_index_keys(queue_id: str, kept: str | None) -> None:
    """An id that DynamoDB would refuse as an index key is left out, and the record is kept."""
    participant = {"purpose": "acd", "sessions": [{"segments": [{"queueId": queue_id}]}]}
    record = build_record({"conversationId": ID, "participants": [participant]}, FETCHED)
    assert record.content.get("primaryQueueId") == kept


def test_an_end_before_the_start() -> None:
    """A conversation that ends before it starts has its times and no duration."""
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
    """Versions compare as the tuple of settled, time of the answer and hash: the end decides nothing."""
    one, two = (
        build_record({"conversationId": ID, "conversationEnd": end, "originatingDirection": way}, fetched)
        for end, fetched, way in (first, second)
    )
    assert (one.version < two.version) == (parts(one) < parts(two))
    assert (one.version == two.version) == (parts(one) == parts(two))


def parts(record: InteractionRecord) -> tuple[bool, int, str]:
    """Return the parts of a record's version."""
    fetched = record.fetched_at.replace(microsecond=record.fetched_at.microsecond // 1000 * 1000)
    return record.settled, round(fetched.timestamp() * 1000), record.content_hash


@given(record=answers, former=answers)
def test_a_version_beats_every_former_one_of_its_state(
    record: tuple[str | None, datetime, str], former: tuple[str | None, datetime, str]
) -> None:
    """A version of releases before 0.2 is the lesser one of its state; settled ones of either form beat unsettled."""
    one, two = (
        build_record({"conversationId": ID, "conversationEnd": end, "originatingDirection": way}, fetched)
        for end, fetched, way in (record, former)
    )
    assert (one.version > former_version(two)) == (one.settled or not two.settled)


def test_records_are_cheap() -> None:
    """A record of an ordinary conversation takes less than a millisecond of CPU."""
    started = process_time()
    for _ in range(50):
        for details in SAMPLES.values():
            build_record(details, FETCHED)
    assert (process_time() - started) / (50 * len(SAMPLES)) < 0.001


def milliseconds(text: str) -> int:
    """Return a time of a record in epoch milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@given(details=conversations)
def test_what_a_record_says_agrees_with_itself(details: dict[str, Any]) -> None:
    """Handled and abandoned exclude each other; who handled it is the first agent who interacted; ids are listed."""
    content = build_record(details, FETCHED).content
    agents, queues = content.get("agents", []), content.get("queues", [])
    assert not (content.get("handled") and content.get("abandoned"))
    handlers = [agent for agent in agents if agent["role"] == "agent" and agent["interacted"]]
    assert content.get("handled", False) == bool(handlers)
    assert content.get("agentId") == (handlers[0].get("userId") if handlers else None)
    ids = [agent["userId"] for agent in agents if "userId" in agent]
    assert len(ids) == len(set(ids))
    assert {visit["queueId"] for visit in queues} <= set(content.get("queueIds", ()))
    waits = [visit for visit in queues if not visit.get("consult")]
    assert not content.get("abandoned") or waits[-1]["outcome"] == "abandoned"
    codes = {wrap_up["code"] for agent in agents for wrap_up in agent.get("wrapUps", ()) if "code" in wrap_up}
    assert codes <= set(content.get("wrapUpCodes", ()))


@given(details=conversations)
def test_nobody_has_more_time_than_there_was(details: dict[str, Any]) -> None:
    """A person's times are unions: none is longer than the conversation, and handling no longer than its parts."""
    content = build_record(details, FETCHED).content
    moments = [value for value in leaves(details) if isinstance(value, str) and value.startswith("2026-")]
    span = milliseconds(max(moments)) - milliseconds(min(moments)) if moments else 0
    for agent in content.get("agents", []):
        parts = {name: value for name, value in agent.items() if name.endswith("Ms")}
        assert all(0 < value <= span for value in parts.values())
        handled = parts.pop("handleMs", 0)
        parts.pop("alertMs", 0)
        assert max(parts.values(), default=0) <= handled <= sum(parts.values())  # no dialing in these


@given(details=conversations)
def test_queues_are_in_order_and_leave_after_they_are_entered(details: dict[str, Any]) -> None:
    """Agents are in the order of their first interaction, visits of their begin, and wrap-ups of theirs."""
    content = build_record(details, FETCHED).content
    agents = content.get("agents", [])
    for times in (
        [agent.get("firstInteractedAt", "~") for agent in agents if agent["interacted"]],
        [visit.get("enteredAt", "~") for visit in content.get("queues", [])],
        *([wrap_up.get("at", "~") for wrap_up in agent.get("wrapUps", [])] for agent in agents),
    ):
        assert times == sorted(times)
    assert [agent["interacted"] for agent in agents] == sorted(
        (a["interacted"] for a in agents), reverse=True
    )


@given(
    intervals=st.lists(st.tuples(st.integers(-9, 20), st.integers(-9, 20)), max_size=5),
    holes=st.lists(st.tuples(st.integers(-9, 20), st.integers(-9, 20)), max_size=3),
)
def test_intervals_are_sets_of_milliseconds(
    intervals: list[tuple[int, int]], holes: list[tuple[int, int]]
) -> None:
    """A union counts each millisecond once, whatever overlaps, and holes take theirs away."""
    covered = {ms for start, end in intervals for ms in range(start, end)}
    missing = {ms for start, end in holes for ms in range(start, end)}
    assert length_of_union(intervals) == len(covered)
    assert length_of_union(without(intervals, holes)) == len(covered - missing)
