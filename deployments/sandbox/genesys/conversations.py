"""Conversations: the details of any conversation, derived from its id and the moment it started."""

from __future__ import annotations

from deployments.sandbox.genesys.draws import Draws
from deployments.sandbox.genesys.organization import DIVISIONS, fixed_id
from deployments.sandbox.genesys.people import person
from deployments.sandbox.genesys.scenarios import SCENARIOS
from deployments.sandbox.genesys.scene import DAY_MS, Json, Scene, stamp

EVALUATED_PERCENT = 3
UNSETTLED_METRICS = frozenset({"tAcw", "tHandle"})


def offset(conversation_id: str) -> int:
    """Return when in a day (ms) the conversation with this id started."""
    return Draws(f"start/{conversation_id}").below(DAY_MS)


def conversation(conversation_id: str, start: int) -> tuple[Json, int]:
    """Return the settled details of a conversation that started at `start`, and its end (both epoch ms)."""
    draws = Draws(conversation_id)
    scene = Scene(draws, person(draws), start)
    draws.pick(SCENARIOS)(scene)
    details: Json = {
        "conversationId": conversation_id,
        "conversationStart": stamp(start),
        "conversationEnd": stamp(scene.end),
        "originatingDirection": scene.participants[0]["sessions"][0]["direction"],
        "conversationInitiator": scene.participants[0]["purpose"],
        "divisionIds": _divisions(draws),
        **_quality(draws, scene),
        **scene.extras,
        "participants": scene.participants,
    }
    if draws.chance(EVALUATED_PERCENT):
        details["evaluations"] = [_evaluation(scene)]
    return details, scene.end


def _divisions(draws: Draws) -> list[str]:
    home = DIVISIONS[0].id
    return [home, DIVISIONS[1 + draws.below(2)].id] if draws.chance(40) else [home]


def _quality(draws: Draws, scene: Scene) -> Json:
    """Return the floats of a call, and the tag that some organizations put customers' numbers in."""
    fields: Json = {}
    if scene.media == "voice":
        fields["mediaStatsMinConversationMos"] = draws.between(2_500_000, 4_950_000) / 1_000_000
        fields["mediaStatsMinConversationRFactor"] = draws.between(500_000, 935_000) / 10_000
    if draws.chance(10):
        fields["externalTag"] = f"CRM-{scene.person.email}"
    return fields


def _evaluation(scene: Scene) -> Json:
    draws = scene.draws
    return {
        "evaluationId": draws.uuid(),
        "evaluatorId": fixed_id("evaluator"),
        "formId": fixed_id("form"),
        "formName": "Friendliness",
        "eventTime": stamp(scene.end),
        "released": True,
        "oTotalScore": draws.below(101),
    }


def unsettled(details: Json) -> Json:
    """Turn settled details into what Genesys shows before: no end yet, and no work after the contact."""
    details.pop("conversationEnd", None)
    details.pop("evaluations", None)
    for participant in details["participants"]:
        for session in participant["sessions"]:
            session["segments"] = [s for s in session["segments"] if s["segmentType"] != "wrapup"]
            session["metrics"] = [m for m in session["metrics"] if m["name"] not in UNSETTLED_METRICS]
    return details
