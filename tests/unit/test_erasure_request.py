"""The request of an erasure, and its counts."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.erase import ErasureCounts
from tasks.operations.erasure_request import ErasureRequest, InvalidErasureRequest, check_reason
from tasks.operations.form_fields import Words
from tasks.stores import PreviousItem

ID = "7f3c2a10-1111-4222-8333-444455556666"


def test_ids_are_canonical_and_distinct() -> None:
    """Upper case and repetition are one interaction."""
    assert ErasureRequest.checked([ID.upper(), ID], "").subject.interaction_ids == (ID,)


@pytest.mark.parametrize("wrong", ["", "7f3c", "+15550100123", "someone@example.com", ID + "0"])
def test_an_invalid_id_stops_the_whole_request_and_is_not_quoted(wrong: str) -> None:
    """The error has its position only: it may be a person's phone number."""
    with pytest.raises(InvalidErasureRequest, match=r"1 of 2 .*in places 2") as caught:
        ErasureRequest.checked([ID, wrong], "")
    assert not wrong or wrong not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "+15550100123", "someone@example.com", "A" * 64, "0" * 63])
def test_an_address_is_no_customer_key_and_is_not_quoted(wrong: str) -> None:
    """Keys are made where the address is; what is none stops the whole request."""
    key = "0" * 64
    assert ErasureRequest.checked([], "", [key]).subject.customer_keys == (key,)
    with pytest.raises(InvalidErasureRequest, match=r"1 of 2 customer keys .*in places 2") as caught:
        ErasureRequest.checked([], "", [key, wrong])
    assert not wrong or wrong not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ("TICKET-4711", True),
        ("request of 3 March, done by the data protection team", True),
        ("", True),
        ("of jane@example.com", False),
        ("of +15550100123", False),
        ("a\nb", False),
        ("x" * 201, False),
    ],
)
def test_a_reason_has_room_for_no_address(words: str, fits: bool) -> None:
    """No @ and no +, one line, 200 characters; Prefect checks it by the flow's schema, before it keeps anything."""
    try:
        TypeAdapter(Words).validate_python(words)
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_an_erasure_needs_a_reason() -> None:
    """White space is none."""
    check_reason("TICKET-4711")
    for words in ("", "  "):
        with pytest.raises(InvalidErasureRequest, match="give a reason"):
            check_reason(words)


def test_an_empty_request_is_invalid() -> None:
    """A request has ids or a contact; white space is no contact."""
    with pytest.raises(InvalidErasureRequest, match="give interaction ids"):
        ErasureRequest.checked([], "  ")


@pytest.mark.parametrize("contact", ["x" * 101, "a\nb", "\x00"])
def test_a_contact_must_be_an_id(contact: str) -> None:
    """A text that cannot be an id is refused before a table is read."""
    with pytest.raises(InvalidErasureRequest, match="external_contact_id"):
        ErasureRequest.checked([], contact)


def test_counts_add_up() -> None:
    """The counts of chunks are added by kind."""
    one = ErasureCounts.of([PreviousItem.RECORD, PreviousItem.PLACEHOLDER, PreviousItem.RECORD])
    other = ErasureCounts.of([PreviousItem.TOMBSTONE, PreviousItem.NOTHING])
    objects = ErasureCounts(objects=2, staged=1) + ErasureCounts(objects=1, rows=5, quarantined=4)
    assert one + other + objects == ErasureCounts(2, 1, 1, 1, 3, 1, 5, 4)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (None, PreviousItem.NOTHING),
        ({}, PreviousItem.NOTHING),
        ({"interactionId": ID, "version": "1"}, PreviousItem.RECORD),
        ({"interactionId": ID, "dueAt": "2026-01-15T10:00:00.000Z"}, PreviousItem.PLACEHOLDER),
        (
            {"interactionId": ID, "erasedAt": "2026-01-15T10:00:00.000Z", "version": "1"},
            PreviousItem.TOMBSTONE,
        ),
    ],
)
def test_the_kind_of_an_item(item: dict[str, str] | None, expected: PreviousItem) -> None:
    """An item with erasedAt is a tombstone, whatever else it has; one with a version is a record."""
    assert PreviousItem.of(item) is expected
