"""Interaction records: what is stored of a conversation, derived from Genesys's details of it."""

from tasks.records.record import CONTENT_FIELDS, InteractionRecord, ReferencedIds, build_record

__all__ = ["CONTENT_FIELDS", "InteractionRecord", "ReferencedIds", "build_record"]
