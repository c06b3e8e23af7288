"""Corrections: a settled record that takes another one's place, and whether Genesys should confirm it.

A later answer is the truer one, but two things can make it look later than it is: the `Date` of an answer has whole
seconds, and a replica of Genesys's may lag behind the one that answered before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.records.record import CONTENT_FIELDS, InteractionRecord
from tasks.records.version import is_current_form, same_moment

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_doubtful(record: InteractionRecord, stands: Mapping[str, Any]) -> bool:
    """Return whether a settled record that replaces the item `stands` may be the older state of the two.

    It may when both are of one second, when its end is earlier, or when there is less in it.
    """
    version = str(stands.get("version", ""))
    if same_moment(record.version, version) or _ends_earlier(record.content, stands):
        return True
    # The fields of an item of an earlier release are others: that it had more says nothing.
    before = {name: stands[name] for name in CONTENT_FIELDS if name in stands}
    return is_current_form(version) and has_less(record.content, before)


def has_less(after: Any, before: Any) -> bool:
    """Return whether a field, an element of a list, or one further down, is in `before` and not in `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        return any(name not in after or has_less(after[name], value) for name, value in before.items())
    if isinstance(before, list | set) and isinstance(after, list | set):
        return len(after) < len(before) or any(map(has_less, after, before))
    return False


def _ends_earlier(content: Mapping[str, Any], stands: Mapping[str, Any]) -> bool:
    end, before = content.get("endedAt"), stands.get("endedAt")
    return isinstance(end, str) and isinstance(before, str) and end < before
