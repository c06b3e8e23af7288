"""Each field of the record, from conversations of every kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tasks.errors import PermanentError
from tasks.records import CONTENT_FIELDS, UnreadableConversation, build_record
from tests.unit.conftest import conversation_names

Conversation = Callable[[str], dict[str, Any]]

FETCHED = datetime(2026, 3, 3, tzinfo=UTC)
SUPPORT, SALES = (f"90000000-0000-4000-8000-{number:012d}" for number in (1, 2))
RESOLVED, FOLLOW_UP = (f"70000000-0000-4000-8000-{number:012d}" for number in (1, 2))
ADA, BEN, CLEO = (
    {"userId": f"b0000000-0000-4000-8000-{number:012d}", "name": f"{name} Example"}
    for number, name in ((1, "Ada"), (2, "Ben"), (3, "Cleo"))
)
CONTACT, EXPERT = (f"ec000000-0000-4000-8000-{number:012d}" for number in (1, 2))


def content(conversation: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the content of the conversation's record."""
    return build_record(conversation, FETCHED, **options).content


def test_a_whole_record(conversation: Conversation) -> None:
    """A call through one queue to one agent gives every field but an e-mail address."""
    assert content(conversation("voice")) == {
        "interactionId": "c0000000-0000-4000-8000-000000000101",
        "settled": True,
        "startedAt": "2026-03-02T09:00:00.000Z",
        "endedAt": "2026-03-02T09:04:00.000Z",
        "durationMs": 240_000,
        "mediaType": "voice",
        "direction": "inbound",
        "queueIds": [SUPPORT],
        "primaryQueueId": SUPPORT,
        "agents": [ADA],
        "agentName": "Ada Example",
        "externalContactIds": [CONTACT],
        "externalContactId": CONTACT,
        "disconnectType": "peer",
        "wrapUpCodes": [RESOLVED],
        "metrics": {
            "nConnected": 1,
            "nFlow": 1,
            "nOffered": 1,
            "oServiceTarget": 80,
            "tAcd": 15_000,
            "tAcw": 40_000,
            "tAlert": 3_000,
            "tAnswered": 3_000,
            "tFlow": 10_000,
            "tHandle": 212_000,
            "tHeld": 20_000,
            "tHeldComplete": 20_000,
            "tIvr": 10_000,
            "tTalk": 152_000,
            "tTalkComplete": 152_000,
        },
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chat", {"mediaType": "chat", "disconnectType": "client", "agents": [BEN]}),
        ("message", {"mediaType": "message", "wrapUpCodes": [RESOLVED, FOLLOW_UP], "agents": [ADA]}),
        ("email", {"mediaType": "email", "customerEmail": "ada.customer@example.com", "agents": [CLEO]}),
        (
            "outbound_email",
            {"direction": "outbound", "customerEmail": "ben.customer@example.com", "primaryQueueId": SALES},
        ),
        (
            "callback",
            {"mediaType": "voice", "direction": "inbound", "disconnectType": "peer", "agents": [ADA]},
        ),
        (
            "transfer",
            {
                "queueIds": [SUPPORT, SALES],
                "primaryQueueId": SUPPORT,
                "agents": [CLEO, ADA, BEN],
                "agentName": "Ada Example",  # Cleo was first, but did not answer
                "disconnectType": "endpoint",
            },
        ),
        (
            "conference",
            {
                "agents": [ADA, BEN],
                "disconnectType": "client",  # the customer's, not the called-in expert's
                "externalContactIds": [EXPERT],
            },
        ),
        (
            "multi_session",
            {
                "mediaType": "message",
                "primaryQueueId": SALES,
                "disconnectType": "timeout",
                "agents": [ADA, BEN],
            },
        ),
        ("abandoned", {"disconnectType": "endpoint", "primaryQueueId": SUPPORT, "durationMs": 35_000}),
        (
            "outbound",
            {"direction": "outbound", "mediaType": "voice", "agents": [ADA], "disconnectType": "peer"},
        ),
        ("unsettled", {"settled": False, "startedAt": "2026-03-02T09:00:00.000Z", "agents": [ADA]}),
    ],
)
def test_kinds_of_conversations(conversation: Conversation, name: str, expected: dict[str, Any]) -> None:
    """What is particular to a kind of conversation is right in its record."""
    record = content(conversation(name))
    assert {field: record.get(field) for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("abandoned", {"agents", "agentName", "wrapUpCodes", "customerEmail", "externalContactId"}),
        ("outbound", {"queueIds", "primaryQueueId", "customerEmail"}),
        ("unsettled", {"endedAt", "durationMs", "wrapUpCodes"}),
        ("voice", {"customerEmail"}),
    ],
)
def test_what_is_not_there_is_absent(conversation: Conversation, name: str, absent: set[str]) -> None:
    """A field that Genesys did not give is not in the record, neither as null nor as an empty list."""
    assert not absent & content(conversation(name)).keys()


@pytest.mark.parametrize("name", conversation_names())
def test_known_fields(conversation: Conversation, name: str) -> None:
    """A record has no field but the declared ones, and always an id and whether it is settled."""
    fields = content(conversation(name)).keys()
    assert {"interactionId", "settled"} <= fields <= set(CONTENT_FIELDS)


def test_only_an_end_settles(conversation: Conversation) -> None:
    """Without conversationEnd the interaction is not settled, however much of it is over; with it, it is."""
    details = conversation("unsettled")
    assert not build_record(details, FETCHED).settled
    assert build_record(details | {"conversationEnd": "2026-03-02T09:05:00.000Z"}, FETCHED).settled


def test_metrics_are_exact_sums(conversation: Conversation) -> None:
    """Metrics are summed over all sessions by name; fractions stay exact, whole sums are ints."""
    details = conversation("voice")
    session = details["participants"][0]["sessions"][0]
    session["metrics"] = [
        {"name": "oScore", "value": Decimal("0.1")},
        {"name": "oScore", "value": Decimal("0.20")},
        {"name": "tWhole", "value": Decimal("1.50")},
        {"name": "tWhole", "value": Decimal("2.50")},
    ]
    metrics = content(details)["metrics"]
    assert str(metrics["oScore"]) == "0.3"
    assert (metrics["tWhole"], type(metrics["tWhole"])) == (4, int)
    assert content(conversation("message"))["metrics"]["nConnected"] == 2


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00.000Z"),
        ("2026-03-02T10:00:00.1239+01:00", "2026-03-02T09:00:00.123Z"),
        ("2026-03-02T09:00:00.5", "2026-03-02T09:00:00.500Z"),
    ],
)
def test_times_are_utc_to_the_millisecond(conversation: Conversation, given: str, shown: str) -> None:
    """Every spelling of a time is stored as the same 24 characters."""
    assert content(conversation("voice") | {"conversationStart": given})["startedAt"] == shown


def test_enumerations_have_one_spelling(conversation: Conversation) -> None:
    """VOICE, Voice and voice are one medium; CONFERENCE_TRANSFER is conferenceTransfer; new values stay."""
    details = conversation("abandoned")
    customer = details["participants"][0]
    customer["purpose"] = "CUSTOMER"
    customer["sessions"][0]["mediaType"] = "VOICE"
    customer["sessions"][0]["segments"][-1]["disconnectType"] = "CONFERENCE_TRANSFER"
    details["originatingDirection"] = "SIDEWAYS"
    record = content(details)
    assert (record["mediaType"], record["disconnectType"], record["direction"]) == (
        "voice",
        "conferenceTransfer",
        "sideways",
    )


def test_direction_of_the_first_session(conversation: Conversation) -> None:
    """Without an originating direction the customer's first session's counts."""
    details = conversation("callback")
    del details["originatingDirection"]
    assert content(details)["direction"] == "inbound"


def test_media_beside_the_first(conversation: Conversation) -> None:
    """A shared screen that was opened at the same time is not what the conversation is about."""
    details = conversation("multi_session")
    message = details["participants"][0]["sessions"][0]
    message["segments"][0]["segmentStart"] = "2026-03-02T09:00:01.000Z"
    assert content(details)["mediaType"] == "message"


def test_email_attribute(conversation: Conversation) -> None:
    """The attribute that is asked for gives the address; one that is not there leaves the session's."""
    details = conversation("email")
    details["participants"][0]["attributes"] = {
        "contact.email": " Ada <ada.home@example.com> ",
        "note": "none",
    }
    assert content(details, email_attribute="contact.email")["customerEmail"] == "ada.home@example.com"
    assert content(details, email_attribute="note")["customerEmail"] == "ada.customer@example.com"
    assert content(details)["customerEmail"] == "ada.customer@example.com"


def test_an_attribute_leaves_the_hash_of_the_details_alone(conversation: Conversation) -> None:
    """Who has only the details can tell that they are the same, whatever the attribute says."""
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
    """Whatever a mail program writes around it; none is invented, nor taken from a name that looks like one."""
    details = conversation("email")
    details["participants"][0]["sessions"][0]["addressFrom"] = given
    for other in details["participants"][1:]:
        for session in other["sessions"]:
            session.pop("addressFrom", None)
    assert content(details).get("customerEmail") == address


def test_an_agents_forward_names_no_customer(conversation: Conversation) -> None:
    """Where the customer's address cannot be read, that of somebody whom an agent wrote to does not replace it."""
    details = conversation("email")
    details["participants"][0]["sessions"][0]["addressFrom"] = "Ada Customer"
    for other in details["participants"][1:]:
        for session in other["sessions"]:
            session |= {"direction": "outbound", "addressTo": "expert@partner.example"}
    assert "customerEmail" not in content(details)


def test_an_unknown_direction_is_the_conversations(conversation: Conversation) -> None:
    """A session that does not say which way it went went as the conversation did."""
    details = conversation("outbound_email")
    before = content(details)["customerEmail"]
    for participant in details["participants"]:
        for session in participant["sessions"]:
            session["direction"] = "unknown"
    assert content(details)["customerEmail"] == before


def test_a_segment_without_times_is_not_the_last(conversation: Conversation) -> None:
    """How the customer left is told by the last segment that has a time."""
    details = conversation("voice")
    segments = details["participants"][0]["sessions"][0]["segments"]
    segments.append({"segmentType": "interact", "disconnectType": "transfer"})
    assert content(details)["disconnectType"] == "peer"


def test_contacts_by_closeness(conversation: Conversation) -> None:
    """The customer's contact is the first, whoever else came in before."""
    details = conversation("conference")
    details["participants"][0]["externalContactId"] = "ff000000-0000-4000-8000-000000000001"
    assert content(details)["externalContactIds"] == ["ff000000-0000-4000-8000-000000000001", EXPERT]


def test_contacts_by_first_appearance(conversation: Conversation) -> None:
    """A contact stands where it came in first, however often it did."""
    details = conversation("conference")
    template = details["participants"].pop()
    for number, (contact, minute) in enumerate([(EXPERT, 1), (CONTACT, 2), (EXPERT, 3)]):
        session = {"segments": [{"segmentStart": f"2026-03-02T09:0{minute}:00.000Z"}]}
        details["participants"].append(
            template | {"participantId": str(number), "externalContactId": contact, "sessions": [session]}
        )
    assert content(details)["externalContactIds"] == [EXPERT, CONTACT]


def test_experts_are_not_the_customer(conversation: Conversation) -> None:
    """An external party beside the customer decides neither the medium nor how the customer left."""
    details = conversation("conference")
    expert = details["participants"][-1]["sessions"][0]
    expert["mediaType"] = "video"
    expert["segments"][0]["segmentStart"] = "2026-03-02T08:59:00.000Z"
    expert["segments"][-1]["segmentEnd"] = "2026-03-02T09:30:00.000Z"
    assert (content(details)["mediaType"], content(details)["disconnectType"]) == ("voice", "client")


def test_agents_of_the_same_moment(conversation: Conversation) -> None:
    """Agents who came in at the same time are in the order of their ids, in whichever order they are told."""
    details = conversation("conference")
    for participant in details["participants"][2:4]:
        participant["sessions"][0]["segments"][0]["segmentStart"] = "2026-03-02T09:00:00.000Z"
    for _ in range(2):
        assert content(details)["agents"] == [ADA, BEN]
        details["participants"].reverse()


def test_queue_of_the_agent_alone(conversation: Conversation) -> None:
    """A queue that is only on an agent's leg counts, and before one that is on another's earlier leg."""
    details = conversation("outbound")
    agent, customer = details["participants"]
    agent["sessions"][0]["segments"][2]["queueId"] = SALES
    customer["sessions"][0]["segments"][0]["queueId"] = SUPPORT
    assert (content(details)["primaryQueueId"], content(details)["queueIds"]) == (SALES, [SUPPORT, SALES])


def test_same_content_same_hash(conversation: Conversation) -> None:
    """The hash tells content apart and nothing else: not when it was fetched, nor what is not kept."""
    details = conversation("voice")
    first = build_record(details, FETCHED)
    later = build_record(details | {"externalTag": "fake"}, FETCHED + timedelta(hours=1))
    other = build_record(details | {"originatingDirection": "outbound"}, FETCHED)
    assert first.content_hash == later.content_hash != other.content_hash
    assert first.version < later.version


def test_records_keep_their_content_to_themselves(conversation: Conversation) -> None:
    """A record in a log line or a traceback shows no name and no address."""
    shown = repr(build_record(conversation("email"), FETCHED))
    assert "c0000000-0000-4000-8000-000000000104" in shown
    assert "example" not in shown.lower()


def test_a_version(conversation: Conversation) -> None:
    """A version shows its four parts; the zone in which the fetch time is written does not matter."""
    record = build_record(conversation("voice"), FETCHED)
    assert record.version == f"1|2026-03-02T09:04:00.000Z|001772496000000|{record.content_hash}"
    assert (
        build_record(conversation("voice"), FETCHED.astimezone(timezone(timedelta(hours=9)))).version
        == record.version
    )
    assert build_record(conversation("unsettled"), FETCHED).version.startswith("0||001772496000000|")


@pytest.mark.parametrize(
    "details",
    [
        None,
        5,
        [],
        "text",
        {},
        {"conversationId": None},
        {"conversationId": 5},
        {"conversationId": "not-a-uuid"},
    ],
)
def test_no_conversation(details: Any) -> None:
    """An answer without a conversation's id is a permanent failure, and says so without repeating it."""
    with pytest.raises(UnreadableConversation) as raised:
        build_record(details, FETCHED)
    assert isinstance(raised.value, PermanentError)
    assert "not-a-uuid" not in str(raised.value)


def test_id_alone(conversation: Conversation) -> None:
    """An id is enough for a record; it is in lower case."""
    identity = conversation("voice")["conversationId"]
    assert content({"conversationId": identity.upper()}) == {"interactionId": identity, "settled": False}
