"""One conversation out of the tables."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from pyiceberg.expressions import EqualTo

from tasks.lake.catalog import Lake
from tasks.lake.iceberg.data_files import ID, day_filter
from tasks.stores.errors import StoreUnavailable


def read_conversation(
    lake: Lake, interaction_id: str, days: Collection[date | None]
) -> dict[str, Any] | None:
    """Return an interaction's conversation, its numbers exact; None when none of the days' partitions has it.

    Raises StoreUnavailable, also when a publish deletes the files that are being read.
    """
    table = lake.existing("conversations")
    if table is None:
        return None
    chosen = day_filter(days) & EqualTo(term=ID, value=interaction_id)
    try:
        found = table.scan(row_filter=chosen, selected_fields=("body",)).to_arrow().to_pylist()
    except FileNotFoundError:
        raise StoreUnavailable("table conversations: a file is gone, read again") from None
    return json.loads(found[0]["body"], parse_float=Decimal) if found else None
