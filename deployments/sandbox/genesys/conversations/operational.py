"""The operational model: a conversation as GET /api/v2/conversations/{id} returns it, with attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations.organization import DIVISIONS, QUEUES, WRAP_UP_CODES

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json

_LISTS = {
    "voice": "calls",
    "callback": "callbacks",
    "chat": "chats",
    "message": "messages",
    "email": "emails",
}
_QUEUE_NAMES = {queue.id: queue.name for queue in QUEUES}
_CODE_NAMES = {code.id: code.name for code in WRAP_UP_CODES}
_DIVISION_NAMES = {division.id: division.name for division in DIVISIONS}
# The disconnect types that this model spells differently from the analytics details.
_DISCONNECTS = {
    "conferenceTransfer": "transfer.conference",
    "consultTransfer": "transfer.consult",
    "forwardTransfer": "transfer.forward",
    "noAnswerTransfer": "transfer.noanswer",
    "notAvailableTransfer": "transfer.notavailable",
    "dndTransfer": "transfer.donotdisturb",
    "dndEndpoint": "endpoint.donotdisturb",
    "transportFailure": "transport.failure",
    "sessionExpired": "session.expired",
}


def operational(details: Json) -> Json:
    """Return the operational conversation for analytics details."""
    ended = details.get("conversationEnd")  # null in the answer while the conversation is live
    conversation = {
        "id": details["conversationId"],
        "startTime": details["conversationStart"],
        "endTime": ended,
        "recordingState": "NONE" if ended else "ACTIVE",
        "divisions": [_division(division, details) for division in details.get("divisionIds", [])],
        "participants": [_participant(each) for each in details["participants"]],
        "selfUri": f"/api/v2/conversations/{details['conversationId']}",
    }
    if "externalTag" in details:
        conversation["externalTag"] = details["externalTag"]
    return conversation


def attributes(details: Json) -> Json:
    """Return the details with the attributes of the customers' participants, as the results of a job have them."""
    participants = [each | _attributes(each) for each in details["participants"]]
    return details | {"participants": participants}


def _division(division_id: str, details: Json) -> Json:
    entity = {"id": details["conversationId"]}
    name = _DIVISION_NAMES.get(division_id, division_id)
    return {"division": {"id": division_id, "name": name}, "entities": [entity]}


def _participant(participant: Json) -> Json:
    sessions = participant["sessions"]
    segments = [segment for session in sessions for segment in session["segments"]]
    fields = {"id": participant["participantId"], "purpose": participant["purpose"]}
    for source, target in (("participantName", "name"), ("userId", "userId"), ("externalContactId",) * 2):
        if source in participant:
            fields[target] = participant[source]
    return (
        fields
        | _times(segments)
        | _queue(segments)
        | _media(sessions)
        | _wrap_up(segments)
        | _personal(participant)
    )


def _times(segments: list[Json]) -> Json:
    if not segments:
        return {}
    times = {"startTime": segments[0]["segmentStart"], "connectedTime": segments[0]["segmentStart"]}
    if all("segmentEnd" in segment for segment in segments):
        times["endTime"] = max(segment["segmentEnd"] for segment in segments)
    return times


def _queue(segments: list[Json]) -> Json:
    queue = next((segment["queueId"] for segment in segments if "queueId" in segment), None)
    return {"queueId": queue, "queueName": _QUEUE_NAMES.get(queue, queue)} if queue else {}


def _media(sessions: list[Json]) -> Json:
    media: Json = {}
    for session in sessions:
        media.setdefault(_LISTS[session["mediaType"]], []).append(_communication(session))
    return media


def _communication(session: Json) -> Json:
    segments = session["segments"]
    live = any("segmentEnd" not in segment for segment in segments)
    fields = {
        "id": session["sessionId"],
        "direction": session["direction"],
        "provider": session["provider"],
        "state": "connected" if live else "disconnected",
    }
    if segments:
        fields["connectedTime"] = segments[0]["segmentStart"]
    if segments and not live:
        fields["disconnectedTime"] = segments[-1]["segmentEnd"]
        disconnect = segments[-1].get("disconnectType", "client")
        fields["disconnectType"] = _DISCONNECTS.get(disconnect, disconnect)
    return fields


def _wrap_up(segments: list[Json]) -> Json:
    wrapped = next((segment for segment in segments if segment["segmentType"] == "wrapup"), None)
    if wrapped is None:
        return {}
    wrapup = {"endTime": wrapped["segmentEnd"]}
    if code := wrapped.get("wrapUpCode"):
        wrapup |= {"code": code, "name": _CODE_NAMES.get(code, code)}
    if "wrapUpNote" in wrapped:
        wrapup["notes"] = wrapped["wrapUpNote"]
    times = {"startAcwTime": wrapped["segmentStart"], "endAcwTime": wrapped["segmentEnd"]}
    return {"wrapupRequired": True, "wrapup": wrapup} | times


def _personal(participant: Json) -> Json:
    """Return the attributes and the address of a customer's participant; nothing for the others."""
    fields = _attributes(participant)
    session = participant["sessions"][0] if participant["sessions"] else {}
    address = session.get("remote") or session.get("addressFrom")
    return fields | ({"address": address} if fields and address else {})


def _attributes(participant: Json) -> Json:
    if participant["purpose"] not in ("customer", "external"):
        return {}
    name = participant.get("participantName", "")
    mail = ".".join(name.lower().split()) + "@home.example"
    return {"attributes": {"customerEmail": mail, "customerName": name, "menuChoice": "2"}}
