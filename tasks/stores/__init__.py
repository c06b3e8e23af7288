"""Where records, quarantined events and whole conversations are kept. No Prefect in here."""

from tasks.stores.archive import ConversationArchive
from tasks.stores.errors import ItemRefused, StoreError, StoreMisconfigured, StoreThrottled, StoreUnavailable
from tasks.stores.interactions import Buried, Deferral, InteractionTable, Provenance, Stored, Write, Written
from tasks.stores.quarantine import QuarantineRow, QuarantineTable

__all__ = [
    "Buried",
    "ConversationArchive",
    "Deferral",
    "InteractionTable",
    "ItemRefused",
    "Provenance",
    "QuarantineRow",
    "QuarantineTable",
    "StoreError",
    "StoreMisconfigured",
    "StoreThrottled",
    "StoreUnavailable",
    "Stored",
    "Write",
    "Written",
]
