"""An erasure's request and what it counts."""

from __future__ import annotations

import pytest

from tasks.erase import BadRequest, Request, Tally, chunks
from tasks.stores import Buried

ID = "7f3c2a10-1111-4222-8333-444455556666"


def test_ids_are_brought_into_one_form_and_counted_once() -> None:
    """Upper case and repetition are the same interaction."""
    assert Request.checked([ID.upper(), ID], "").interaction_ids == (ID,)


@pytest.mark.parametrize("wrong", ["", "7f3c", "+15550100123", "someone@example.com", ID + "0"])
def test_a_mistake_stops_the_whole_request_without_being_repeated(wrong: str) -> None:
    """What is no UUID is named by its place: it may be a person's number."""
    with pytest.raises(BadRequest, match=r"1 of 2 .*in places 2") as caught:
        Request.checked([ID, wrong], "")
    assert not wrong or wrong not in str(caught.value)


def test_a_request_for_nothing_is_a_mistake() -> None:
    """Neither ids nor a contact is no request; white space is no contact."""
    with pytest.raises(BadRequest, match="give interaction ids"):
        Request.checked([], "  ")


@pytest.mark.parametrize("contact", ["x" * 101, "a\nb", "\x00"])
def test_a_contact_is_an_id(contact: str) -> None:
    """A text that no id can be is refused before any table is read."""
    with pytest.raises(BadRequest, match="external contact id"):
        Request.checked([], contact)


def test_tallies_add_up() -> None:
    """What each chunk found is added up by kind."""
    one = Tally.of([Buried.RECORD, Buried.PLACEHOLDER, Buried.RECORD], objects=2)
    other = Tally.of([Buried.TOMBSTONE, Buried.NOTHING], objects=1)
    assert one + other == Tally(2, 1, 1, 1, 3, 0)


def test_chunks_lose_nothing() -> None:
    """Groups of a size hold every id in its order; no ids are no group."""
    assert chunks(list("abcde"), 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert chunks([], 2) == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, Buried.NOTHING),
        ({}, Buried.NOTHING),
        ({"interactionId": ID, "version": "1"}, Buried.RECORD),
        ({"interactionId": ID, "dueAt": "2026-01-15T10:00:00.000Z"}, Buried.PLACEHOLDER),
        ({"interactionId": ID, "erasedAt": "2026-01-15T10:00:00.000Z", "version": "1"}, Buried.TOMBSTONE),
    ],
)
def test_what_an_item_is(item: dict[str, str] | None, expected: Buried) -> None:
    """An erasure's date makes a tombstone, whatever else is there; a version makes a record."""
    assert Buried.of(item) is expected
