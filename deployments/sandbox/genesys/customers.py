"""The customer's own participant: enters first, leaves last, carries the personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.organization import MAILBOXES, NUMBERS
from deployments.sandbox.genesys.people import subject
from deployments.sandbox.genesys.scene import Scene, metric, segment, stamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.scene import Json

MESSAGE_TYPES = ("sms", "whatsapp", "webmessaging", "facebook", "open")
BROKEN = ("error", "timeout")
BROKEN_PERCENT = 2  # of those who would hang up


def arrive(scene: Scene, purpose: str = "customer") -> Json:
    """Let the customer enter; return their session, which stays open until `leave`."""
    known = scene.person.external_contact_id
    fields = {"participantName": scene.person.name, **({"externalContactId": known} if known else {})}
    participant = scene.enter(purpose, **fields)
    scene.session_extras = _addresses(scene)
    return _connect(scene, participant)


def _connect(scene: Scene, participant: Json) -> Json:
    session = scene.session(participant, **_media_fields(scene))
    session["segments"].append({"opened": scene.now, **_segment_fields(scene)})
    session["metrics"].append(metric("nConnected", 1, scene.now))
    return session


def reconnect(scene: Scene, session: Json) -> Json:
    """Let the customer's connection break and come back: a second session of the same participant."""
    leave(scene, session, scene.draws.pick(BROKEN))
    return _connect(scene, scene.participants[0])


def leave(scene: Scene, session: Json, disconnect: str) -> None:
    """Let the customer go, now; who hangs up is now and then lost instead."""
    if disconnect == "endpoint" and scene.draws.chance(BROKEN_PERCENT):
        disconnect = scene.draws.pick(BROKEN)
    opened = session["segments"].pop()
    start = opened.pop("opened")
    session["segments"].append(segment("interact", start, scene.now, **opened, disconnectType=disconnect))
    if scene.media == "voice":
        session["mediaEndpointStats"] = [_endpoint_statistics(scene)]


def _addresses(scene: Scene) -> Json:
    """Every participant's session of a conversation repeats who contacted whom."""
    person, draws = scene.person, scene.draws
    outward = scene.direction == "outbound"
    if scene.media in ("voice", "callback"):
        company = draws.pick(NUMBERS)
        return {"ani": company, "dnis": person.phone} if outward else {"ani": person.phone, "dnis": company}
    if scene.media == "email":
        company = draws.pick(MAILBOXES)
        pair = (company, person.email) if outward else (person.email, company)
        return {"addressFrom": pair[0], "addressTo": pair[1]}
    if scene.media == "message":
        return {
            "messageType": draws.pick(MESSAGE_TYPES),
            "addressFrom": person.phone,
            "addressTo": NUMBERS[0],
        }
    return {}


def _media_fields(scene: Scene) -> Json:
    """Return what only the customer's session has."""
    person = scene.person
    if scene.media == "voice":
        return {"remote": person.phone, "remoteNameDisplayable": person.name, "recording": True,
                "protocolCallId": scene.draws.uuid(), "edgeId": scene.draws.uuid()}  # fmt: skip
    if scene.media == "chat":
        return {"roomId": f"{scene.draws.uuid()}@conference.example", "remoteNameDisplayable": person.name}
    if scene.media == "email":
        return {"addressOther": person.email, "cc": [f"cc.{person.email}"]} if scene.draws.chance(30) else {}
    if scene.media == "callback":
        return {"callbackNumbers": [person.phone], "callbackUserName": person.name,
                "callbackScheduledTime": stamp(scene.now + 600_000)}  # fmt: skip
    return {"addressOther": person.phone, "remoteNameDisplayable": person.name}


def _segment_fields(scene: Scene) -> dict[str, Any]:
    return {"subject": subject(scene.draws)} if scene.media == "email" else {}


def _endpoint_statistics(scene: Scene) -> Json:
    draws = scene.draws
    return {
        "codecs": ["audio/opus"],
        "eventTime": stamp(scene.now),
        "maxLatencyMs": draws.below(300),
        "minMos": draws.between(2_500_000, 4_950_000) / 1_000_000,
        "minRFactor": draws.between(500_000, 935_000) / 10_000,
        "discardedPackets": draws.below(50),
        "receivedPackets": draws.between(500, 60_000),
    }
