"""What the record says of the customer: address, contacts, medium, direction, how they left."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.records import build_record
from tests.support.records import FETCHED, Conversation, content

CONTACT, EXPERT = (f"ec000000-0000-4000-8000-{number:012d}" for number in (1, 2))


def test_direction_of_the_first_session(conversation: Conversation) -> None:
    """Without an originating direction the direction is that of the customer's first session."""
    details = conversation("callback")
    del details["originatingDirection"]
    assert content(details)["direction"] == "inbound"


def test_media_beside_the_first(conversation: Conversation) -> None:
    """A cobrowse session that starts first does not give the conversation's medium."""
    details = conversation("multi_session")
    message = details["participants"][0]["sessions"][0]
    message["segments"][0]["segmentStart"] = "2026-03-02T09:00:01.000Z"
    assert content(details)["mediaType"] == "message"


def test_email_attribute(conversation: Conversation) -> None:
    """The address is the named attribute's; without one it is the session's."""
    details = conversation("email")
    details["participants"][0]["attributes"] = {
        "contact.email": " Ada <ada.home@example.com> ",
        "note": "none",
    }
    assert content(details, email_attribute="contact.email")["customerEmail"] == "ada.home@example.com"
    assert content(details, email_attribute="note")["customerEmail"] == "ada.customer@example.com"
    assert content(details)["customerEmail"] == "ada.customer@example.com"


def test_an_attribute_leaves_the_hash_of_the_details_alone(conversation: Conversation) -> None:
    """`details_hash` is the hash without the attribute, so that the details alone can be compared."""
    details = conversation("email")
    plain = build_record(details, FETCHED, email_attribute="mail")
    details["participants"][0]["attributes"] = {"mail": "ada.home@example.com"}
    record = build_record(details, FETCHED, email_attribute="mail")
    assert (plain.details_hash, record.details_hash) == (None, plain.content_hash)
    assert record.content_hash != plain.content_hash


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("Ada <ada@example.com>", "ada@example.com"),
        ('"info@shop.example via Mail" <ada@example.com>', "ada@example.com"),
        ("'ada@example.com'", "ada@example.com"),
        ("ada.o'brien@example.com", "ada.o'brien@example.com"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("mailto:ada@example.com?subject=hi", "ada@example.com"),
        ("..@example.com", None),
        ("ada@..", None),
        ("ada@'", None),
        ("ada@example.com, ben@example.com", "ada@example.com"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
        (f"{'a' * 70}@example.com", None),  # nobody's; its last 64 characters would be somebody else's
        ("Ada Customer", None),
        ("<>", None),
        (7, None),
    ],
)
def test_an_address_is_taken_whole_or_not_at_all(
    conversation: Conversation, given: Any, address: str | None
) -> None:
    """An address is found in what mail programs write around it; none is invented or taken from a display name."""
    details = conversation("email")
    details["participants"][0]["sessions"][0]["addressFrom"] = given
    for other in details["participants"][1:]:
        for session in other["sessions"]:
            session.pop("addressFrom", None)
    assert content(details).get("customerEmail") == address


def test_an_agents_forward_names_no_customer(conversation: Conversation) -> None:
    """Where the customer's address cannot be read, no address of an agent's session replaces it."""
    details = conversation("email")
    details["participants"][0]["sessions"][0]["addressFrom"] = "Ada Customer"
    for other in details["participants"][1:]:
        for session in other["sessions"]:
            session |= {"direction": "outbound", "addressTo": "expert@partner.example"}
    assert "customerEmail" not in content(details)


def test_an_unknown_direction_is_the_conversations(conversation: Conversation) -> None:
    """A session of unknown direction has the conversation's direction."""
    details = conversation("outbound_email")
    before = content(details)["customerEmail"]
    for participant in details["participants"]:
        for session in participant["sessions"]:
            session["direction"] = "unknown"
    assert content(details)["customerEmail"] == before


def test_a_segment_without_times_is_not_the_last(conversation: Conversation) -> None:
    """The disconnect type is that of the last segment with a time."""
    details = conversation("voice")
    segments = details["participants"][0]["sessions"][0]["segments"]
    segments.append({"segmentType": "interact", "disconnectType": "transfer"})
    assert content(details)["disconnectType"] == "peer"


def test_the_customers_contact_is_the_first(conversation: Conversation) -> None:
    """The customer's contact goes before one that came in earlier."""
    details = conversation("conference")
    details["participants"][0]["externalContactId"] = "ff000000-0000-4000-8000-000000000001"
    assert content(details)["externalContactIds"] == ["ff000000-0000-4000-8000-000000000001", EXPERT]


def test_contacts_by_first_appearance(conversation: Conversation) -> None:
    """Contacts are in the order of their first session."""
    details = conversation("conference")
    template = details["participants"].pop()
    for number, (contact, minute) in enumerate([(EXPERT, 1), (CONTACT, 2), (EXPERT, 3)]):
        session = {"segments": [{"segmentStart": f"2026-03-02T09:0{minute}:00.000Z"}]}
        details["participants"].append(
            template | {"participantId": str(number), "externalContactId": contact, "sessions": [session]}
        )
    assert content(details)["externalContactIds"] == [EXPERT, CONTACT]


def test_experts_are_not_the_customer(conversation: Conversation) -> None:
    """An external party beside the customer decides neither the medium nor the disconnect type."""
    details = conversation("conference")
    expert = details["participants"][-1]["sessions"][0]
    expert["mediaType"] = "video"
    expert["segments"][0]["segmentStart"] = "2026-03-02T08:59:00.000Z"
    expert["segments"][-1]["segmentEnd"] = "2026-03-02T09:30:00.000Z"
    assert (content(details)["mediaType"], content(details)["disconnectType"]) == ("voice", "client")
