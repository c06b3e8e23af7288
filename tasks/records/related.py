"""The conversations that belong to a conversation: consults and merges are conversations of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.values import canonical_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.records.sessions import Session


def related_conversation_ids(conversation: Mapping[str, Any], sessions: Iterable[Session]) -> list[str]:
    """Return the ids of other conversations that the details name, sorted."""
    consults = conversation.get("consultationConversationIds")
    named = [*(consults if isinstance(consults, list) else ()), conversation.get("associatedConversationId")]
    for name in ("destinationConversationId", "sourceConversationId"):
        named += [s.fields[name] for session in sessions for s in session.segments if name in s.fields]
    found = {canonical_id(value) for value in named if value}
    return sorted(id_ for id_ in found - {canonical_id(conversation.get("conversationId"))} if id_)
