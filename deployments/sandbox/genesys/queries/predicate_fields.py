"""The dimensions, metrics and operators of Genesys's predicates, as its SDK lists them.

The contract test compares them with ConversationDetailQueryPredicate and SegmentDetailQueryPredicate. A dimension
or metric that no simulated conversation has is valid in a predicate, and absent.
"""

from __future__ import annotations

from dataclasses import dataclass


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class PredicateFields:
    """The dimensions and metrics of one kind of filter; `subjects` are the predicate fields that name one."""

    dimensions: frozenset[str]
    metrics: frozenset[str]
    subjects: tuple[str, ...] = ("dimension", "metric")


CONVERSATION_FIELDS = PredicateFields(
    _names("""
        accessAttribute conversationEnd conversationId conversationInitiator conversationStart
        customerParticipation divisionId externalTag mediaStatsMinConversationMos originatingDirection
        originatingSocialMediaPublic
    """),
    _names("""
        nAgentDeclined nAlertExpired nBlindTransferred nBotInteractions nCallbackAttempts nCallbackOverSla
        nCallbackScheduled nCfcOffered nCobrowseSessions nConnected nConsult nConsultTransferred nConversations
        nError nFlow nFlowMilestone nFlowOutcome nFlowOutcomeFailed nOffered nOutbound nOutboundAbandoned
        nOutboundAttempted nOutboundConnected nOverSla nStateTransitionError nTakeover nTransferred
        oAudioMessageCount oExternalAudioMessageCount oExternalMediaCount oFlowMilestone oMediaCount
        oMessageCount oMessageSegmentCount oMessageTurn oSkillExpressionApplications tAbandon tAcd
        tActiveCallback tActiveCallbackComplete tAcw tAgentResponseTime tAgentVideoConnected tAlert tAnswered
        tAverageAgentResponseTime tAverageCustomerResponseTime tBarging tCallbackAbandon tCallbackConnect
        tCallbackNotReached tCallbackVirtualWait tCfcAbandon tCfcAcd tCfcAnswered tCfcFlowOut tCoaching
        tCoachingComplete tConnected tContacting tConversationDuration tDialing tFirstConnect tFirstDial
        tFirstEngagement tFirstResponse tFlow tFlowDisconnect tFlowExit tFlowOut tFlowOutcome tHandle tHeld
        tHeldComplete tIvr tMonitoring tMonitoringComplete tNotResponding tPark tParkComplete
        tScreenMonitoring tShortAbandon tSnippetRecord tTalk tTalkComplete tTransmitting tUserResponseTime
        tVoicemail
    """),
)
SEGMENT_FIELDS = PredicateFields(
    _names("""
        addressFrom addressTo agentAssistantId agentOwned ani authenticated bargedParticipantId callbackNumber
        callbackScheduledTime canonicalExternalContactId cleared coachedParticipantId conference deliveryPushed
        deliveryStatus destinationAddress destinationConversationId detectedSpeechEnd detectedSpeechStart
        direction disconnectType dnis edgeId engagementSource errorCode exitReason extendedDeliveryStatus
        externalContactId externalOrganizationId flaggedReason flowId flowName flowOutType flowOutcome
        flowOutcomeId flowOutcomeValue flowVersion groupId journeyActionId journeyActionMapId journeyCustomerId
        journeyCustomerIdType journeyCustomerSessionId mediaCount mediaType messageType monitoredParticipantId
        outboundCampaignId outboundContactId outboundContactListId participantName protocolCallId provider
        purpose queueId recording remote remoteNameDisplayable requestedLanguageId requestedRouting
        requestedRoutingSkillId scoredAgentId screenMonitoredUserId screenRecording scriptId segmentEnd
        segmentType sessionDnis sipResponseCode skillExpressionId snippetRecording subject teamId
        transferTargetAddress transferTargetName transferType usedRouting userId wrapUpCode wrapUpNote
    """),
    frozenset({"tSegmentDuration"}),
    ("dimension", "metric", "property"),
)
# Dimensions that may have a range.
NUMERIC_DIMENSIONS = frozenset({"mediaCount", "mediaStatsMinConversationMos", "sipResponseCode"})
PROPERTY_TYPES = ("bool", "integer", "real", "date", "string", "uuid")
OPERATORS = ("matches", "exists", "notExists")
