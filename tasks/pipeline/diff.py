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
    newer = stored.version < record.version or same_moment(stored.version, record.version)
    return _differs(record, stored) and newer


def needs_confirmation(record: InteractionRecord, stored: Stored | None) -> bool:
    """Return whether the table holds another content than the record, or waits for what is settled in it.

    Of a record out of Genesys's data lake, which may be a day old: which of the two is true is for Genesys to say.
    """
    if stored is None or not stored.known:
        return False
    return _differs(record, stored) or (stored.due_at is not None and record.settled)


def _differs(record: InteractionRecord, stored: Stored) -> bool:
    # An answer of a query or a job has no participant attributes.
    return record.content_hash != (stored.details_hash or stored.content_hash)
