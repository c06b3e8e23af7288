"""What Genesys lists against what the table holds: which records are missing or newer."""

from __future__ import annotations

from tasks.records import InteractionRecord
from tasks.records.version import same_moment
from tasks.stores import Stored


def is_newer(record: InteractionRecord, stored: Stored | None) -> bool:
    """Return whether the table lacks the record, holds older content, or still waits for what is settled now.

    So is other content of the same second: which of the two is the later is for `save` to find out.
    """
    if stored is None or not stored.known:
        return True
    if stored.due_at is not None and record.settled:
        return True
    # A query's answer has no participant attributes.
    differs = record.content_hash != (stored.details_hash or stored.content_hash)
    return differs and (stored.version < record.version or same_moment(stored.version, record.version))
