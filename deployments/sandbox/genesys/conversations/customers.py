"""The customer's participant: the first of a conversation, with the addresses and names of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.conversations.builder import ConversationBuilder, metric, segment
from deployments.sandbox.genesys.conversations.media import endpoint_statistics
from deployments.sandbox.genesys.conversations.organization import MAILBOXES, NUMBERS
from deployments.sandbox.genesys.conversations.people import subject
from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json

NO_ADDRESS_PERCENT = 25  # of the mail customers' sessions: only the internal legs have their addresses
MESSAGE_TYPES = ("sms", "whatsapp", "webmessaging", "facebook", "open")
ENGAGEMENT_SOURCES = {"sms": "SMS", "whatsapp": "WhatsApp", "facebook": "Facebook", "open": "OpenMessaging"}
CONNECTION_FAILURES = ("error", "timeout")
CONNECTION_FAILURE_PERCENT = 2  # of the sessions that would end with "endpoint"


def add_customer(builder: ConversationBuilder, purpose: str = "customer") -> Json:
    """Add the customer; return the session, whose segment is open until `end_customer_session`."""
    known = builder.person.external_contact_id
    fields = {"participantName": builder.person.name, **({"externalContactId": known} if known else {})}
    builder.customer = builder.add_participant(purpose, **fields)
    builder.addresses = _addresses(builder)
    builder.session_extras = _mirrored(builder.addresses)
    return connect(builder)


def connect(builder: ConversationBuilder) -> Json:
    """Add a session of the customer, in the current media; return it, open until `end_customer_session`."""
    hidden = builder.media == "email" and builder.rng.chance(NO_ADDRESS_PERCENT)
    addresses = {} if hidden else builder.addresses
    extras, builder.session_extras = builder.session_extras, {}
    session = builder.add_session(builder.customer, **addresses, **_media_fields(builder))
    builder.session_extras, began = extras, builder.now
    if builder.media == "voice":
        began += builder.rng.between(100, 600)
        session["segments"].append(segment("system", builder.now, began))
    session["segments"].append({"opened": began, **_segment_fields(builder)})
    session["metrics"].append(metric("nConnected", 1, began))
    return session


def _mirrored(addresses: Json) -> Json:
    """Return the addresses of internal legs: of mails and messages they go from the centre to the customer."""
    mirror = {"addressFrom": "addressTo", "addressTo": "addressFrom"}
    return {mirror.get(name, name): address for name, address in addresses.items()}


def reconnect(builder: ConversationBuilder, session: Json) -> Json:
    """End the customer's session with a connection failure and return a second one of the same participant."""
    end_customer_session(builder, session, builder.rng.pick(CONNECTION_FAILURES))
    return connect(builder)


def end_customer_session(builder: ConversationBuilder, session: Json, disconnect: str) -> None:
    """Close the customer's session at `now`; a few of those that hang up end with a connection failure instead."""
    if disconnect == "endpoint" and builder.rng.chance(CONNECTION_FAILURE_PERCENT):
        disconnect = builder.rng.pick(CONNECTION_FAILURES)
    opened = session["segments"].pop()
    start = opened.pop("opened")
    queue = {"queueId": builder.queue.id} if builder.queue and builder.media in ("voice", "callback") else {}
    more = {**opened, **queue, "disconnectType": disconnect}
    session["segments"].append(segment("interact", start, builder.now, **more))
    session["metrics"].append(metric("tConnected", builder.now - start, builder.now))
    if builder.media == "voice":
        session["mediaEndpointStats"] = [endpoint_statistics(builder.rng, builder.now)]


def _addresses(builder: ConversationBuilder) -> Json:
    """Return the addresses of caller and callee, which every session of the conversation has."""
    person, rng = builder.person, builder.rng
    outbound = builder.direction == "outbound"
    if builder.media in ("voice", "callback"):
        company = rng.pick(NUMBERS)
        return {"ani": company, "dnis": person.phone} if outbound else {"ani": person.phone, "dnis": company}
    if builder.media == "email":
        company = rng.pick(MAILBOXES)
        sender, recipient = (company, person.email) if outbound else (person.email, company)
        return {"addressFrom": sender, "addressTo": recipient}
    if builder.media == "message":
        return {
            "messageType": rng.pick(MESSAGE_TYPES),
            "addressFrom": person.phone,
            "addressTo": NUMBERS[0],
        }
    return {}


def _media_fields(builder: ConversationBuilder) -> Json:
    """Return the fields that only the customer's session has."""
    person = builder.person
    if builder.media == "voice":
        return {"remote": person.phone, "remoteNameDisplayable": person.name, "recording": True,
                "protocolCallId": builder.rng.uuid(), "edgeId": builder.rng.uuid()}  # fmt: skip
    if builder.media == "chat":
        return {"roomId": f"{builder.rng.uuid()}@conference.example", "remoteNameDisplayable": person.name}
    if builder.media == "email":
        copied = builder.rng.chance(30)
        return {"cc": [f"cc.{person.email}"], "destinationAddresses": list(MAILBOXES[:1])} if copied else {}
    if builder.media == "callback":
        return {"callbackNumbers": [person.phone], "callbackUserName": person.name,
                "callbackScheduledTime": timestamp(builder.now + 600_000)}  # fmt: skip
    fields: Json = {"remoteNameDisplayable": person.name, "deliveryStatus": "DeliverySuccess"}
    kind = builder.addresses.get("messageType")
    if kind == "webmessaging":
        customer, visit = builder.rng.uuid(), builder.rng.uuid()
        journey = {"journeyCustomerId": customer, "journeyCustomerIdType": "cookie"}
        return fields | journey | {"journeyCustomerSessionId": visit, "journeyCustomerSessionIdType": "web"}
    if kind in ENGAGEMENT_SOURCES:
        fields["engagementSource"] = ENGAGEMENT_SOURCES[kind]
    return fields | {"addressOther": person.phone}


def _segment_fields(builder: ConversationBuilder) -> dict[str, Any]:
    return {"subject": subject(builder.rng)} if builder.media == "email" else {}
