"""Scenarios: the courses of a conversation, from a call answered in a queue to a reopened e-mail thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations import outbound, staff
from deployments.sandbox.genesys.conversations.builder import (
    AgentBehaviour,
    ConversationBuilder,
    add_agent,
    add_flow,
    add_queue,
    metric,
    segment,
)
from deployments.sandbox.genesys.conversations.customers import add_customer, end_customer_session, reconnect
from deployments.sandbox.genesys.conversations.organization import QUEUES, USERS
from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.conversations import Json

HOUR_S = 3600
RECONNECTED_PERCENT = 12  # of chats and messages


def queue_call(builder: ConversationBuilder) -> None:
    """IVR, queue, one agent: the most frequent scenario."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="peer"))
    end_customer_session(builder, customer, "endpoint")


def abandoned_call(builder: ConversationBuilder) -> None:
    """The customer hangs up in the queue: no agent, or one whose phone rang."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    rings = builder.rng.chance(30)
    add_queue(builder, queue, answered=rings)
    if rings:
        add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(answers=False))
    end_customer_session(builder, customer, "endpoint")


def self_service(builder: ConversationBuilder) -> None:
    """The call ends in the IVR: neither a queue nor an agent."""
    customer = add_customer(builder)
    add_flow(builder, "peer")
    builder.extras["selfServed"] = True
    end_customer_session(builder, customer, "endpoint")


def blind_transfer(builder: ConversationBuilder) -> None:
    """The first agent transfers the customer to another queue: two queues, two agents."""
    customer = add_customer(builder)
    first, second = QUEUES[builder.rng.below(3)], QUEUES[3 + builder.rng.below(3)]
    add_flow(builder)
    add_queue(builder, first)
    transferring = AgentBehaviour(max_talk=200, disconnect="transfer", transfer="nBlindTransferred")
    add_agent(builder, USERS[builder.rng.below(20)], first, transferring)
    add_queue(builder, second)
    add_agent(builder, USERS[20 + builder.rng.below(20)], second, AgentBehaviour(disconnect="peer"))
    end_customer_session(builder, customer, "endpoint")


def consult_transfer(builder: ConversationBuilder) -> None:
    """The agent consults a colleague, then transfers the customer to them."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_queue(builder, queue)
    transferring = AgentBehaviour(disconnect="consultTransfer", transfer="nConsultTransferred")
    add_agent(builder, USERS[builder.rng.below(20)], queue, transferring)
    _consult(builder, builder.participants[-1], builder.now - 10_000)
    add_agent(
        builder, USERS[20 + builder.rng.below(20)], None, AgentBehaviour(disconnect="peer", purpose="user")
    )
    end_customer_session(builder, customer, "endpoint")


def _consult(builder: ConversationBuilder, agent: Json, began: int) -> None:
    """Add the agent's call to the colleague as the agent's second session."""
    session, spent = builder.add_session(agent, direction="outbound"), builder.now - began
    session["segments"].append(segment("interact", began, builder.now, disconnectType="transfer"))
    session["metrics"] += [metric("nConsult", 1, began), metric("tTalk", spent, builder.now)]
    session["metrics"].append(metric("tTalkComplete", spent, builder.now))


def conference(builder: ConversationBuilder) -> None:
    """The agent adds an external participant."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    outsider = builder.add_participant("external", participantName=f"Dr. {builder.person.name[::-1].title()}")
    joined = builder.now + 20_000
    add_agent(
        builder,
        builder.rng.pick(USERS),
        queue,
        AgentBehaviour(min_talk=60, conference=True, disconnect="peer"),
    )
    session = builder.add_session(
        outsider, direction="outbound", dnis=f"tel:+1303{builder.rng.below(10_000_000):07d}"
    )
    builder.extras["conferenceStart"] = timestamp(joined)
    talk = segment("interact", joined, builder.now, disconnectType="endpoint") | {"conference": True}
    session["segments"].append(talk)
    end_customer_session(builder, customer, "conferenceTransfer")


def direct_call(builder: ConversationBuilder) -> None:
    """A call to a user's extension: no queue, no wrap-up."""
    customer = add_customer(builder, "external")
    add_agent(
        builder,
        builder.rng.pick(USERS),
        None,
        AgentBehaviour(purpose="user", wrap_up=False, disconnect="peer"),
    )
    end_customer_session(builder, customer, "endpoint")


def no_answer(builder: ConversationBuilder) -> None:
    """The first agent does not answer, the second does: two agents, one queue."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    add_agent(builder, USERS[builder.rng.below(20)], queue, AgentBehaviour(answers=False))
    add_queue(builder, queue)
    add_agent(builder, USERS[20 + builder.rng.below(20)], queue, AgentBehaviour(disconnect="client"))
    end_customer_session(builder, customer, "peer")


def voicemail(builder: ConversationBuilder) -> None:
    """No agent answers in time; the customer leaves a voicemail."""
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_queue(builder, queue, answered=False, min_wait=60)
    machine = builder.add_session(builder.add_participant("voicemail", participantName="Voicemail"))
    began = builder.now
    spent = builder.advance(5, 90)
    machine["segments"].append(
        segment("voicemail", began, builder.now, queueId=queue.id, disconnectType="peer")
    )
    machine["metrics"].append(metric("tVoicemail", spent, builder.now))
    end_customer_session(builder, customer, "endpoint")


def chat(builder: ConversationBuilder) -> None:
    """A web chat with a bot, then with an agent."""
    builder.media = "chat"
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder, bot=True)
    add_queue(builder, queue)
    customer = _maybe_reconnect(builder, customer)
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="peer"))
    end_customer_session(builder, customer, "client")


def _maybe_reconnect(builder: ConversationBuilder, customer: Json) -> Json:
    """Return the customer's session: after a connection failure the new one."""
    return reconnect(builder, customer) if builder.rng.chance(RECONNECTED_PERCENT) else customer


def message(builder: ConversationBuilder) -> None:
    """A message thread; in a third of the cases the customer writes again and a second agent answers."""
    builder.media = "message"
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder, bot=builder.rng.chance(50))
    add_queue(builder, queue)
    customer = _maybe_reconnect(builder, customer)
    add_agent(
        builder, USERS[builder.rng.below(20)], queue, AgentBehaviour(max_talk=HOUR_S, disconnect="client")
    )
    if builder.rng.chance(33):
        builder.advance(600, 3 * HOUR_S)
        add_queue(builder, queue)
        add_agent(builder, USERS[20 + builder.rng.below(20)], queue, AgentBehaviour(disconnect="client"))
    end_customer_session(builder, customer, builder.rng.pick(("peer", "inactivity", "system")))
    builder.extras["customerParticipation"] = True
    builder.extras["inactivityTimeout"] = timestamp(builder.now + 72 * HOUR_S * 1000)


def email(builder: ConversationBuilder) -> None:
    """An e-mail, routed by a flow and answered; in a quarter of the cases the customer replies."""
    builder.media = "email"
    queue = builder.rng.pick(QUEUES)
    for number in range(2 if builder.rng.chance(25) else 1):
        if number:
            builder.advance(60, 600)
        customer = add_customer(builder, "external")
        add_flow(builder)
        add_queue(builder, queue, max_wait=2 * HOUR_S)
        add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="client"))
        end_customer_session(builder, customer, "transfer")


# Percent of the conversations; each weight is the number of times that the scenario is in SCENARIOS.
_WEIGHTS: tuple[tuple[Callable[[ConversationBuilder], None], int], ...] = (
    (queue_call, 18), (abandoned_call, 6), (self_service, 4), (blind_transfer, 6), (consult_transfer, 2),
    (conference, 3), (direct_call, 3), (no_answer, 4), (voicemail, 2), (chat, 4), (message, 10), (email, 11),
    (outbound.outbound_call, 4), (outbound.campaign_call, 4), (outbound.unanswered_dial, 3),
    (outbound.callback, 2), (outbound.in_queue_callback, 4), (staff.user_calls_user, 2),
    (staff.supervised_call, 2), (staff.queue_consult, 2), (staff.separate_consult, 2), (staff.consult, 2),
)  # fmt: skip
SCENARIOS = tuple(scenario for scenario, weight in _WEIGHTS for _ in range(weight))
