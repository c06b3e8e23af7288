"""Revisions: what happens to a conversation after it first ended. Newer details differ from older ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from deployments.sandbox.genesys.draws import Draws
from deployments.sandbox.genesys.organization import QUEUES, USERS, WRAP_UP_CODES
from deployments.sandbox.genesys.people import note, person
from deployments.sandbox.genesys.scene import Scene, Stay, attend, metric, segment, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.sandbox.genesys.scene import Json

SEGMENT_BYTES = 120
GROWN_BYTES = 500_000
AFTER_MS = 600_000


@dataclass(frozen=True, slots=True)
class Revision:
    """One thing that happened; `options` depends on the kind."""

    kind: str
    options: Json


def apply(details: Json, revision: Revision, number: int) -> Json:
    """Return the details after the `number`-th revision."""
    draws = Draws(f"{details['conversationId']}/revision/{number}")
    return KINDS[revision.kind](details, revision.options, draws)


def epoch_ms(text: str) -> int:
    """Return the moment (epoch ms) of a time as Genesys writes it."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _nothing(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    return details


def _ended_again(details: Json, options: Json, draws: Draws) -> Json:
    """Let the customer come back to another agent, and leave again."""
    scene = _resume(details, options, draws)
    customer = details["participants"][0]["sessions"][-1]
    began = scene.now
    attend(scene, draws.pick(USERS), draws.pick(QUEUES), Stay(disconnect="client"))
    customer["segments"].append(segment("interact", began, scene.now, disconnectType="peer"))
    details["participants"] += scene.participants
    return details | {"conversationEnd": stamp(scene.end)}


def _reopened(details: Json, options: Json, draws: Draws) -> Json:
    """Let the customer come back and still be there."""
    scene = _resume(details, options, draws)
    back = segment("interact", scene.now, scene.now)
    del back["segmentEnd"]
    details["participants"][0]["sessions"][-1]["segments"].append(back)
    del details["conversationEnd"]
    return details


def _resume(details: Json, options: Json, draws: Draws) -> Scene:
    last = details.get("conversationEnd") or details["conversationStart"]
    session = details["participants"][0]["sessions"][-1]
    start = epoch_ms(last) + int(options.get("after_ms", AFTER_MS))
    return Scene(draws, person(draws), start, session["mediaType"], session["direction"])


def _corrected(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Change measured values and codes, the way a nightly pass does; the end stays."""
    details["mediaStatsMinConversationMos"] = draws.between(1_000_000, 2_000_000) / 1_000_000
    customer = details["participants"][0]["sessions"][0]
    when = epoch_ms(details["conversationStart"])
    customer["metrics"].append(metric("tCorrected", draws.between(1, 1_000_000), when))
    for wrapped in _wrap_ups(details):
        wrapped |= {"wrapUpCode": draws.pick(WRAP_UP_CODES).id, "wrapUpNote": note(draws)}
    return details


def _wrap_ups(details: Json) -> list[Json]:
    sessions = [session for each in details["participants"] for session in each["sessions"]]
    return [s for session in sessions for s in session["segments"] if s["segmentType"] == "wrapup"]


def _grown(details: Json, options: Json, draws: Draws) -> Json:
    """Fill the customer's session with segments until the conversation has about so many bytes."""
    session = details["participants"][0]["sessions"][0]
    at = epoch_ms(details["conversationStart"])
    for _ in range(int(options.get("bytes", GROWN_BYTES)) // SEGMENT_BYTES):
        session["segments"].append(segment("interact", at, at + draws.below(1000), queueId=QUEUES[0].id))
    return details


def _changed(details: Json, options: Json, draws: Draws) -> Json:  # noqa: ARG001 - one signature for all
    """Replace top-level fields; null removes one."""
    changes: dict[str, Any] = options.get("changes", {})
    merged = details | changes
    return {name: value for name, value in merged.items() if value is not None}


KINDS: dict[str, Callable[[Json, Json, Draws], Json]] = {
    "ended": _nothing,
    "ended-again": _ended_again,
    "reopened": _reopened,
    "corrected": _corrected,
    "grown": _grown,
    "changed": _changed,
    "removed": _nothing,
}
# After these Genesys needs time to settle once more.
ENDINGS = frozenset({"ended", "ended-again"})
