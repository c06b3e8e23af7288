"""The analytics details of a conversation, derived from its id and its start time alone."""

from __future__ import annotations

from deployments.sandbox.genesys.conversations import Json
from deployments.sandbox.genesys.conversations.builder import ConversationBuilder
from deployments.sandbox.genesys.conversations.organization import DIVISIONS, fixed_id
from deployments.sandbox.genesys.conversations.people import person
from deployments.sandbox.genesys.conversations.quality import evaluation, survey
from deployments.sandbox.genesys.conversations.scenarios import SCENARIOS
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom
from deployments.sandbox.genesys.conversations.timestamps import DAY_MS, timestamp

EVALUATED_PERCENT = SURVEYED_PERCENT = 3
KNOWLEDGE_PERCENT = 20  # of chats and messages
EARLY_PERCENT, OTHER_FIRST_PERCENT = 20, 35
LATER = ("conversationEnd", "evaluations", "surveys", "resolutions")
UNSETTLED_METRICS = frozenset({"tAcw", "tHandle"})


def offset(conversation_id: str) -> int:
    """Return the time of day (ms after midnight) at which the conversation with this id started."""
    return SeededRandom(f"start/{conversation_id}").below(DAY_MS)


def conversation(conversation_id: str, start: int) -> tuple[Json, int]:
    """Return the settled details of a conversation that started at `start`, and its end; both are epoch ms."""
    rng = SeededRandom(conversation_id)
    builder = ConversationBuilder(rng, person(rng), start)
    rng.pick(SCENARIOS)(builder)
    first = builder.participants[0]
    _shuffle(rng, builder)
    details: Json = {
        "conversationId": conversation_id,
        "conversationStart": timestamp(start),
        "conversationEnd": timestamp(builder.end),
        "originatingDirection": first["sessions"][0]["direction"],
        "conversationInitiator": first["purpose"],
        "divisionIds": _divisions(rng),
        **_quality(rng, builder),
        **builder.extras,
        "participants": builder.participants,
    }
    details |= _afterwards(rng, builder)
    return details, builder.end


def _shuffle(rng: SeededRandom, builder: ConversationBuilder) -> None:
    """Let the first participant be another one in a third of the conversations, and begin a little early in a fifth."""
    first = builder.participants[0]["sessions"][0]["segments"][0]
    if rng.chance(EARLY_PERCENT):
        first["segmentStart"] = timestamp(builder.start - rng.between(1, 40))
    if rng.chance(OTHER_FIRST_PERCENT):
        builder.participants.insert(rng.between(1, 2), builder.participants.pop(0))


def _afterwards(rng: SeededRandom, builder: ConversationBuilder) -> Json:
    """Return what some conversations get after their end: an evaluation, a survey, a resolution, knowledge used."""
    added: Json = {}
    if rng.chance(EVALUATED_PERCENT):
        added["evaluations"] = [evaluation(builder)]
    if rng.chance(SURVEYED_PERCENT):
        added["surveys"] = [survey(builder)]
    if rng.chance(SURVEYED_PERCENT):
        queue = {"queueId": builder.queue.id} if builder.queue else {}
        resolution = {"eventTime": timestamp(builder.end), "nNextContactAvoided": rng.below(2)}
        added["resolutions"] = [resolution | queue]
    if builder.media in ("chat", "message") and rng.chance(KNOWLEDGE_PERCENT):
        added["knowledgeBaseIds"] = [fixed_id("knowledge-base")]
    return added


def _divisions(rng: SeededRandom) -> list[str]:
    home = DIVISIONS[0].id
    return [home, DIVISIONS[1 + rng.below(2)].id] if rng.chance(40) else [home]


def _quality(rng: SeededRandom, builder: ConversationBuilder) -> Json:
    """Return a call's media statistics, and for some conversations an external tag with the customer's address."""
    fields: Json = {}
    if builder.media == "voice":
        fields["mediaStatsMinConversationMos"] = rng.between(2_500_000, 4_950_000) / 1_000_000
        fields["mediaStatsMinConversationRFactor"] = rng.between(500_000, 935_000) / 10_000
    if rng.chance(10):
        fields["externalTag"] = f"CRM-{builder.person.email}"
    return fields


def unsettled(details: Json) -> Json:
    """Remove from settled details, in place, what Genesys adds later: the end, evaluations, after-call work."""
    for name in LATER:
        details.pop(name, None)
    for participant in details["participants"]:
        for session in participant["sessions"]:
            session["segments"] = [s for s in session["segments"] if s["segmentType"] != "wrapup"]
            session["metrics"] = [m for m in session["metrics"] if m["name"] not in UNSETTLED_METRICS]
    return details
