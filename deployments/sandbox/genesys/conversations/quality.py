"""What people say of a conversation after its end: a survey of the customer's, an evaluation of the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.sandbox.genesys.conversations.organization import fixed_id
from deployments.sandbox.genesys.conversations.seeded_random import SeededRandom
from deployments.sandbox.genesys.conversations.timestamps import timestamp

if TYPE_CHECKING:
    from deployments.sandbox.genesys.conversations import Json
    from deployments.sandbox.genesys.conversations.builder import ConversationBuilder

FINISHED_PERCENT = 70
UNANSWERED = ("Sent", "Expired", "OptOut")
CRITICAL_PERCENT = 50  # of finished evaluations: those with critical questions


def survey(builder: ConversationBuilder) -> Json:
    """Return a survey, which not every customer fills in."""
    rng = builder.rng
    found: Json = {
        "surveyId": rng.uuid(),
        "surveyFormId": fixed_id("survey-form/2"),
        "surveyFormContextId": fixed_id("survey-form"),
        "surveyFormName": "Satisfaction",
        **_subject(builder),
        "eventTime": timestamp(builder.end),
    }
    scores = {"surveyPromoterScore": rng.below(11), "oSurveyTotalScore": rng.below(101)}
    # Of a generator of its own: what is derived after the survey stays as it is.
    dice = SeededRandom(found["surveyId"])
    if dice.chance(FINISHED_PERCENT):
        return found | scores | {"surveyStatus": "Finished", "surveyCompletedDate": timestamp(builder.end)}
    return found | {"surveyStatus": dice.pick(UNANSWERED)}


def evaluation(builder: ConversationBuilder) -> Json:
    """Return an evaluation, which not every evaluator has finished."""
    rng = builder.rng
    found: Json = {
        "evaluationId": rng.uuid(),
        "evaluatorId": fixed_id("evaluator"),
        "formId": fixed_id("form/3"),
        "contextId": fixed_id("form"),
        "formName": "Friendliness",
        **_subject(builder),
        "eventTime": timestamp(builder.end),
        "deleted": False,
        "rescored": False,
    }
    scores = {"oTotalScore": rng.below(101)}
    dice = SeededRandom(found["evaluationId"])
    if not dice.chance(FINISHED_PERCENT):
        return found | {"evaluationStatus": "Pending", "released": False}
    if dice.chance(CRITICAL_PERCENT):
        scores["oTotalCriticalScore"] = dice.below(101)
    return found | scores | {"evaluationStatus": "Finished", "released": True}


def _subject(builder: ConversationBuilder) -> Json:
    """Return the customer's last queue, and the last agent, as far as there are any."""
    agents = [each["userId"] for each in builder.participants if each["purpose"] == "agent"]
    return {
        **({"userId": agents[-1]} if agents else {}),
        **({"queueId": builder.queue.id} if builder.queue else {}),
    }
