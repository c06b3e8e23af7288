"""The names for the records of a chunk: one question to the directory for all of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.genesys import NameKind
from tasks.stores import NameKey, RowNames
from tasks.values import canonical_id, is_canonical_id

if TYPE_CHECKING:
    from tasks.pipeline.directory import Directory
    from tasks.pipeline.work import ProcessedChunk
    from tasks.records import InteractionRecord

_log = logging.getLogger(__name__)


def add_names(directory: Directory | None, processed: ProcessedChunk) -> None:
    """Add to the chunk's records the names that are known; nothing that fails here costs a record."""
    try:
        keys = [keys_of(fetched.record) for fetched in processed.fetched]
        known = _known(directory, processed, keys)
        processed.fetched = [
            fetched._replace(names=row_names(fetched.record, each, known))
            for fetched, each in zip(processed.fetched, keys, strict=True)
        ]
    except Exception as bug:  # noqa: BLE001 - names are worth no record
        _log.error("a bug of ours: records are saved without names (%s)", type(bug).__name__)


def row_names(record: InteractionRecord, keys: Sequence[NameKey], known: Mapping[NameKey, str]) -> RowNames:
    """Return the names of a record with these keys; codes of Genesys's own (`ININ-...`) are their own names."""
    names = {key.id: name for key in keys if (name := known.get(key))}
    complete = len(names) == len(keys)
    names |= {code: code for code in record.content.get("wrapUpCodes", ()) if not is_canonical_id(code)}
    fallback = {id_: name for id_, name in record.participant_names.items() if id_ not in names}
    return RowNames(names, fallback, complete)


def keys_of(record: InteractionRecord) -> list[NameKey]:
    """Return the keys of a record's users, queues and wrap-up codes, each once."""
    ids = record.referenced_ids
    return [
        *(NameKey(NameKind.USER, id_) for id_ in ids.users),
        *(NameKey(NameKind.QUEUE, id_) for id_ in ids.queues),
        *(NameKey(NameKind.WRAP_UP_CODE, id_) for id_ in ids.wrap_up_codes),
    ]


def _known(
    directory: Directory | None, processed: ProcessedChunk, keys: Iterable[Iterable[NameKey]]
) -> Mapping[NameKey, str]:
    """Return the names of all these keys; divisions are asked for besides, so that the directory has them."""
    wanted = {key for each in keys for key in each}
    divisions = {
        id_ for fetched in processed.fetched for id_ in fetched.record.content.get("divisionIds", ())
    }
    wanted |= {NameKey(NameKind.DIVISION, id_) for id_ in divisions if canonical_id(id_)}
    return directory.names(wanted) if directory is not None and wanted else {}
