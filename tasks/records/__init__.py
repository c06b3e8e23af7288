"""Interaction records: what is kept of a conversation, derived from Genesys's details of it."""

from tasks.records.errors import UnreadableConversation
from tasks.records.record import CONTENT_FIELDS, InteractionRecord, build_record

__all__ = ["CONTENT_FIELDS", "InteractionRecord", "UnreadableConversation", "build_record"]
