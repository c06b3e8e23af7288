"""Scenarios in which the centre calls: agents, the dialer, and callbacks out of a queue."""

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
from deployments.sandbox.genesys.conversations.customers import add_customer, connect, end_customer_session
from deployments.sandbox.genesys.conversations.organization import CAMPAIGNS, CONTACT_LISTS, QUEUES, USERS

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json

HOUR_S = 3600


def outbound_call(builder: ConversationBuilder) -> None:
    """An agent calls a customer on behalf of a queue."""
    builder.direction = "outbound"
    queue = builder.rng.pick(QUEUES)
    customer = add_customer(builder, "external")
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="client"))
    end_customer_session(builder, customer, "peer")


def campaign_call(builder: ConversationBuilder) -> None:
    """The dialer calls a contact of a campaign's contact list."""
    builder.direction = "outbound"
    dialed, queue = _dialed(builder), builder.rng.pick(QUEUES)
    customer = add_customer(builder)
    customer |= dialed | {"dispositionName": "disposition.classification.callable.person"}
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="client", extra=dialed))
    end_customer_session(builder, customer, "peer")


def _dialed(builder: ConversationBuilder) -> Json:
    """Return the fields of what the dialer calls: campaign, contact list and contact."""
    campaign = builder.rng.below(len(CAMPAIGNS))
    return {
        "outboundCampaignId": CAMPAIGNS[campaign].id,
        "outboundContactListId": CONTACT_LISTS[campaign].id,
        "outboundContactId": builder.rng.uuid(),
    }


def unanswered_dial(builder: ConversationBuilder) -> None:
    """The dialer calls a contact who does not answer: no agent, no talk."""
    builder.direction = "outbound"
    customer, began = add_customer(builder), builder.now
    customer |= _dialed(builder) | {"dispositionName": "disposition.classification.callable.noanswer"}
    contacting = began + builder.advance(1, 3)
    rang = builder.advance(10, 30)
    failed = {"disconnectType": "uncallable", "sipResponseCodes": [480], "q850ResponseCodes": [19]}
    customer["segments"] = [
        segment("dialing", began, contacting),
        segment("contacting", contacting, builder.now, **failed),
    ]
    customer["metrics"] = [
        metric("nOutboundAttempted", 1, began),
        metric("tDialing", contacting - began, contacting),
        metric("tContacting", rang, builder.now),
    ]


def in_queue_callback(builder: ConversationBuilder) -> None:
    """A caller asks in the queue to be called back there: one customer, several sessions, and one visit of the queue.

    The agent needs one to four attempts, each a session of agent and customer.
    """
    customer, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    _flow_out(builder)
    end_customer_session(builder, customer, "endpoint")
    builder.media = "callback"
    waiting = connect(builder)
    add_queue(builder, queue, min_wait=300, max_wait=HOUR_S)
    callback_session = add_agent(
        builder, builder.rng.pick(USERS), queue, AgentBehaviour(min_talk=5, max_talk=20, wrap_up=False)
    )
    agent = builder.participants[-1]
    builder.media, builder.direction = "voice", "outbound"
    for attempt in range(builder.rng.between(1, 4), 0, -1):
        _call_back(builder, agent, {"queueId": queue.id}, answered=attempt == 1)
    builder.media = "callback"
    end_customer_session(builder, waiting, "peer")
    callback_session["segments"][-1]["segmentEnd"] = waiting["segments"][-1]["segmentEnd"]


def _flow_out(builder: ConversationBuilder) -> None:
    """Let the customer leave the queue for the callback."""
    session, builder.waiting = builder.participants[-1]["sessions"][-1], None
    session["flowOutType"] = "callback"
    session["segments"][-1]["disconnectType"] = "system"
    session["metrics"] = [
        each | {"name": "tFlowOut"} if each["name"] == "tAcd" else each for each in session["metrics"]
    ]


def _call_back(builder: ConversationBuilder, agent: Json, in_queue: Json, *, answered: bool) -> None:
    """Add an attempt to reach the customer: a session of the agent, and one of the customer who answers."""
    session, dialed = builder.add_session(agent), builder.now
    rang = builder.advance(5, 25)
    failed = {} if answered else {"disconnectType": "timeout", "sipResponseCodes": [487]}
    session["segments"].append(segment("dialing", dialed, builder.now, **in_queue, **failed))
    session["metrics"].append(metric("tDialing", rang, builder.now))
    if not answered:
        builder.advance(10, 120)
        return
    customer, began = connect(builder), builder.now
    talk = builder.advance(30, 400)
    end_customer_session(builder, customer, "endpoint")
    session["segments"].append(segment("interact", began, builder.now, **in_queue, disconnectType="peer"))
    session["metrics"] += [metric("tTalk", talk, builder.now), metric("tTalkComplete", talk, builder.now)]


def callback(builder: ConversationBuilder) -> None:
    """A caller requests a callback and gets it: three customer participants, in the media voice and callback."""
    caller, queue = add_customer(builder), builder.rng.pick(QUEUES)
    add_flow(builder)
    add_queue(builder, queue)
    end_customer_session(builder, caller, "endpoint")
    builder.media = "callback"
    waiting = add_customer(builder)
    builder.advance(300, 2 * HOUR_S)
    end_customer_session(builder, waiting, "transfer")
    builder.media, builder.direction = "voice", "outbound"
    called = add_customer(builder)
    add_agent(builder, builder.rng.pick(USERS), queue, AgentBehaviour(disconnect="client"))
    end_customer_session(builder, called, "peer")
