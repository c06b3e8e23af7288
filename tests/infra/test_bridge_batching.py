"""How messages are grouped into batches."""

from __future__ import annotations

import json

from batching import CONVERSATIONS_PER_REQUEST, Message, idempotency_key, make_batches, split
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bridge_messages import messages

LIMIT = 500_000


def parameters(batch: list[Message]) -> int:
    """Return the bytes of the batch's parameters, as Prefect counts them."""
    return len(json.dumps({"events": [each.text for each in batch]}, separators=(",", ":")))


def distinct(batch: list[Message]) -> int:
    """Return how many interactions a batch has."""
    return len({each for message in batch for each in message.interactions})


made = st.builds(
    lambda name, text, ids: Message(name, "", json.dumps(text), tuple(ids)),
    st.uuids().map(str),
    st.text(max_size=300),
    st.lists(st.integers(0, 40).map(str), max_size=2, unique=True),
)


@given(st.lists(made, max_size=60, unique_by=lambda each: each.message_id), st.integers(1, 20))
@settings(max_examples=200)
def test_every_message_is_in_one_batch_within_both_bounds(given_: list[Message], most: int) -> None:
    """No message is lost or doubled; no batch of several messages exceeds the events or the bytes."""
    batches = list(make_batches(given_, max_events=most, max_bytes=1500))

    names = [each.message_id for batch in batches for each in batch]
    assert sorted(names) == sorted(each.message_id for each in given_)
    assert all(len(batch) <= most for batch in batches)
    assert all(sum(each.events for each in batch) <= most for batch in batches if len(batch) > 1)
    assert all(parameters(batch) <= 1500 for batch in batches if len(batch) > 1)


def test_a_list_counts_as_the_interactions_that_it_names() -> None:
    """Three lists of 400 interactions count as 1,200 events."""
    lists = [Message(f"l{n}", "", "{}", tuple(f"{n}-{i}" for i in range(400))) for n in range(3)]

    assert [len(batch) for batch in make_batches(lists, max_events=1000, max_bytes=LIMIT)] == [2, 1]


def test_events_of_one_interaction_share_a_batch() -> None:
    """In any order of the messages, the events of an interaction are in one batch."""
    given_ = messages(*[n % 30 for n in range(90)])

    batches = list(make_batches(given_, max_events=10, max_bytes=LIMIT))

    homes = [{each.interactions for each in batch} for batch in batches]
    assert sum(map(len, homes)) == 30
    assert [len(batch) for batch in batches] == [9] * 10


def test_more_events_of_one_interaction_than_fit_are_split() -> None:
    """The limit of a batch takes precedence."""
    sizes = [len(batch) for batch in make_batches(messages(*[1] * 25), max_events=10, max_bytes=LIMIT)]

    assert sizes == [10, 10, 5]


def test_full_batches_hold_multiples_of_a_hundred_interactions() -> None:
    """Every batch but the last needs only Genesys requests for 100 conversations."""
    given_ = messages(*range(1010))

    counts = [distinct(batch) for batch in make_batches(given_, max_events=270, max_bytes=LIMIT)]

    assert counts == [200, 200, 200, 200, 210]
    assert all(count % CONVERSATIONS_PER_REQUEST == 0 for count in counts[:-1])


def test_bytes_bound_a_batch_before_its_count_does() -> None:
    """With many allowed events the bytes are the limit; the batches still hold multiples of 100 interactions."""
    batches = list(make_batches(messages(*range(3000)), max_events=10_000, max_bytes=LIMIT))

    assert len(batches) > 1
    assert all(parameters(batch) <= LIMIT for batch in batches)
    assert all(distinct(batch) % CONVERSATIONS_PER_REQUEST == 0 for batch in batches[:-1])


def test_one_event_is_a_batch() -> None:
    """At low load a batch has one event."""
    assert [len(batch) for batch in make_batches(messages(1), max_events=1000, max_bytes=LIMIT)] == [1]


def test_a_batch_is_split_between_interactions() -> None:
    """The cut is the one nearest the middle; within a single interaction, the middle."""
    first, second = split(messages(1, 2, 2, 2, 2, 2))
    assert (len(first), len(second)) == (1, 5)

    first, second = split(messages(2, 2, 2, 2))
    assert (len(first), len(second)) == (2, 2)


def test_the_idempotency_key_depends_on_the_message_ids() -> None:
    """The same messages in any order have the same key; other messages with the same events have another."""
    one, two, three = messages(1, 2, 3)
    redriven = Message("new", one.body, one.text, one.interactions)

    assert idempotency_key([one, two]) == idempotency_key([two, one])
    assert len({idempotency_key(batch) for batch in ([one], [one, two], [one, three], [redriven])}) == 4
