"""Where records, quarantined events and whole conversations are kept. No Prefect in here."""

from tasks.stores.conversations import ConversationBucket
from tasks.stores.directory import DirectoryEntry, DirectoryTable, NameKey
from tasks.stores.errors import ItemRefused, StoreMisconfigured, StoreThrottled, StoreUnavailable
from tasks.stores.interaction_items import (
    Deferral,
    DeferralReason,
    NewRow,
    PreviousItem,
    Provenance,
    Stored,
    WriteOutcome,
)
from tasks.stores.interactions import InteractionTable
from tasks.stores.quarantine import QuarantineRow, QuarantineTable
from tasks.stores.row_names import NO_NAMES, RowNames
from tasks.stores.staging import StagedConversation, StagedObject, StagingBucket

__all__ = [
    "NO_NAMES",
    "ConversationBucket",
    "Deferral",
    "DeferralReason",
    "DirectoryEntry",
    "DirectoryTable",
    "InteractionTable",
    "ItemRefused",
    "NameKey",
    "NewRow",
    "PreviousItem",
    "Provenance",
    "QuarantineRow",
    "QuarantineTable",
    "RowNames",
    "StagedConversation",
    "StagedObject",
    "StagingBucket",
    "StoreMisconfigured",
    "StoreThrottled",
    "StoreUnavailable",
    "Stored",
    "WriteOutcome",
]
