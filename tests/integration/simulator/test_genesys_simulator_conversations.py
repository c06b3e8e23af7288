"""The conversations of the Genesys simulator: of every kind, each one possible, and the same in both models."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.conversations import conversation
from deployments.sandbox.genesys.scene import stamp
from tests.integration.genesys_simulator import MESSAGE_TYPES, Genesys, Json, new_ids


@cache
def _some(count: int) -> list[Json]:
    return [conversation(str(UUID(int=n * 104_729, version=4)), 0)[0] for n in range(count)]


def _moments(details: Json) -> set[str]:
    segments = [s for p in details["participants"] for each in p["sessions"] for s in each["segments"]]
    metrics = [m for p in details["participants"] for each in p["sessions"] for m in each["metrics"]]
    times = {s[edge] for s in segments for edge in ("segmentStart", "segmentEnd")}
    return times | {m["emitDate"] for m in metrics}


@settings(deadline=None)
@given(st.uuids())
def test_conversations_hold_together(identifier: UUID) -> None:
    """Nothing happens before the start or after the end, no measure is negative, agents are users."""
    details, end = conversation(str(identifier), 1_768_435_200_000)
    moments = _moments(details)
    assert details["conversationStart"] <= min(moments)
    assert max(moments) <= details["conversationEnd"] == stamp(end)
    for participant in details["participants"]:
        assert ("userId" in participant) == (participant["purpose"] in ("agent", "user"))
        for session in participant["sessions"]:
            assert session["segments"]
            assert all(each["value"] >= 0 for each in session["metrics"])
            assert all(each["segmentStart"] <= each["segmentEnd"] for each in session["segments"])


def test_conversations_are_of_every_kind() -> None:
    """A few hundred ids show every medium, purpose and turn that the pipeline has to understand."""
    all_details = [conversation(str(UUID(int=n * 7919, version=4)), 0)[0] for n in range(600)]
    participants = [p for details in all_details for p in details["participants"]]
    sessions = [s for p in participants for s in p["sessions"]]
    segments = [s for session in sessions for s in session["segments"]]
    assert {s["mediaType"] for s in sessions} == {"voice", "callback", "chat", "message", "email"}
    purposes = {p["purpose"] for p in participants}
    assert purposes >= {"customer", "external", "ivr", "acd", "agent", "user", "workflow", "voicemail"}
    assert {s["direction"] for s in sessions} == {"inbound", "outbound"}
    kinds = {s["segmentType"] for s in segments}
    assert kinds >= {"ivr", "interact", "hold", "alert", "wrapup", "system", "voicemail"}
    assert any("outboundCampaignId" in s for s in sessions)
    assert any(s["conference"] for s in segments)
    assert any("externalContactId" in p for p in participants)
    assert any(isinstance(details.get("mediaStatsMinConversationMos"), float) for details in all_details)


def _agents(details: Json) -> int:
    return len({p["userId"] for p in details["participants"] if p["purpose"] in ("agent", "user")})


def _queues(details: Json) -> int:
    segments = [s for p in details["participants"] for each in p["sessions"] for s in each["segments"]]
    return len({s["queueId"] for s in segments if "queueId" in s})


def test_conversations_have_none_one_or_several_of_everything() -> None:
    """There are calls without an agent or a queue, and with two of each; customers with several sessions."""
    all_details = [conversation(str(UUID(int=n * 104_729, version=4)), 0)[0] for n in range(400)]
    assert {_agents(details) for details in all_details} >= {0, 1, 2}
    assert {_queues(details) for details in all_details} >= {0, 1, 2}
    customers = [[p for p in d["participants"] if p["purpose"] == "customer"] for d in all_details]
    assert {len(each) for each in customers} >= {0, 1, 2, 3}


def test_a_few_participants_have_two_sessions() -> None:
    """An agent who consults, a customer whose connection broke: a few per cent; what both measured is a sum."""
    every = _some(2000)
    several = [p for details in every for p in details["participants"] if len(p["sessions"]) > 1]
    assert {p["purpose"] for p in several} == {"agent", "customer"}
    assert 40 < len(several) < 160
    for participant in several:
        names = [{m["name"] for m in session["metrics"]} for session in participant["sessions"]]
        assert set.intersection(*names)
        assert len({session["sessionId"] for session in participant["sessions"]}) == len(names) == 2


def test_an_agent_answers_after_the_wait(genesys: Genesys) -> None:
    """The metric tAnswered is the time from entering the queue until an agent answered, and is nowhere else."""
    waits = 0
    for details in genesys.details(*new_ids(100)).values():
        entered = {p["sessions"][0]["segments"][0]["segmentStart"] for p in _of(details, "acd")}
        for participant in details["participants"]:
            for session in participant["sessions"]:
                for wait in (m for m in session["metrics"] if m["name"] == "tAnswered"):
                    began = stamp(_ms(wait["emitDate"]) - wait["value"])
                    assert (participant["purpose"], began in entered) == ("agent", True)
                    waits += wait["value"] > 0
    assert waits > 20


def _of(details: Json, purpose: str) -> list[Json]:
    return [p for p in details["participants"] if p["purpose"] == purpose]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_connections_break_now_and_then() -> None:
    """A few customers do not hang up: they are lost by an error or a timeout."""
    every = _some(2000)
    customers = [p for details in every for p in _of(details, "customer")]
    ends = [s["segments"][-1]["disconnectType"] for p in customers for s in p["sessions"]]
    assert 10 < sum(each in ("error", "timeout") for each in ends) < 200
    assert {"error", "timeout"} <= set(ends)


def test_message_types_are_genesys_own() -> None:
    """Lower case, as the details have them, and none but those that Genesys knows."""
    every = _some(2000)
    sessions = [s for details in every for p in details["participants"] for s in p["sessions"]]
    found = {s["messageType"] for s in sessions if "messageType" in s}
    assert {"sms", "whatsapp", "webmessaging", "facebook", "open"} <= found <= MESSAGE_TYPES
    assert all("messageType" in s for s in sessions if s["mediaType"] == "message")


def test_the_operational_conversation_matches_the_details(genesys: Genesys) -> None:
    """GET /api/v2/conversations/{id} tells the same story, with names for ids and with attributes."""
    for conversation_id, details in genesys.details(*new_ids(20)).items():
        seen = genesys.get(f"/api/v2/conversations/{conversation_id}").json()
        assert (seen["id"], seen["endTime"]) == (conversation_id, details["conversationEnd"])
        ours, theirs = details["participants"], seen["participants"]
        assert [p["participantId"] for p in ours] == [p["id"] for p in theirs]
        assert [p.get("userId") for p in ours] == [p.get("userId") for p in theirs]
        people = [p for p in theirs if p["purpose"] in ("customer", "external")]
        assert all("@" in p["attributes"]["customerEmail"] for p in people)
