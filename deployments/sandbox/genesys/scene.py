"""Scene: one conversation while it is being made, as participants enter and leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.organization import FLOWS, SKILLS, TEAMS, WRAP_UP_CODES
from deployments.sandbox.genesys.people import note

if TYPE_CHECKING:
    from deployments.sandbox.genesys.draws import Draws
    from deployments.sandbox.genesys.organization import Named
    from deployments.sandbox.genesys.people import Person

Json = dict[str, Any]

DAY_MS = 86_400_000
PROVIDERS = {"voice": "Edge", "callback": "PureCloud Callback", "chat": "PureCloud Webchat v2"}
FLOW_TYPES = {"voice": "INBOUNDCALL", "chat": "INBOUNDCHAT", "email": "INBOUNDEMAIL"}

# Times are half of what a conversation is made of: written out once.
_MINUTES = [f"T{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60)]
_SECONDS = [f":{second:02d}." for second in range(60)]


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def stamp(moment: int) -> str:
    """Return a moment (epoch ms) the way Genesys writes it."""
    day, rest = divmod(moment, DAY_MS)
    minute, rest = divmod(rest, 60_000)
    second, millis = divmod(rest, 1000)
    return f"{_date(day)}{_MINUTES[minute]}{_SECONDS[second]}{millis:03d}Z"


def utc(text: str) -> datetime:
    """Return a time as ISO 8601 has it; one without a zone is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def epoch_ms(text: str) -> int:
    """Return the moment (epoch ms) of an ISO 8601 time."""
    return round(utc(text).timestamp() * 1000)


def metric(name: str, value: int, moment: int) -> Json:
    """Return a metric of a session: milliseconds for t..., a count for n..."""
    return {"name": name, "value": value, "emitDate": stamp(moment)}


def segment(kind: str, start: int, end: int, **more: Any) -> Json:
    """Return a segment of a session; `more` holds its optional fields."""
    return {
        "segmentStart": stamp(start),
        "segmentEnd": stamp(end),
        "segmentType": kind,
        "conference": False,
    } | more


@dataclass(slots=True)
class Scene:
    """A conversation in the making; `now` moves on with each stage, `end` is when the last was through."""

    draws: Draws
    person: Person
    start: int
    media: str = "voice"
    direction: str = "inbound"
    now: int = 0
    end: int = 0
    waiting: int | None = None  # since when the customer waits in queues
    participants: list[Json] = field(default_factory=list)
    extras: Json = field(default_factory=dict)
    session_extras: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.end = self.start

    def wait(self, low: int, high: int) -> int:
        """Let a duration between two numbers of seconds pass; return it in ms."""
        spent = self.draws.between(low * 1000, high * 1000)
        self.now += spent
        self.end = max(self.end, self.now)
        return spent

    def enter(self, purpose: str, **fields: Any) -> Json:
        """Add a participant without sessions."""
        participant: Json = {"participantId": self.draws.uuid(), "purpose": purpose, **fields, "sessions": []}
        self.participants.append(participant)
        return participant

    def session(self, participant: Json, **fields: Any) -> Json:
        """Add a session in the scene's medium to a participant."""
        session: Json = {
            "sessionId": self.draws.uuid(),
            "mediaType": self.media,
            "direction": self.direction,
            "provider": PROVIDERS.get(self.media, "PureCloud"),
            **self.session_extras,
            **fields,
            "metrics": [],
            "segments": [],
        }
        participant["sessions"].append(session)
        return session


def menu(scene: Scene, disconnect: str = "transfer", *, bot: bool = False) -> None:
    """Take the customer through a flow: an IVR for calls, a workflow or a bot for the rest."""
    flow = scene.draws.pick(FLOWS)
    purpose = "ivr" if scene.media == "voice" else ("botflow" if bot else "workflow")
    entered = scene.now
    participant = scene.enter(purpose, participantName=flow.name)
    session = scene.session(participant, flow=_flow(scene, flow, disconnect))
    spent = scene.wait(5, 60)
    kind = "ivr" if purpose == "ivr" else "system"
    session["segments"].append(segment(kind, entered, scene.now, disconnectType=disconnect))
    session["metrics"] += [metric("nFlow", 1, entered), metric("tFlow", spent, scene.now)]
    if purpose == "ivr":
        session["metrics"].append(metric("tIvr", spent, scene.now))


def _flow(scene: Scene, flow: Named, disconnect: str) -> Json:
    moved = disconnect == "transfer"
    return {
        "flowId": flow.id,
        "flowName": flow.name,
        "flowType": FLOW_TYPES.get(scene.media, "INBOUNDSHORTMESSAGE"),
        "flowVersion": f"{scene.draws.between(1, 40)}.0",
        "startingLanguage": "en-us",
        "endingLanguage": "en-us",
        "exitReason": "TRANSFER" if moved else "DISCONNECT",
        **({"transferType": "ACD"} if moved else {}),
    }


def queued(scene: Scene, queue: Named, *, answered: bool = True, low: int = 2, high: int = 240) -> None:
    """Let the customer wait in a queue, until somebody answers or they give up."""
    entered = scene.now
    scene.waiting = entered if scene.waiting is None else scene.waiting
    participant = scene.enter("acd", participantName=queue.name)
    session = scene.session(participant, requestedRoutings=["Standard"])
    spent = scene.wait(low, high)
    session["segments"].append(
        segment(
            "interact",
            entered,
            scene.now,
            queueId=queue.id,
            disconnectType="transfer" if answered else "peer",
            requestedRoutingSkillIds=[scene.draws.pick(SKILLS).id],
        )
    )
    outcome = metric("tAcd", spent, scene.now) if answered else metric("tAbandon", spent, scene.now)
    session["metrics"] += [metric("nOffered", 1, entered), outcome]
    if spent > 20_000:  # noqa: PLR2004 - the organization's service level
        session["metrics"].append(metric("nOverSla", 1, entered + 20_000))
    if answered:
        session["usedRouting"] = "Standard"
    else:
        scene.waiting = None


@dataclass(slots=True)
class Stay:
    """How an agent's part goes: seconds of talk, and what happens in it and after it."""

    low: int = 30
    high: int = 600
    disconnect: str = "client"
    wrap_up: bool = True
    answers: bool = True
    conference: bool = False
    transfer: str | None = (
        None  # the metric of the transfer that ends it: nBlindTransferred, nConsultTransferred
    )
    purpose: str = "agent"
    extra: Json = field(default_factory=dict)  # more fields of the session


def attend(scene: Scene, user: Named, queue: Named | None, stay: Stay) -> Json:
    """Let an agent (or a user, without a queue) take the conversation; return the session."""
    participant = scene.enter(
        stay.purpose, participantName=user.name, userId=user.id, teamId=scene.draws.pick(TEAMS).id
    )
    session = scene.session(participant, **stay.extra)
    in_queue = {"queueId": queue.id} if queue else {}
    alerted = scene.now
    spent = scene.wait(2, 12)
    disconnect = {} if stay.answers else {"disconnectType": "noAnswerTransfer" if queue else "timeout"}
    session["segments"].append(segment("alert", alerted, scene.now, **in_queue, **disconnect))
    session["metrics"].append(metric("tAlert", spent, scene.now))
    if stay.answers:
        _talk(scene, session, in_queue, stay)
    else:
        session["metrics"].append(metric("tNotResponding", spent, scene.now))
    return session


def _talk(scene: Scene, session: Json, in_queue: Json, stay: Stay) -> None:
    answered = scene.now
    talk = scene.wait(stay.low, stay.high)
    held = _interact(scene, session, answered, in_queue, stay)
    left = scene.now
    metrics = session["metrics"]
    metrics.append(metric("nConnected", 1, answered))
    if scene.waiting is not None:
        metrics.append(metric("tAnswered", answered - scene.waiting, answered))
        scene.waiting = None
    metrics += [metric("tTalk", talk - held, left), metric("tTalkComplete", talk - held, left)]
    if held:
        metrics += [metric("tHeld", held, left), metric("tHeldComplete", held, left)]
    if stay.transfer:
        metrics += [metric("nTransferred", 1, left), metric(stay.transfer, 1, left)]
    after = _wrap_up(scene, session, in_queue) if stay.wrap_up else 0
    metrics.append(metric("tHandle", talk + after, left + after))


def _interact(scene: Scene, session: Json, answered: int, in_queue: Json, stay: Stay) -> int:
    """Add the talk, in a third of the calls with a hold in the middle; return the ms on hold."""
    more = in_queue | {"conference": stay.conference}
    add, left = session["segments"].append, scene.now
    if scene.media != "voice" or not scene.draws.chance(33):
        add(segment("interact", answered, left, **more, disconnectType=stay.disconnect))
        return 0
    third = (left - answered) // 3
    add(segment("interact", answered, answered + third, **more))
    add(segment("hold", answered + third, answered + 2 * third, **more))
    add(segment("interact", answered + 2 * third, left, **more, disconnectType=stay.disconnect))
    return third


def _wrap_up(scene: Scene, session: Json, in_queue: Json) -> int:
    """Add the work after the contact, which does not hold up the customer; return its ms."""
    left = scene.now
    after = scene.draws.between(2_000, 90_000)
    wrapped = segment(
        "wrapup", left, left + after, **in_queue, wrapUpCode=scene.draws.pick(WRAP_UP_CODES).id, wrapUpTags=[]
    )
    if scene.draws.chance(40):
        wrapped["wrapUpNote"] = note(scene.draws)
    session["segments"].append(wrapped)
    session["metrics"].append(metric("tAcw", after, left + after))
    scene.end = max(scene.end, left + after)
    return after
