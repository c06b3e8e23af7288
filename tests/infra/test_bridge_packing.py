"""How messages become batches."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from packing import MULTI_GET, Message, halve, idempotency_key, pack

from tests.infra.bridge_messages import messages

LIMIT = 500_000


def parameters(batch: list[Message]) -> int:
    """Return the bytes that Prefect counts."""
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
    """No message is lost or doubled, and no batch of several exceeds the count or the bytes."""
    batches = list(pack(given_, max_events=most, max_bytes=1500))

    names = [each.message_id for batch in batches for each in batch]
    assert sorted(names) == sorted(each.message_id for each in given_)
    assert all(len(batch) <= most for batch in batches)
    assert all(sum(each.events for each in batch) <= most for batch in batches if len(batch) > 1)
    assert all(parameters(batch) <= 1500 for batch in batches if len(batch) > 1)


def test_a_list_counts_as_the_interactions_that_it_speaks_of() -> None:
    """A run is bounded by what it has to do: three lists of 400 interactions are no batch of three events."""
    lists = [Message(f"l{n}", "", "{}", tuple(f"{n}-{i}" for i in range(400))) for n in range(3)]

    assert [len(batch) for batch in pack(lists, max_events=1000, max_bytes=LIMIT)] == [2, 1]


def test_events_of_one_interaction_share_a_batch() -> None:
    """However they are interleaved, the events of an interaction go together."""
    given_ = messages(*[n % 30 for n in range(90)])

    batches = list(pack(given_, max_events=10, max_bytes=LIMIT))

    homes = [{each.interactions for each in batch} for batch in batches]
    assert sum(map(len, homes)) == 30
    assert [len(batch) for batch in batches] == [9] * 10


def test_more_events_of_one_interaction_than_fit_are_split() -> None:
    """The bound wins over togetherness."""
    sizes = [len(batch) for batch in pack(messages(*[1] * 25), max_events=10, max_bytes=LIMIT)]

    assert sizes == [10, 10, 5]


def test_full_batches_hold_multiples_of_a_hundred_interactions() -> None:
    """No Genesys request of a full batch is for less than 100 conversations."""
    given_ = messages(*range(1010))

    counts = [distinct(batch) for batch in pack(given_, max_events=270, max_bytes=LIMIT)]

    assert counts == [200, 200, 200, 200, 210]
    assert all(count % MULTI_GET == 0 for count in counts[:-1])


def test_bytes_bound_a_batch_before_its_count_does() -> None:
    """Full batches stay below the bytes, and still hold hundreds."""
    batches = list(pack(messages(*range(3000)), max_events=10_000, max_bytes=LIMIT))

    assert len(batches) > 1
    assert all(parameters(batch) <= LIMIT for batch in batches)
    assert all(distinct(batch) % MULTI_GET == 0 for batch in batches[:-1])


def test_one_event_goes_alone_and_at_once() -> None:
    """At low load a batch is one event."""
    assert [len(batch) for batch in pack(messages(1), max_events=1000, max_bytes=LIMIT)] == [1]


def test_a_batch_is_halved_between_interactions() -> None:
    """The cut falls on the seam nearest the middle; of one interaction, in the middle."""
    first, second = halve(messages(1, 2, 2, 2, 2, 2))
    assert (len(first), len(second)) == (1, 5)

    first, second = halve(messages(2, 2, 2, 2))
    assert (len(first), len(second)) == (2, 2)


def test_the_key_is_that_of_the_messages_in_any_order() -> None:
    """Same messages, same key; other messages with the same events, another key."""
    one, two, three = messages(1, 2, 3)
    redriven = Message("new", one.body, one.text, one.interactions)

    assert idempotency_key([one, two]) == idempotency_key([two, one])
    assert len({idempotency_key(batch) for batch in ([one], [one, two], [one, three], [redriven])}) == 4
