"""Participant attributes, one request for each conversation: only where GENESYS_EMAIL_ATTRIBUTE names one.

The details, of which one request brings a hundred, have none (AnalyticsConversationWithoutAttributes).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.errors import DependencyUnavailable, PipelineError
from tasks.genesys import BadRequest, GenesysClient, Misconfigured, Throttled, Unavailable
from tasks.pipeline.work import FetchedInteraction, Priority, ProcessedChunk
from tasks.records import build_record
from tasks.services import Services
from tasks.settings import task_policy

_log = logging.getLogger(__name__)
_MAX_FAILURES_IN_A_ROW = 3  # then Genesys is failing, not a conversation

Attributes = dict[str, dict[str, Any]]  # by participant id


def add_addresses(services: Services, processed: ProcessedChunk, priority: Priority, *, began: float) -> None:
    """Add the customer's address from the participant attribute to the settled records, if an attribute is named.

    Interactions whose attributes do not arrive within TASK_TIMEOUT from `began` (monotonic seconds) are postponed.
    Where Genesys does not know the attributes any more, the stored address stays. Raises DependencyUnavailable.
    """
    name, stored = services.settings.genesys_email_attribute, services.interactions.address
    if not name:
        return
    client, until = services.genesys[priority], began + task_policy().task_timeout
    settled = [fetched for fetched in processed.fetched if fetched.record.settled]
    processed.fetched = [fetched for fetched in processed.fetched if not fetched.record.settled]
    answers = _Answers(client, (fetched.work.interaction_id for fetched in settled), until)
    for fetched in settled:
        id_ = fetched.work.interaction_id
        if id_ in answers.found:
            processed.fetched.append(_with_address(fetched, answers.found[id_], name, stored))
        else:
            processed.postpone([fetched.work], answers.failed.get(id_, answers.rest))


class _Answers:
    """The attributes that were found, the error of each conversation that failed, and that of all not asked for."""

    def __init__(self, client: GenesysClient, conversation_ids: Iterable[str], until: float) -> None:
        self.found: dict[str, Attributes | None] = {}
        self.failed: dict[str, PipelineError] = {}
        self.rest: PipelineError = Throttled("attributes take a request each, and there was no time for more")
        in_a_row = 0
        for id_ in conversation_ids:
            if time.monotonic() > until:
                break
            try:
                self.found[id_] = client.get_attributes(id_)
                in_a_row = 0
            except BadRequest as error:
                _log.warning("interaction %s has no attributes: %s", id_, error)
                self.found[id_] = None
            except DependencyUnavailable:
                raise
            except Throttled as error:
                self.rest = error
                break
            except (Unavailable, Misconfigured) as error:
                self.failed[id_] = error
                in_a_row += 1
                if in_a_row == _MAX_FAILURES_IN_A_ROW:
                    self.rest = error
                    break


def _with_address(
    fetched: FetchedInteraction, attributes: Attributes | None, name: str, stored: Callable[[str], str | None]
) -> FetchedInteraction:
    kept = stored(fetched.work.interaction_id) if attributes is None else None
    conversation = _joined(fetched.conversation, attributes or {})
    record = build_record(conversation, fetched.record.fetched_at, email_attribute=name, address=kept)
    return fetched._replace(record=record)


def _joined(conversation: dict[str, Any], attributes: Attributes) -> dict[str, Any]:
    """The conversation as if its details had the attributes; the one that Genesys sent stays as it is."""
    participants = conversation.get("participants")
    if not attributes or not isinstance(participants, list):
        return conversation
    return {**conversation, "participants": [_participant(each, attributes) for each in participants]}


def _participant(participant: Any, attributes: Mapping[str, Any]) -> Any:
    found = attributes.get(str(participant.get("participantId"))) if isinstance(participant, dict) else None
    return {**participant, "attributes": found} if found else participant
