"""The Genesys simulator's conversations are consistent, varied, and equal in both models."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.conversations.details import conversation
from deployments.sandbox.genesys.conversations.organization import FLOWS, MAILBOXES, NUMBERS, QUEUES
from deployments.sandbox.genesys.conversations.timestamps import timestamp
from tests.support.simulator import MESSAGE_TYPES, Json, SimulatorClient, new_ids, segments

EARLIEST_MS = 40  # so much before the start a first segment may begin


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
def test_conversations_are_consistent(identifier: UUID) -> None:
    """All moments lie between start and end, but for a first segment some ms early; only people have a userId."""
    details, end = conversation(str(identifier), 1_768_435_200_000)
    moments = _moments(details)
    assert timestamp(1_768_435_200_000 - EARLIEST_MS) <= min(moments)
    assert max(moments) <= details["conversationEnd"] == timestamp(end)
    for participant in details["participants"]:
        assert ("userId" in participant) == (participant["purpose"] in ("agent", "user"))
        for session in participant["sessions"]:
            assert session["segments"]
            assert all(each["value"] >= 0 for each in session["metrics"])
            assert all(each["segmentStart"] <= each["segmentEnd"] for each in session["segments"])
            starts = [each["segmentStart"] for each in session["segments"]]
            assert starts == sorted(starts)


def test_conversations_have_every_medium_and_purpose() -> None:
    """Among 600 ids is every medium, purpose, direction and segment type that the pipeline handles."""
    all_details = [conversation(str(UUID(int=n * 7919, version=4)), 0)[0] for n in range(600)]
    participants = [p for details in all_details for p in details["participants"]]
    sessions = [s for p in participants for s in p["sessions"]]
    segments = [s for session in sessions for s in session["segments"]]
    assert {s["mediaType"] for s in sessions} == {"voice", "callback", "chat", "message", "email"}
    purposes = {p["purpose"] for p in participants}
    assert purposes >= {"customer", "external", "ivr", "acd", "agent", "user", "workflow", "voicemail"}
    assert {s["direction"] for s in sessions} == {"inbound", "outbound"}
    kinds = {s["segmentType"] for s in segments}
    assert kinds >= {"ivr", "interact", "hold", "alert", "wrapup", "system", "voicemail", "delay", "dialing"}
    assert kinds >= {"contacting", "monitoring", "coaching", "barging"}
    assert any("outboundCampaignId" in s for s in sessions)
    assert any(s["conference"] for s in segments)
    assert any("externalContactId" in p for p in participants)
    assert any(isinstance(details.get("mediaStatsMinConversationMos"), float) for details in all_details)


def _agents(details: Json) -> int:
    return len({p["userId"] for p in details["participants"] if p["purpose"] in ("agent", "user")})


def _queues(details: Json) -> int:
    segments = [s for p in details["participants"] for each in p["sessions"] for s in each["segments"]]
    return len({s["queueId"] for s in segments if "queueId" in s})


def test_numbers_of_agents_queues_and_customers_vary() -> None:
    """There are conversations with no, one and two agents and queues, and with up to three customers."""
    all_details = _some(2000)
    assert {_agents(details) for details in all_details} >= {0, 1, 2}
    assert {_queues(details) for details in all_details} >= {0, 1, 2}
    customers = [[*_of(details, "customer"), *_of(details, "external")] for details in all_details]
    assert {len(each) for each in customers} >= {0, 1, 2, 3}


def test_some_participants_have_several_sessions() -> None:
    """Consulting agents, reconnected customers and callbacks, which need up to four attempts: two to five sessions."""
    every = _some(2000)
    several = [p for details in every for p in details["participants"] if len(p["sessions"]) > 1]
    assert {p["purpose"] for p in several} == {"agent", "customer"}
    assert 100 < len(several) < 400
    assert {len(p["sessions"]) for p in several} == {2, 3, 4, 5}
    for participant in several:
        ids = [session["sessionId"] for session in participant["sessions"]]
        assert len(set(ids)) == len(ids)


def test_t_answered_starts_at_the_queue(genesys: SimulatorClient) -> None:
    """TAnswered is the time from entering the queue to the agent's answer; only agents have it."""
    waits = 0
    for details in genesys.details(*new_ids(100)).values():
        queued = [p["sessions"][0]["segments"] for p in _of(details, "acd")]
        entered = {first["segmentStart"] for first, *_ in queued}
        assert all(first["segmentType"] == "delay" for first, *_ in queued)
        for participant in details["participants"]:
            for session in participant["sessions"]:
                for wait in (m for m in session["metrics"] if m["name"] == "tAnswered"):
                    began = timestamp(_ms(wait["emitDate"]) - wait["value"])
                    assert (participant["purpose"], began in entered) == ("agent", True)
                    waits += wait["value"] > 0
    assert waits > 20


def _of(details: Json, purpose: str) -> list[Json]:
    return [p for p in details["participants"] if p["purpose"] == purpose]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _share(part: list[Json], whole: list[Json]) -> float:
    return len(part) / len(whole)


def test_details_name_hardly_any_agent() -> None:
    """Of 35 agents one has a name; queues and flows have theirs, which are no person's."""
    people = [p for details in _some(2000) for p in details["participants"] if "userId" in p]
    assert 0.01 < _share([p for p in people if "participantName" in p], people) < 0.06
    machines = [p for details in _some(2000) for purpose in ("acd", "ivr") for p in _of(details, purpose)]
    names = {one.name for one in (*QUEUES, *FLOWS)}
    assert {p["participantName"] for p in machines} <= names


def test_internal_legs_of_mails_and_messages_are_mirrored() -> None:
    """They go from the centre to the customer, whatever the direction; some mail customers' sessions have none."""
    centre, without = {*MAILBOXES, *NUMBERS}, 0
    mails = [
        d for d in _some(2000) if d["participants"][0]["sessions"][0]["mediaType"] in ("email", "message")
    ]
    for details in mails:
        for participant in details["participants"]:
            inside = participant["purpose"] not in ("customer", "external")
            for session in participant["sessions"]:
                without += "addressFrom" not in session
                assert not inside or session["addressFrom"] in centre
                assert session.get("addressTo" if inside else "addressFrom") not in centre
    assert without > 10
    senders = {
        p["purpose"] for d in mails for p in d["participants"] if p["purpose"] in ("customer", "external")
    }
    assert senders == {"customer", "external"}


def test_segments_are_no_tidy_chain() -> None:
    """Some have no length, some sessions have a gap or an overlap, some conversations begin before their start."""
    every = _some(2000)
    sessions = [s["segments"] for d in every for p in d["participants"] for s in p["sessions"]]
    pairs = [(one, other) for s in sessions for one, other in pairwise(s)]
    assert any(s["segmentStart"] == s["segmentEnd"] for each in sessions for s in each)
    assert any(one["segmentEnd"] < other["segmentStart"] for one, other in pairs)
    assert any(one["segmentEnd"] > other["segmentStart"] for one, other in pairs)
    early = [d for d in every if min(s["segmentStart"] for s in segments(d)) < d["conversationStart"]]
    assert 0.1 < _share(early, every) < 0.3
    assert {d["participants"][0]["purpose"] for d in every} >= {
        "customer",
        "external",
        "ivr",
        "agent",
        "user",
    }


def test_wrap_ups_are_as_various_as_genesys_own() -> None:
    """A fifth has no code, half have one of Genesys's own, most notes are empty, and all have a disconnectType."""
    every = [s for d in _some(2000) for s in segments(d) if s["segmentType"] == "wrapup"]
    assert 0.12 < _share([s for s in every if "wrapUpCode" not in s], every) < 0.26
    assert 0.4 < _share([s for s in every if s.get("wrapUpCode", "").startswith("ININ-")], every) < 0.6
    assert 0.5 < _share([s for s in every if s.get("wrapUpNote") == ""], every) < 0.95
    assert all("disconnectType" in s for s in every)


def test_metrics_are_no_simple_sums() -> None:
    """Repeated names, averages and observations; nConnected of customers only; handling without an answer."""
    repeated, averages, unanswered = 0, 0, 0
    for details in _some(1000):
        for participant in details["participants"]:
            for session in participant["sessions"]:
                names = [m["name"] for m in session["metrics"]]
                repeated += names.count("tTalk") > 1
                averages += "tAverageAgentResponseTime" in names
                unanswered += {"tNotResponding", "tAcw", "tHandle"} <= set(names)
                assert "nConnected" not in names or participant["purpose"] in ("customer", "external")
    assert repeated > 20
    assert averages > 20
    assert unanswered > 5


def test_some_conversations_belong_to_others() -> None:
    """Consults name the conversation that they are about, and those that were consulted about name the consult."""
    every = _some(2000)
    consulted = [d for d in every if "consultationConversationIds" in d]
    ends = [s for d in consulted for s in segments(d) if "destinationConversationId" in s]
    assert {s["destinationConversationId"] for s in ends} == {
        id_ for d in consulted for id_ in d["consultationConversationIds"]
    }
    assert any("associatedConversationId" in d for d in every)
    assert any({p["purpose"] for p in d["participants"]} == {"user"} for d in every)


def test_some_connections_fail() -> None:
    """Of 2,000 conversations 10 to 200 have a customer session that ends with error or timeout."""
    every = _some(2000)
    customers = [p for details in every for p in _of(details, "customer")]
    ends = [s["segments"][-1]["disconnectType"] for p in customers for s in p["sessions"]]
    assert 10 < sum(each in ("error", "timeout") for each in ends) < 200
    assert {"error", "timeout"} <= set(ends)


def test_message_types_are_genesys_own() -> None:
    """In lower case, as in the details, and only Genesys's own; every message session has one."""
    every = _some(2000)
    sessions = [s for details in every for p in details["participants"] for s in p["sessions"]]
    found = {s["messageType"] for s in sessions if "messageType" in s}
    assert {"sms", "whatsapp", "webmessaging", "facebook", "open"} <= found <= MESSAGE_TYPES
    assert all("messageType" in s for s in sessions if s["mediaType"] == "message")


def test_the_operational_conversation_matches_the_details(genesys: SimulatorClient) -> None:
    """GET /api/v2/conversations/{id} has the same participants, users and end, and the customer's attributes."""
    for conversation_id, details in genesys.details(*new_ids(20)).items():
        seen = genesys.get(f"/api/v2/conversations/{conversation_id}").json()
        assert (seen["id"], seen["endTime"]) == (conversation_id, details["conversationEnd"])
        ours, theirs = details["participants"], seen["participants"]
        assert [p["participantId"] for p in ours] == [p["id"] for p in theirs]
        assert [p.get("userId") for p in ours] == [p.get("userId") for p in theirs]
        people = [p for p in theirs if p["purpose"] in ("customer", "external")]
        assert all("@" in p["attributes"]["customerEmail"] for p in people)


def test_some_conversations_are_surveyed_and_evaluated() -> None:
    """A survey is filled in or not, an evaluation finished or not: only then they have scores."""
    every = _some(4000)
    surveys = [each for details in every for each in details.get("surveys", ())]
    evaluations = [each for details in every for each in details.get("evaluations", ())]
    assert 60 < len(surveys) < 200
    assert 60 < len(evaluations) < 200
    for each in surveys:
        finished = each["surveyStatus"] == "Finished"
        assert {
            name in each for name in ("surveyPromoterScore", "oSurveyTotalScore", "surveyCompletedDate")
        } == {finished}
    for each in evaluations:
        assert (each["evaluationStatus"] == "Finished") == ("oTotalScore" in each) == each["released"]
    assert {each["surveyStatus"] for each in surveys} == {"Finished", "Sent", "Expired", "OptOut"}
    assert {each["evaluationStatus"] for each in evaluations} == {"Finished", "Pending"}


def test_who_is_evaluated_took_part() -> None:
    """The agent of a survey or an evaluation is one of the conversation's, and its queue one of its queues."""
    for details in _some(4000):
        agents = {p["userId"] for p in _of(details, "agent")}
        queues = {each.get("queueId") for each in segments(details)}
        for each in (*details.get("surveys", ()), *details.get("evaluations", ())):
            assert ("userId" in each) == bool(agents)
            assert each.get("userId") in agents | {None}
            assert each.get("queueId") in queues | {None}
