"""Participant attributes, one request for each conversation: only where GENESYS_EMAIL_ATTRIBUTE asks for them.

The details, of which one request brings a hundred, have none (AnalyticsConversationWithoutAttributes).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.errors import NotReady, PipelineError
from tasks.genesys import BadRequest, GenesysClient, Misconfigured, Throttled, Unavailable

_log = logging.getLogger(__name__)

Attributes = dict[str, dict[str, Any]]  # by participant id


class Asked:
    """What asking came to: the attributes of each conversation, and why those of the others are not known."""

    __slots__ = ("found", "why")

    def __init__(self) -> None:
        self.found: dict[str, Attributes] = {}
        self.why: PipelineError | None = None


def ask(client: GenesysClient, conversation_ids: Iterable[str], seconds: float) -> Asked:
    """Ask for the attributes of as many conversations as time, limit and Genesys allow; the rest is for later.

    One that Genesys refuses for good has none. Raises NotReady.
    """
    asked, end = Asked(), time.monotonic() + seconds
    for id_ in conversation_ids:
        if time.monotonic() > end:
            asked.why = Throttled("attributes take a request each, and there was no time for more")
            break
        try:
            asked.found[id_] = client.get_attributes(id_)
        except BadRequest as error:
            _log.warning("interaction %s has no attributes: %s", id_, error)
            asked.found[id_] = {}
        except NotReady:
            raise
        except (Throttled, Unavailable, Misconfigured) as error:
            asked.why = error
            break
    return asked


def joined(conversation: dict[str, Any], attributes: Attributes) -> dict[str, Any]:
    """The conversation as if its details had the attributes; the one that Genesys sent stays as it is."""
    participants = conversation.get("participants")
    if not attributes or not isinstance(participants, list):
        return conversation
    return {**conversation, "participants": [_participant(each, attributes) for each in participants]}


def _participant(participant: Any, attributes: Mapping[str, Any]) -> Any:
    found = attributes.get(str(participant.get("participantId"))) if isinstance(participant, dict) else None
    return {**participant, "attributes": found} if found else participant
