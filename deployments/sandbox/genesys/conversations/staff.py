"""Scenarios among the centre's own people: calls between users, supervisors, consults in conversations of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations.builder import (
    AgentBehaviour,
    ConversationBuilder,
    add_agent,
    add_flow,
    add_queue,
    metric,
    segment,
)
from deployments.sandbox.genesys.conversations.customers import add_customer, end_customer_session
from deployments.sandbox.genesys.conversations.organization import QUEUES, USERS
from deployments.sandbox.genesys.conversations.timestamps import epoch_ms

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.organization import Named

# What a supervisor does, in this order: segment, metric, and the session's field for the agent's participant.
SUPERVISION = (
    ("monitoring", "tMonitoring", "monitoredParticipantId"),
    ("coaching", "tCoaching", "coachedParticipantId"),
    ("barging", "tBarging", "bargedParticipantId"),
)


def user_calls_user(builder: ConversationBuilder) -> None:
    """A user calls a colleague: no customer, and the talk of both is one call."""
    caller, called = USERS[builder.rng.below(20)], USERS[20 + builder.rng.below(20)]
    builder.session_extras = {"ani": _station(caller), "dnis": _station(called)}
    builder.direction = "outbound"
    out = builder.add_session(builder.add_participant("user", userId=caller.id))
    builder.direction = "inbound"
    rings = builder.add_session(builder.add_participant("user", userId=called.id))
    dialed = builder.now
    alerted = dialed + builder.rng.between(100, 900)
    builder.advance(2, 12)
    answered, talk = builder.now, builder.advance(10, 600)
    out["segments"] = [
        segment("dialing", dialed, answered),
        segment("interact", answered, builder.now, disconnectType="client"),
    ]
    rings["segments"] = [
        segment("alert", alerted, answered),
        segment("interact", answered, builder.now, disconnectType="peer"),
    ]
    rings["metrics"].append(metric("tAlert", answered - alerted, answered))
    for session in (out, rings):
        session["metrics"] += [metric("tTalk", talk, builder.now), metric("tTalkComplete", talk, builder.now)]


def _station(user: Named) -> str:
    return f"sip:{user.id.replace('-', '')}@simulated.orgspan.example"


def supervised_call(builder: ConversationBuilder) -> None:
    """A supervisor listens to an agent's call, whispers to the agent, and in some calls talks to the customer, too."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    add_agent(builder, USERS[builder.rng.below(20)], queue, AgentBehaviour(min_talk=120, disconnect="peer"))
    agent = builder.participants[-1]
    talk = next(each for each in agent["sessions"][-1]["segments"] if each["segmentType"] == "interact")
    end_customer_session(builder, customer, "endpoint")
    builder.direction = "outbound"
    supervisor = builder.add_participant("user", userId=USERS[20 + builder.rng.below(20)].id)
    session = builder.add_session(supervisor)
    _supervise(builder, session, agent["participantId"], talk["segmentStart"])


def _supervise(builder: ConversationBuilder, session: Json, agent_id: str, start: str) -> None:
    """Add what the supervisor does, 10 s each, from 5 s after the agent answered."""
    at = epoch_ms(start) + 5_000
    for kind, name, subject in SUPERVISION[: builder.rng.between(1, len(SUPERVISION))]:
        session["segments"].append(segment(kind, at, at + 10_000))
        session["metrics"].append(metric(name, 10_000, at + 10_000))
        session[subject] = agent_id
        at += 10_000
    session["segments"][-1]["disconnectType"] = "client"


def queue_consult(builder: ConversationBuilder) -> None:
    """The agent asks another queue while the customer waits with them; in a third of the cases nobody answers there."""
    customer, first, second = (
        add_customer(builder),
        QUEUES[builder.rng.below(3)],
        QUEUES[3 + builder.rng.below(3)],
    )
    add_flow(builder)
    add_queue(builder, first)
    talk = AgentBehaviour(min_talk=180, disconnect="peer")
    session = add_agent(builder, USERS[builder.rng.below(20)], first, talk)
    left, asked = builder.now, builder.now - 150_000
    builder.now = asked
    add_queue(builder, second, max_wait=20)
    answers = AgentBehaviour(max_talk=60, answers=not builder.rng.chance(33), wrap_up=False)
    add_agent(builder, USERS[20 + builder.rng.below(20)], second, answers)
    session["metrics"].append(metric("nConsult", 1, asked))
    builder.now, builder.queue = left, first
    end_customer_session(builder, customer, "endpoint")


def separate_consult(builder: ConversationBuilder) -> None:
    """The agent consults a colleague in a conversation of its own, then transfers the customer to it."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    consulted = {
        "destinationConversationId": builder.rng.uuid(),
        "destinationSessionId": builder.rng.uuid(),
    }
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="consultTransfer"))
    end_customer_session(builder, customer, "consultTransfer")
    customer["segments"][-1] |= consulted
    builder.extras["consultationConversationIds"] = [consulted["destinationConversationId"]]


def consult(builder: ConversationBuilder) -> None:
    """The conversation in which an agent consults a colleague about another conversation."""
    user_calls_user(builder)
    source = {"sourceConversationId": builder.rng.uuid(), "sourceSessionId": builder.rng.uuid()}
    session = builder.participants[0]["sessions"][0]
    session["segments"][0] |= source
    session["metrics"].append(metric("nConsult", 1, builder.start))
    builder.extras["associatedConversationId"] = source["sourceConversationId"]
