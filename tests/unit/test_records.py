"""Each field of the record, from conversations of every kind."""

from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tasks.errors import PermanentError, UnreadableConversation
from tasks.records import CONTENT_FIELDS, build_record
from tests.support.records import FETCHED, Conversation, content
from tests.support.samples import conversation_names

SUPPORT, SALES = (f"90000000-0000-4000-8000-{number:012d}" for number in (1, 2))
RESOLVED, FOLLOW_UP = (f"70000000-0000-4000-8000-{number:012d}" for number in (1, 2))
ADA, BEN, CLEO = (f"b0000000-0000-4000-8000-{number:012d}" for number in (1, 2, 3))
CONTACT, EXPERT = (f"ec000000-0000-4000-8000-{number:012d}" for number in (1, 2))

VOICE = {
    "interactionId": "c0000000-0000-4000-8000-000000000101",
    "settled": True,
    "startedAt": "2026-03-02T09:00:00.000Z",
    "endedAt": "2026-03-02T09:04:00.000Z",
    "durationMs": 240_000,
    "mediaType": "voice",
    "mediaTypes": ["voice"],
    "direction": "inbound",
    "disconnectType": "peer",
    "divisionIds": ["d1000000-0000-4000-8000-000000000001"],
    "queues": [
        {
            "queueId": SUPPORT,
            "enteredAt": "2026-03-02T09:00:10.000Z",
            "leftAt": "2026-03-02T09:00:25.000Z",
            "outcome": "answered",
        }
    ],
    "queueIds": [SUPPORT],
    "primaryQueueId": SUPPORT,
    "agents": [
        {
            "userId": ADA,
            "role": "agent",
            "interacted": True,
            "firstInteractedAt": "2026-03-02T09:00:28.000Z",
            "queueIds": [SUPPORT],
            "alertMs": 3_000,
            "talkMs": 153_000,
            "holdMs": 19_000,
            "acwMs": 40_000,
            "handleMs": 212_000,
            "wrapUps": [{"code": RESOLVED, "at": "2026-03-02T09:03:20.000Z"}],
        }
    ],
    "agentId": ADA,
    "handled": True,
    "abandoned": False,
    "transfers": 0,
    "wrapUpCodes": [RESOLVED],
    "externalContactIds": [CONTACT],
    "externalContactId": CONTACT,
    "metrics": {
        "nConnected": 1,
        "nFlow": 1,
        "nOffered": 1,
        "tAcd": 15_000,
        "tAcw": 40_000,
        "tAlert": 3_000,
        "tAnswered": 3_000,
        "tConnected": 190_000,
        "tFlow": 10_000,
        "tHandle": 212_000,
        "tHeld": 20_000,
        "tHeldComplete": 20_000,
        "tIvr": 10_000,
        "tTalk": 152_000,
        "tTalkComplete": 152_000,
    },
}


def agents(content: dict[str, Any]) -> list[str]:
    """Return the user ids of a record's agents, in their order."""
    return [agent["userId"] for agent in content.get("agents", [])]


def test_a_whole_record(conversation: Conversation) -> None:
    """A call through one queue to one agent gives every field but an e-mail address."""
    assert content(conversation("voice")) == VOICE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chat", {"mediaType": "chat", "disconnectType": "client", "agentId": BEN}),
        (
            "message",
            {"mediaType": "message", "messageType": "whatsapp", "wrapUpCodes": [RESOLVED, FOLLOW_UP]},
        ),
        ("email", {"mediaType": "email", "customerEmail": "ada.customer@example.com", "agentId": CLEO}),
        (
            "outbound_email",
            {"direction": "outbound", "customerEmail": "ben.customer@example.com", "primaryQueueId": SALES},
        ),
        (
            "callback",
            {
                "mediaType": "voice",
                "mediaTypes": ["voice", "callback"],
                "disconnectType": "peer",
                "agentId": ADA,
            },
        ),
        (
            "transfer",
            {
                "queueIds": [SUPPORT, SALES],
                "primaryQueueId": SUPPORT,
                "agentId": ADA,  # Cleo was first, but did not answer
                "transfers": 1,
                "disconnectType": "endpoint",
            },
        ),
        (
            "conference",
            {
                "agentId": ADA,
                "transfers": 0,
                "disconnectType": "client",  # the customer's, not the called-in expert's
                "externalContactIds": [EXPERT],
            },
        ),
        (
            "multi_session",
            {
                "mediaType": "message",
                "mediaTypes": ["message", "cobrowse"],
                "primaryQueueId": SALES,
                "disconnectType": "timeout",
                "agentId": ADA,
            },
        ),
        (
            "abandoned",
            {
                "disconnectType": "endpoint",
                "primaryQueueId": SUPPORT,
                "durationMs": 35_000,
                "handled": False,
                "abandoned": True,
            },
        ),
        (
            "outbound",
            {"direction": "outbound", "mediaType": "voice", "agentId": ADA, "disconnectType": "peer"},
        ),
        ("unsettled", {"settled": False, "startedAt": "2026-03-02T09:00:00.000Z", "agentId": ADA}),
    ],
)
def test_kinds_of_conversations(conversation: Conversation, name: str, expected: dict[str, Any]) -> None:
    """The fields that are particular to a kind of conversation are right in its record."""
    record = content(conversation(name))
    assert {field: record.get(field) for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("abandoned", {"agents", "agentId", "wrapUpCodes", "customerEmail", "externalContactId"}),
        ("outbound", {"queues", "queueIds", "primaryQueueId", "customerEmail"}),
        ("unsettled", {"endedAt", "durationMs", "wrapUpCodes"}),
        ("voice", {"customerEmail"}),
    ],
)
def test_what_is_not_there_is_absent(conversation: Conversation, name: str, absent: set[str]) -> None:
    """A field that Genesys did not give is absent from the record, neither null nor an empty list."""
    assert not absent & content(conversation(name)).keys()


@pytest.mark.parametrize("name", conversation_names())
def test_known_fields(conversation: Conversation, name: str) -> None:
    """A record has only declared fields, and always interactionId and settled."""
    fields = content(conversation(name)).keys()
    assert {"interactionId", "settled"} <= fields <= set(CONTENT_FIELDS)


def test_only_an_end_settles(conversation: Conversation) -> None:
    """An interaction is settled exactly when the conversation has a conversationEnd."""
    details = conversation("unsettled")
    assert not build_record(details, FETCHED).settled
    assert build_record(details | {"conversationEnd": "2026-03-02T09:05:00.000Z"}, FETCHED).settled


def test_metrics_are_exact_sums(conversation: Conversation) -> None:
    """Metrics are summed over all sessions by name; fractions stay exact, whole sums are ints."""
    details = conversation("voice")
    session = details["participants"][0]["sessions"][0]
    session["metrics"] = [
        {"name": "tPart", "value": Decimal("0.1")},
        {"name": "tPart", "value": Decimal("0.20")},
        {"name": "tWhole", "value": Decimal("1.50")},
        {"name": "tWhole", "value": Decimal("2.50")},
    ]
    metrics = content(details)["metrics"]
    assert str(metrics["tPart"]) == "0.3"
    assert (metrics["tWhole"], type(metrics["tWhole"])) == (4, int)


@pytest.mark.parametrize(
    "name", ["oServiceTarget", "oMessageTurn", "tAverageAgentResponseTime", "tMaxTalk", "score", "x"]
)
def test_what_cannot_be_added_is_no_sum(conversation: Conversation, name: str) -> None:
    """Observations, averages and extremes are left out: neither their sum nor one of them is the conversation's."""
    details = conversation("voice")
    before = content(details)["metrics"]
    details["participants"][0]["sessions"][0]["metrics"].append({"name": name, "value": 20_000})
    assert content(details)["metrics"] == before


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
    """VOICE and voice are one medium; CONFERENCE_TRANSFER is conferenceTransfer; an unknown value is kept."""
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


def test_agents_of_the_same_moment(conversation: Conversation) -> None:
    """Agents who came in at the same time are in the order of their ids, whatever the order of the answer."""
    details = conversation("conference")
    for participant in details["participants"][2:4]:
        for segment in participant["sessions"][0]["segments"]:
            segment["segmentStart"] = "2026-03-02T09:00:00.000Z"
    for _ in range(2):
        assert agents(content(details)) == [ADA, BEN]
        details["participants"].reverse()


def test_queue_of_the_agent_alone(conversation: Conversation) -> None:
    """A queue on an agent's segment is the primary one, even if another participant's segment names one earlier."""
    details = conversation("outbound")
    agent, customer = details["participants"]
    agent["sessions"][0]["segments"][2]["queueId"] = SALES
    customer["sessions"][0]["segments"][0]["queueId"] = SUPPORT
    assert (content(details)["primaryQueueId"], content(details)["queueIds"]) == (SALES, [SUPPORT, SALES])


def test_same_content_same_hash(conversation: Conversation) -> None:
    """The hash depends on the content alone: not on the time of the answer, nor on fields that are not stored."""
    details = conversation("voice")
    first = build_record(details, FETCHED)
    later = build_record(details | {"externalTag": "fake"}, FETCHED + timedelta(hours=1))
    other = build_record(details | {"originatingDirection": "outbound"}, FETCHED)
    assert first.content_hash == later.content_hash != other.content_hash
    assert first.version < later.version


def test_a_records_repr_has_no_content(conversation: Conversation) -> None:
    """A record in a log line or a traceback shows no name and no address."""
    shown = repr(build_record(conversation("email"), FETCHED))
    assert "c0000000-0000-4000-8000-000000000104" in shown
    assert "example" not in shown.lower()


def test_a_version(conversation: Conversation) -> None:
    """A version has four parts; the zone of the fetch time does not matter."""
    record = build_record(conversation("voice"), FETCHED)
    assert record.version == f"1~001772496000000~{record.content_hash}"
    assert (
        build_record(conversation("voice"), FETCHED.astimezone(timezone(timedelta(hours=9)))).version
        == record.version
    )
    assert build_record(conversation("unsettled"), FETCHED).version.startswith("0~001772496000000~")


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
    """An answer without a conversation's id raises UnreadableConversation, which does not repeat it."""
    with pytest.raises(UnreadableConversation) as raised:
        build_record(details, FETCHED)
    assert isinstance(raised.value, PermanentError)
    assert "not-a-uuid" not in str(raised.value)


def test_id_alone(conversation: Conversation) -> None:
    """An id is enough for a record, and is stored in lower case."""
    identity = conversation("voice")["conversationId"]
    assert content({"conversationId": identity.upper()}) == {"interactionId": identity, "settled": False}


def test_a_person_without_any_id_is_one_person(conversation: Conversation) -> None:
    """The sessions of a participant that has neither a user id nor an id of its own are one person's."""
    details = conversation("conference")
    before = content(details)["agents"]
    for participant in details["participants"]:
        if participant["purpose"] in ("agent", "user"):
            participant.pop("userId", None)
            del participant["participantId"]
            participant["sessions"] *= 2
    after = content(details)["agents"]
    assert after == [{name: value for name, value in agent.items() if name != "userId"} for agent in before]
