"""ConversationBuilder: a conversation's participants, sessions, segments and metrics, added in order of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.conversations import media
from deployments.sandbox.genesys.conversations.organization import (
    FLOWS,
    NUMBERS,
    SKILLS,
    TEAMS,
    WRAP_UP_CODES,
)
from deployments.sandbox.genesys.conversations.people import wrap_up_note
from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.organization import Named
    from deployments.sandbox.genesys.conversations.people import Person
    from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom

PROVIDERS = {"voice": "Edge", "callback": "PureCloud Callback", "chat": "PureCloud Webchat v2"}
# Of the wrap-ups, in percent: those that Genesys gave a code of its own, and those without one.
OWN_CODE_PERCENT, NO_CODE_PERCENT = 50, 19
TIMED_OUT, SKIPPED = "ININ-WRAP-UP-TIMEOUT", "ININ-WRAP-UP-SKIPPED"
NAMED_AGENT_PERCENT = 3  # details name hardly any agent: only the directory knows them
NO_ANSWER_ERROR = "error.ininedgecontrol.connection.station.noAnswer"
FLOW_TYPES = {"voice": "INBOUNDCALL", "chat": "INBOUNDCHAT", "email": "INBOUNDEMAIL"}
SERVICE_LEVEL_MS = 20_000


def metric(name: str, value: int, moment: int) -> Json:
    """Return a session's metric: a duration in ms (t...) or a count (n...), emitted at a moment (epoch ms)."""
    return {"name": name, "value": value, "emitDate": timestamp(moment)}


def segment(kind: str, start: int, end: int, **more: Any) -> Json:
    """Return a session's segment; `more` holds its optional fields."""
    return {
        "segmentStart": timestamp(start),
        "segmentEnd": timestamp(end),
        "segmentType": kind,
        "conference": False,
    } | more


@dataclass(slots=True)
class ConversationBuilder:
    """A conversation under construction: the next part starts at `now`, `end` is the latest end of any (epoch ms)."""

    rng: SeededRandom
    person: Person
    start: int
    media: str = "voice"
    direction: str = "inbound"
    now: int = 0
    end: int = 0
    queued_since: int | None = None  # when the customer entered the first queue of this wait
    queue: Named | None = None  # the customer's last queue
    waiting: Json | None = None  # the ACD session in which the customer waits
    customer: Json = field(default_factory=dict)  # the customer's last participant
    participants: list[Json] = field(default_factory=list)
    extras: Json = field(default_factory=dict)  # further top-level fields
    addresses: Json = field(default_factory=dict)  # of caller and callee, on the customer's sessions
    session_extras: Json = field(default_factory=dict)  # the same as all other sessions have them

    def __post_init__(self) -> None:
        self.now = self.end = self.start

    def advance(self, low: int, high: int) -> int:
        """Move `now` on by a random duration between two numbers of seconds; return it in ms."""
        spent = self.rng.between(low * 1000, high * 1000)
        self.now += spent
        self.end = max(self.end, self.now)
        return spent

    def add_participant(self, purpose: str, **fields: Any) -> Json:
        """Add a participant without sessions and return it."""
        participant: Json = {"participantId": self.rng.uuid(), "purpose": purpose, **fields, "sessions": []}
        self.participants.append(participant)
        return participant

    def add_session(self, participant: Json, **fields: Any) -> Json:
        """Add a session of the current media type to a participant and return it."""
        session: Json = {
            "sessionId": self.rng.uuid(),
            "mediaType": self.media,
            "direction": self.direction,
            "provider": PROVIDERS.get(self.media, "PureCloud"),
            **self.session_extras,
            **fields,
            "metrics": [],
            "segments": [],
        }
        participant["sessions"].append(session)
        if self.customer.get("sessions") and participant is not self.customer:
            session["peerId"] = self.customer["sessions"][-1]["sessionId"]
        return session


def add_flow(builder: ConversationBuilder, disconnect: str = "transfer", *, bot: bool = False) -> None:
    """Add the flow that the customer passes first: an IVR for calls, a workflow or a bot for other media."""
    flow = builder.rng.pick(FLOWS)
    purpose = "ivr" if builder.media == "voice" else ("botflow" if bot else "workflow")
    entered = builder.now
    participant = builder.add_participant(purpose, participantName=flow.name)
    session = builder.add_session(participant, flow=_flow(builder, flow, disconnect))
    spent = builder.advance(5, 60)
    kind, began = "system", entered
    if purpose == "ivr":
        kind, began = "ivr", entered + builder.rng.below(120)
        session["segments"].append(segment("system", entered, began))
        session["mediaEndpointStats"] = [media.endpoint_statistics(builder.rng, builder.now)]
    session["segments"].append(segment(kind, began, builder.now, disconnectType=disconnect))
    session["metrics"] += [metric("nFlow", 1, entered), metric("tFlow", spent, builder.now)]
    if purpose == "ivr":
        session["metrics"].append(metric("tIvr", spent, builder.now))


def _flow(builder: ConversationBuilder, flow: Named, disconnect: str) -> Json:
    transferred = disconnect == "transfer"
    return {
        "flowId": flow.id,
        "flowName": flow.name,
        "flowType": FLOW_TYPES.get(builder.media, "INBOUNDSHORTMESSAGE"),
        "flowVersion": f"{builder.rng.between(1, 40)}.0",
        "startingLanguage": "en-us",
        "endingLanguage": "en-us",
        "entryType": "dnis" if builder.media == "voice" else "direct",
        "entryReason": NUMBERS[0] if builder.media == "voice" else "inbound",
        "exitReason": "TRANSFER" if transferred else "DISCONNECT",
        **({"transferType": "ACD"} if transferred else {}),
    }


def add_queue(
    builder: ConversationBuilder,
    queue: Named,
    *,
    answered: bool = True,
    min_wait: int = 2,
    max_wait: int = 240,
) -> None:
    """Add the customer's wait in a queue (seconds), which ends with an answer or is abandoned."""
    entered = builder.now
    builder.queued_since = entered if builder.queued_since is None else builder.queued_since
    participant = builder.add_participant("acd", participantName=queue.name)
    session = builder.add_session(participant, requestedRoutings=["Standard"], **_acd_fields(builder, queue))
    spent, left_delay = builder.advance(min_wait, max_wait), entered + builder.rng.below(150)
    skill: Json = {"requestedRoutingSkillIds": [builder.rng.pick(SKILLS).id]}
    if builder.rng.chance(10):
        skill["properties"] = [{"property": "priority", "propertyType": "integer", "value": "5"}]
    disconnect = "transfer" if answered else "peer"
    session["segments"] += [
        segment("delay", entered, left_delay, queueId=queue.id, **skill),
        segment("interact", left_delay, builder.now, queueId=queue.id, disconnectType=disconnect, **skill),
    ]
    outcome = metric("tAcd" if answered else "tAbandon", spent, builder.now)
    session["metrics"] += [metric("nOffered", 1, entered), outcome]
    if spent > SERVICE_LEVEL_MS:
        session["metrics"].append(metric("nOverSla", 1, entered + SERVICE_LEVEL_MS))
    builder.queue, builder.waiting = queue, session if answered else None
    if answered:
        session["usedRouting"] = "Standard"
    else:
        builder.queued_since = None


def _acd_fields(builder: ConversationBuilder, queue: Named) -> Json:
    """Return what an ACD session has besides: media statistics, active skills, sometimes an in-queue flow."""
    rng = builder.rng
    fields: Json = {}
    if builder.media == "voice":
        fields["flowInType"] = "ivr"
        fields["mediaEndpointStats"] = [media.endpoint_statistics(rng, builder.now)]
    if rng.chance(30):
        fields["activeSkillIds"] = [rng.pick(SKILLS).id]
    if builder.media == "voice" and rng.chance(20):
        flow = rng.pick(FLOWS)
        fields["flow"] = {
            "flowId": flow.id,
            "flowName": flow.name,
            "flowType": "INQUEUECALL",
            "flowVersion": "2.0",
            "entryType": "agent",
            "entryReason": queue.name,
            "transferType": "ACD",
            "transferTargetName": queue.name,
            "transferTargetAddress": queue.id,
        }
    return fields


@dataclass(slots=True)
class AgentBehaviour:
    """How an agent's session goes; talk is in seconds."""

    min_talk: int = 30
    max_talk: int = 600
    disconnect: str = "client"
    wrap_up: bool = True
    answers: bool = True
    conference: bool = False
    transfer: str | None = None  # the metric of the transfer that ends it, nBlind- or nConsultTransferred
    purpose: str = "agent"
    extra: Json = field(default_factory=dict)  # further fields of the session


def add_agent(builder: ConversationBuilder, user: Named, queue: Named | None, spec: AgentBehaviour) -> Json:
    """Add an agent (without a queue: a user) who is alerted and may answer; return the session."""
    name = {"participantName": user.name} if builder.rng.chance(NAMED_AGENT_PERCENT) else {}
    participant = builder.add_participant(
        spec.purpose, **name, userId=user.id, teamId=builder.rng.pick(TEAMS).id
    )
    session = builder.add_session(participant, **spec.extra, **_agent_fields(builder))
    in_queue = {"queueId": queue.id} if queue else {}
    alerted = builder.now
    spent = builder.advance(2, 12)
    _leave_queue(builder, user)
    outcome = {} if spec.answers else _no_answer(builder, queue)
    session["segments"].append(segment("alert", alerted, builder.now, **in_queue, **outcome))
    session["metrics"].append(metric("tAlert", spent, builder.now))
    if spec.answers:
        _add_talk(builder, session, in_queue, spec)
    else:
        _add_not_responding(builder, session, spent)
    return session


def _agent_fields(builder: ConversationBuilder) -> Json:
    """Return what an agent's session has besides, in some conversations more than in others."""
    rng = builder.rng
    fields: Json = {}
    if builder.media == "voice":
        moments = [builder.now] * rng.between(1, 2)
        fields["mediaEndpointStats"] = [media.endpoint_statistics(rng, moment) for moment in moments]
        fields["sessionDnis"] = f"sip:{rng.between(1000, 9999)}@station.invalid"
    if rng.chance(30):
        fields["scriptId"] = rng.uuid()
    for name in ("agentAssistantId", "mediaBridgeId"):
        if rng.chance(5):
            fields[name] = rng.uuid()
    if builder.media == "callback":
        fields["agentOwned"] = False
    return fields


def _leave_queue(builder: ConversationBuilder, user: Named) -> None:
    """Let the customer wait in the queue while the agent's phone rings: the two overlap."""
    session, builder.waiting = builder.waiting, None
    if session is not None:
        session["selectedAgentId"] = user.id
        session["segments"][-1]["segmentEnd"] = timestamp(builder.now)


def _no_answer(builder: ConversationBuilder, queue: Named | None) -> Json:
    """Return how the alert of an agent who does not answer ends: mostly with an error of the station."""
    if builder.rng.chance(60):
        return {"disconnectType": "client", "errorCode": NO_ANSWER_ERROR, "sipResponseCodes": [480]}
    return {"disconnectType": "noAnswerTransfer" if queue else "timeout"}


def _add_not_responding(builder: ConversationBuilder, session: Json, spent: int) -> None:
    """Add the metrics of an agent who never answered: some have after-call work and handling all the same."""
    session["metrics"].append(metric("tNotResponding", spent, builder.now))
    if "errorCode" in session["segments"][-1]:
        session["errorCodeDescription"] = "The station did not answer."
    if builder.rng.chance(40):
        after = builder.rng.below(2000)
        session["metrics"] += [metric(name, after, builder.now) for name in ("tAcw", "tHandle")]


def _add_talk(builder: ConversationBuilder, session: Json, in_queue: Json, spec: AgentBehaviour) -> None:
    answered = builder.now
    talk = builder.advance(spec.min_talk, spec.max_talk)
    held = _add_interact_segments(builder, session, answered, in_queue, spec)
    left = builder.now
    metrics = session["metrics"]
    if builder.queued_since is not None:
        metrics.append(metric("tAnswered", answered - builder.queued_since, answered))
        builder.queued_since = None
    metrics += _talk_metrics(talk - held, left, stretches=2 if held else 1)
    if builder.media == "message":
        metrics += media.response_times(builder.rng, talk, left)
    if held:
        metrics += [metric("tHeld", held, left), metric("tHeldComplete", held, left)]
    if spec.transfer:
        metrics += [metric("nTransferred", 1, left), metric(spec.transfer, 1, left)]
    after = _add_wrap_up(builder, session, in_queue, spec.disconnect) if spec.wrap_up else 0
    if not spec.wrap_up:
        session["acwSkipped"] = True
    metrics.append(metric("tHandle", talk + after, left + after))


def _talk_metrics(talk: int, left: int, *, stretches: int) -> list[Json]:
    """Return a tTalk for each stretch of talk, and the whole, which differs from their sum by rounding."""
    each = talk // stretches
    parts = [each] * (stretches - 1) + [talk - each * (stretches - 1)]
    return [
        *(metric("tTalk", part, left) for part in parts),
        metric("tTalkComplete", talk + stretches - 1, left),
    ]


def _add_interact_segments(
    builder: ConversationBuilder, session: Json, answered: int, in_queue: Json, spec: AgentBehaviour
) -> int:
    """Add the talk's segments; a third of the calls have a hold in the middle. Returns the ms on hold."""
    more, rng = in_queue | {"conference": spec.conference}, builder.rng
    add, left = session["segments"].append, builder.now
    began = answered + (rng.between(1, 250) if rng.chance(25) else 0)  # a gap after the alert
    if rng.chance(10):
        add(segment("interact", began, began, **more))  # of no length
    if builder.media != "voice" or not rng.chance(33):
        add(segment("interact", began, left, **more, disconnectType=spec.disconnect))
        return 0
    third = (left - answered) // 3
    overlap = rng.between(1, 200) if rng.chance(40) else 0
    add(segment("interact", began, answered + third, **more))
    add(segment("hold", answered + third, answered + 2 * third + overlap, **more))
    add(segment("interact", answered + 2 * third, left, **more, disconnectType=spec.disconnect))
    return third


def _add_wrap_up(builder: ConversationBuilder, session: Json, in_queue: Json, disconnect: str) -> int:
    """Add the after-call work, during which the customer's part goes on; return its ms."""
    left = builder.now
    after = builder.rng.between(2_000, 90_000)
    more = _wrap_up_fields(builder.rng) | {"disconnectType": disconnect}
    session["segments"].append(segment("wrapup", left, left + after, **in_queue, **more))
    session["metrics"].append(metric("tAcw", after, left + after))
    builder.end = max(builder.end, left + after)
    return after


def _wrap_up_fields(rng: SeededRandom) -> Json:
    """Return code and note of a wrap-up: half the codes are Genesys's own, some have none, most notes are empty."""
    if rng.chance(NO_CODE_PERCENT):
        return {"wrapUpNote": ""}
    if rng.chance(OWN_CODE_PERCENT * 100 // (100 - NO_CODE_PERCENT)):
        return {"wrapUpCode": TIMED_OUT if rng.chance(80) else SKIPPED, "wrapUpNote": ""}
    note = (
        {"wrapUpNote": wrap_up_note(rng)} if rng.chance(60) else {"wrapUpNote": ""} if rng.chance(50) else {}
    )
    return {"wrapUpCode": rng.pick(WRAP_UP_CODES).id, **note}
