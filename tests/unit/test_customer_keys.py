"""Keys of a customer's addresses: which addresses of a conversation count, and that one address has one key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.records import build_record
from tasks.records.customer_keys import NO_ADDRESS, CustomerKeys, normal_mail, normal_phone
from tests.support.samples import read_conversation

KEYS = CustomerKeys(SecretStr("a secret of thirty-two characters"))
MAIL = "mailto:ada.customer@example.com"


def addresses(conversation: dict[str, Any]) -> frozenset[str]:
    """Return the customer's addresses of a conversation."""
    return build_record(conversation, datetime.now(UTC)).customer_addresses


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("voice", {"tel:15550100001"}),
        ("callback", {"tel:15550100001"}),
        ("message", {"tel:15550100003"}),
        ("email", {MAIL}),
        ("outbound_email", {"mailto:ben.customer@example.com"}),
        ("cases/mail_that_is_forwarded_and_transferred", {"mailto:rita.customer@mail.example"}),
        ("cases/mail_from_one_of_the_centres_own_desks", set()),
        ("outbound", {"tel:15550100002"}),
        ("chat", set()),
        ("cases/internal_call_with_consult", set()),
    ],
)
def test_the_customers_end_counts_and_never_the_centres_own(sample: str, expected: set[str]) -> None:
    """Origin of what comes in, destination of what goes out, callback numbers; whatever the medium."""
    assert addresses(read_conversation(sample)) == expected


def test_each_end_is_told_by_the_sessions_direction() -> None:
    """A call back in the same conversation names the same two numbers the other way round."""
    sessions = [
        {"mediaType": "voice", "direction": "inbound", "ani": "tel:+15550100001", "dnis": "tel:+15550100002"},
        {
            "mediaType": "voice",
            "direction": "outbound",
            "ani": "+1 555 0100002",
            "dnis": "sip:+15550100001@x",
        },
    ]
    conversation = read_conversation("voice")
    conversation["participants"] = [{"purpose": "customer", "sessions": sessions}]
    assert addresses(conversation) == {"tel:15550100001"}


def test_an_address_out_of_an_attribute_counts() -> None:
    """The record's `customerEmail` is among the addresses, wherever it came from."""
    conversation = read_conversation("voice")
    record = build_record(conversation, datetime.now(UTC), email_attribute="mail", address="Ada@Example.com")
    assert record.customer_addresses == {"tel:15550100001", "mailto:ada@example.com"}


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("tel:+15550100001", "tel:15550100001"),
        ("+1 (555) 010-0001", "tel:15550100001"),
        ("0015550100001", "tel:15550100001"),
        ("sip:+15550100001@edge.example;user=phone", "tel:15550100001"),
        ("tel:+15550100001;ext=12", "tel:15550100001"),
        ("0171 2345678", "tel:01712345678"),
        ("sip:ada@example.com", None),
        ("anonymous", None),
        ("12345", None),
        ("1234567890123456", None),
        ("15550100001@example.com", None),
        (17, None),
    ],
)
def test_a_number_has_one_spelling(given: object, normal: str | None) -> None:
    """Scheme, separators, plus sign, leading 00, host and extension do not matter."""
    assert normal_phone(given) == normal


@pytest.mark.parametrize(
    "given", ["Ada.Customer@Example.com", " ada.customer@example.com ", "Ada <ADA.CUSTOMER@EXAMPLE.COM>"]
)
def test_an_e_mail_address_has_one_spelling(given: str) -> None:
    """Case, blanks and a name beside it do not matter."""
    assert normal_mail(given) == MAIL


def test_a_key_says_nothing_without_the_secret() -> None:
    """The same address has the same key under one secret, another under another; kinds do not mix."""
    key = KEYS.of_phone("tel:+15550100001")
    assert key == KEYS.of_phone("+1 555 010 0001")
    assert len(key) == 64
    assert key != CustomerKeys(SecretStr("another secret of thirty characters")).of_phone("+15550100001")
    record = build_record(read_conversation("voice"), datetime.now(UTC))
    assert KEYS.of_record(record) == {key}
    assert "15550100001" not in repr(record)


def test_a_conversation_without_an_address_was_looked_at() -> None:
    """The row's set is not empty, so it is told from a row that was written without the secret."""
    record = build_record(
        read_conversation("cases/mail_from_one_of_the_centres_own_desks"), datetime.now(UTC)
    )
    assert KEYS.of_record(record) == {NO_ADDRESS}


@pytest.mark.parametrize("wrong", ["", "nobody", "12", "+49 171 x"])
def test_what_is_no_address_is_refused_and_not_repeated(wrong: str) -> None:
    """The error says what an address looks like."""
    for make in (KEYS.of_email, KEYS.of_phone):
        with pytest.raises(ValueError, match="as in") as caught:
            make(wrong)
        assert not wrong or wrong not in str(caught.value)
