"""Which of two records of an interaction is the newer one, as one string that DynamoDB can compare."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tasks.events.instants import epoch_milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the sha256 of the content as canonical JSON, numbers exact."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def version(ended_at: str | None, fetched_at: datetime, content_hash: str) -> str:
    """Return `settled|ended at|fetched at|hash`, which sorts as that tuple does.

    Settled beats unsettled, a later end an earlier one, a later answer an earlier one; the hash decides
    between answers of the same second. Every part has a fixed width: an end is 24 characters or, exactly when
    the interaction is not settled, none, so the separator never meets a digit; milliseconds are padded to 15.
    """
    milliseconds = f"{epoch_milliseconds(fetched_at):015d}"
    return "|".join(("1" if ended_at else "0", ended_at or "", milliseconds, content_hash))
