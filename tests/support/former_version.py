"""The version that releases before 0.2 gave to a record."""

from __future__ import annotations

from tasks.records import InteractionRecord


def former_version(record: InteractionRecord) -> str:
    """Return `settled|endedAt|fetchedAt in ms|contentHash`, written out here: the code no longer has it."""
    milliseconds = round(record.fetched_at.timestamp() * 1000)
    end = record.content.get("endedAt", "")
    return f"{int(record.settled)}|{end}|{milliseconds:015d}|{record.content_hash}"
