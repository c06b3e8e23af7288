"""A person's export: their records and whole conversations as JSON, in a zip file that only its owner can read."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.errors import BadValue
from deployments.subjects.conversations import Conversations
from tasks.operations.subject import Found, Subject, find
from tasks.records.json_text import json_text
from tasks.stores import InteractionTable
from tasks.values import chunked, iso

_AT_ONCE = 100  # rows read at once
_OWNER_ONLY = 0o600


@dataclass
class Export:
    """What was written: an entry for each interaction, and what could not be had."""

    interactions: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def index(self, subject: Subject) -> dict[str, Any]:
        """Return `index.json`: what was asked for by kind, without any address, and what each interaction has."""
        asked = {
            "interactionIds": len(subject.interaction_ids),
            "externalContact": subject.external_contact_id is not None,
            "addresses": len(subject.customer_keys),
        }
        times = {"exportedAt": iso(datetime.now(UTC)), "askedFor": asked}
        return times | {"interactions": self.interactions, "notes": self.notes}


def export(path: Path, table: InteractionTable, subject: Subject, conversations: Conversations) -> Export:
    """Write a person's interactions to a new file and return what is in it; a file that is half written is removed.

    Raises BadValue when the file exists or cannot be made, and StoreUnavailable.
    """
    found = find(table, subject)
    descriptor = _new_file(path)
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            done = _write(archive, table, found, conversations)
            archive.writestr("index.json", json.dumps(done.index(subject), indent=2) + "\n")
    except BaseException:
        path.unlink()
        raise
    return done


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
    except FileExistsError:
        raise BadValue(f"{path} exists: choose another name with --output") from None
    except OSError as error:
        raise BadValue(f"{path} cannot be written ({error.strerror}): choose another with --output") from None


def _write(
    archive: zipfile.ZipFile, table: InteractionTable, found: Found, conversations: Conversations
) -> Export:
    done = Export(notes=[*conversations.notes])
    if found.without_keys:
        done.notes.append(
            f"{found.without_keys} records have no customer keys and were not searched by address: rebuild them first"
        )
    for id_, row in _rows(table, found.interaction_ids):
        entry: dict[str, Any] = {"interactionId": id_, "record": "version" in row, "conversation": None}
        if "erasedAt" in row:
            entry["erasedAt"] = row["erasedAt"]
        elif entry["record"]:
            archive.writestr(f"records/{id_}.json", json_text(_plain(row)))
            if (whole := conversations.of(row)) is not None:
                archive.writestr(f"conversations/{id_}.json", json_text(whole.conversation))
                entry["conversation"] = whole.source
        done.interactions.append(entry)
    return done


def _rows(table: InteractionTable, ids: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in chunked(ids, _AT_ONCE):
        rows = table.rows(part)
        yield from ((id_, rows.get(id_, {})) for id_ in part)


def _plain(value: Any) -> Any:
    """Return a row as JSON has it: sets as sorted lists; without the keys, which say nothing to the person."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items() if name != "customerKeys"}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return [_plain(each) for each in value] if isinstance(value, list) else value
