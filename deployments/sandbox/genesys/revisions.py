"""Revisions: what happens to a conversation after it first ended. Newer details differ from older ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.draws import Draws
from deployments.sandbox.genesys.options import Reader, read, texts, whole
from deployments.sandbox.genesys.organization import QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.people import note, person
from deployments.sandbox.genesys.scene import Scene, Stay, attend, epoch_ms, segment, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.scene import Json

SEGMENT_BYTES = 120
GROWN_BYTES, GROWN_MOST = 500_000, 50_000_000
AFTER_MS, AFTER_MOST = 600_000, 366 * 86_400_000
# What the rest of a conversation hangs on; other events than "changed" change it.
FIXED = frozenset({"conversationId", "conversationStart", "conversationEnd", "participants"})
TALK = frozenset({"tTalk", "tTalkComplete", "tHandle"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One thing that happened; `options` depends on the kind."""

    kind: str
    options: Json


def requested(body: Any) -> Revision:
    """Return the revision that a body of /_sim asks for; ValueError for what is none."""
    kind = body.get("type") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"wanted a JSON object with type: one of {', '.join(KINDS)}")
    given = {name: value for name, value in body.items() if name != "type"}
    return Revision(kind, read(given, KINDS[kind].options, f"{kind}: "))


def apply(details: Json, revision: Revision, number: int) -> Json:
    """Return the details after the `number`-th revision."""
    draws = Draws(f"{details['conversationId']}/revision/{number}")
    return KINDS[revision.kind].happens(details, revision.options, draws)


def _customer(details: Json) -> Json:
    """Return the customer's last session."""
    session: Json = details["participants"][0]["sessions"][-1]
    return session


def _scene(details: Json, draws: Draws, later: int = 0) -> Scene:
    """Return a scene that goes on so many ms after everything that happened so far."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    times = [s.get("segmentEnd", s["segmentStart"]) for session in sessions for s in session["segments"]]
    last = max([*times, details.get("conversationEnd", "")])
    customer = _customer(details)
    media, direction = customer["mediaType"], customer["direction"]
    return Scene(draws, person(draws), epoch_ms(last) + later, media, direction)


def _reopened(details: Json, options: Json, draws: Draws) -> Json:
    """Let the customer come back and still be there; one who never left is there anyway."""
    if "conversationEnd" not in details:
        return details
    began = _scene(details, draws, options.get("after_ms", AFTER_MS)).now
    back = segment("interact", began, began)
    del back["segmentEnd"]
    _customer(details)["segments"].append(back)
    del details["conversationEnd"]
    return details


def _left(details: Json, scene: Scene) -> Json:
    """Let the customer leave, who came back and is still there."""
    for each in _customer(details)["segments"]:
        if "segmentEnd" not in each:
            each |= {"segmentEnd": stamp(scene.now), "disconnectType": "peer"}
    return details | {"conversationEnd": stamp(scene.end)}


def _ended(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Let the customer leave if they are there; otherwise nothing but the announcement is new."""
    if "conversationEnd" in details:
        return details
    scene = _scene(details, draws)
    scene.wait(30, 600)
    return _left(details, scene)


def _ended_again(details: Json, options: Json, draws: Draws) -> Json:
    """Let the customer, who comes back or is back, talk to another agent and leave."""
    details = _reopened(details, options, draws)
    scene = _scene(details, draws)
    attend(scene, draws.pick(USERS), draws.pick(QUEUES), Stay(disconnect="client"))
    details["participants"] += scene.participants
    return _left(details, scene)


def _corrected(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Change measured values and codes, the way a nightly pass does; the end stays."""
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    measured = [m for session in sessions for m in session["metrics"] if m["name"].startswith("t")]
    more = draws.between(1, 1000)
    for each in [m for m in measured if m["name"] in TALK] or measured:
        each["value"] += more
    if "mediaStatsMinConversationMos" in details:
        details["mediaStatsMinConversationMos"] = draws.between(1_000_000, 2_000_000) / 1_000_000
    for wrapped in (s for session in sessions for s in session["segments"]):
        if wrapped["segmentType"] == "wrapup":
            wrapped |= {"wrapUpCode": draws.pick(WRAP_UP_CODES).id, "wrapUpNote": note(draws)}
    return details


def _grown(details: Json, options: Json, draws: Draws) -> Json:
    """Fill the customer's session with segments until the conversation has about so many bytes."""
    listed = details["participants"][0]["sessions"][0]["segments"]
    at = epoch_ms(details["conversationStart"])
    for _ in range(options.get("bytes", GROWN_BYTES) // SEGMENT_BYTES):
        listed.append(segment("interact", at, at + draws.below(1000), queueId=QUEUES[0].id))
    listed.sort(key=itemgetter("segmentStart"))
    return details


def _changed(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Replace top-level fields; null removes one."""
    merged = details | options.get("changes", {})
    return {name: value for name, value in merged.items() if value is not None}


def _removed(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Leave the details as they are: nobody will see them."""
    return details


def _changes(value: Any) -> Json:
    """Return the top-level fields to replace, none of those that the rest of a conversation hangs on."""
    if not isinstance(value, dict):
        raise TypeError("wanted a JSON object")
    if fixed := FIXED & value.keys():
        raise ValueError(f"wanted none of {', '.join(sorted(fixed))}: other events change them")
    if value.get("divisionIds") is not None:
        read({"divisionIds": value["divisionIds"]}, {"divisionIds": texts})
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of revision: what it does to the details, its options, and whether it announces an end."""

    happens: Callable[[Json, Json, Draws], Json]
    options: dict[str, Reader] = field(default_factory=dict)
    ends: bool = False  # Genesys needs time to settle once more


_LATER = {"after_ms": whole(AFTER_MOST)}
KINDS = {
    "ended": Kind(_ended, ends=True),
    "ended-again": Kind(_ended_again, _LATER, ends=True),
    "reopened": Kind(_reopened, _LATER),
    "corrected": Kind(_corrected),
    "grown": Kind(_grown, {"bytes": whole(GROWN_MOST)}),
    "changed": Kind(_changed, {"changes": _changes}),
    "removed": Kind(_removed),
}
