"""Where records, quarantined events and whole conversations are kept. No Prefect in here."""

from tasks.stores.archive import ConversationArchive
from tasks.stores.errors import ItemRefused, StoreError, StoreMisconfigured, StoreThrottled, StoreUnavailable
from tasks.stores.interactions import InteractionTable
from tasks.stores.quarantine import QuarantineRow, QuarantineTable
from tasks.stores.rows import Buried, Deferral, NewRow, Provenance, Stored, Write, Written

__all__ = [
    "Buried",
    "ConversationArchive",
    "Deferral",
    "InteractionTable",
    "ItemRefused",
    "NewRow",
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
