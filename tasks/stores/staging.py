"""Whole conversations on their way to the tables: one object for each chunk, written before the chunk's rows."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tasks.records.json_text import json_text
from tasks.stores.errors import StoreMisconfigured
from tasks.stores.s3 import ObjectBody, ObjectBucket
from tasks.values import iso

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

PREFIX = "staging/"
_FORCED = "-forced"  # at the end of a key
_CONTENT_TYPE = "application/x-ndjson"
_LEVEL = 6  # of gzip: 9 takes twice as long and saves a hundredth
_READERS = 16  # objects read at once by an erasure
_ID_POSITION = 3  # of a line split at its quotes: {"interactionId":"<id>",...


@dataclass(frozen=True)
class StagedConversation:
    """A conversation as Genesys sent it, and the version of the record that was made of it."""

    interaction_id: str
    version: str
    conversation: dict[str, Any] = field(repr=False)
    """Its numbers are exact (Decimal) when it is read."""


@dataclass(frozen=True)
class StagedObject:
    """An object as the listing has it: `modified` by S3's clock, `size` in bytes, compressed."""

    key: str
    etag: str
    modified: datetime
    size: int

    @property
    def forced(self) -> bool:
        """Whether a forced save wrote it: an entry of a lesser version than its row's may still become the row."""
        return self.key.endswith(f"{_FORCED}.jsonl.gz")


Entries = list[StagedConversation]
Lines = list[bytes]  # inside the class `list` is its method


class StagingBucket:
    """Objects `staging/<time>-<unique>.jsonl.gz`, of a chunk's conversations each; thread-safe.

    An object only loses entries: it is rewritten without some of them, or deleted, and only if it is the one that
    was read. Every method raises StoreUnavailable, also for an object below `staging/` that `put` did not write.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = ObjectBucket(client, bucket)
        self.bucket = bucket

    def put(self, entries: Sequence[StagedConversation], key: str | None = None) -> str:
        """Write a new object and return its key: `key`, which `new_key` made, or one of its own."""
        key = key or new_key()
        self._objects.put(key, _packed(map(_line, entries)), _CONTENT_TYPE)
        return key

    def list(self) -> Iterator[StagedObject]:
        """Yield every object, the oldest first (by the time in its key)."""
        for page in self._objects.pages("list_objects_v2", PREFIX):
            for entry in page.get("Contents", []):
                yield StagedObject(entry["Key"], entry["ETag"], entry["LastModified"], entry["Size"])

    def read(self, key: str) -> Entries | None:
        """Return an object's entries; None when it is gone."""
        found = self._objects.get(key)
        return None if found is None else [self._entry(key, line) for line in self._lines(key, found)]

    def find(self, interaction_id: str, key: str) -> StagedConversation | None:
        """Return the entry of the greatest version that an object has of an interaction; None without any."""
        found = self._objects.get(key)
        lines = [] if found is None else self._lines(key, found)
        entries = (self._entry(key, line) for line in lines if self._id(key, line) == interaction_id)
        return max(entries, key=lambda entry: entry.version, default=None)

    def keep_only(self, staged: StagedObject, entries: Sequence[StagedConversation]) -> bool:
        """Rewrite an object with these of its entries, or delete it without any; False if it changed meanwhile."""
        return self._replace(staged.key, staged.etag, [_line(entry) for entry in entries])

    def remove(self, interaction_ids: frozenset[str], key: str) -> bool:
        """Rewrite an object without some interactions, or delete it; return whether it had any of them."""
        while (found := self._objects.get(key)) is not None:
            lines = self._lines(key, found)
            kept = [line for line in lines if self._id(key, line) not in interaction_ids]
            if len(kept) == len(lines):
                return False
            if self._replace(key, found.etag, kept):
                return True
        return False

    def holding(self, interaction_ids: frozenset[str]) -> int:
        """Return how many objects hold one of these interactions; reads every object."""

        def holds(staged: StagedObject) -> bool:
            found = self._objects.get(staged.key)
            lines = [] if found is None else self._lines(staged.key, found)
            return any(self._id(staged.key, line) in interaction_ids for line in lines)

        with ThreadPoolExecutor(_READERS) as pool:
            return sum(pool.map(holds, self.list()))

    def erase(self, interaction_ids: frozenset[str], *, versioned: bool) -> int:
        """Remove interactions from every object; return how many objects had any of them.

        In a versioned bucket every version that is not an object's current one is deleted, whatever it holds.
        """
        remove = partial(self.remove, interaction_ids)
        with ThreadPoolExecutor(_READERS) as pool:
            changed = sum(pool.map(remove, (staged.key for staged in self.list())))
        if versioned:
            self._objects.delete_all(self._former("Versions"))
            self._objects.delete_all(
                self._former("DeleteMarkers")
            )  # last: one that goes first brings back a version
        return changed

    def _former(self, kind: str) -> Iterator[ObjectIdentifierTypeDef]:
        """Yield the versions that are no objects any more, or the delete markers."""
        for page in self._objects.pages("list_object_versions", PREFIX):
            for entry in page.get(kind, []):
                if kind == "DeleteMarkers" or not entry["IsLatest"]:
                    yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _replace(self, key: str, etag: str, lines: Sequence[bytes]) -> bool:
        if not lines:
            return self._objects.delete(key, if_match=etag)
        return self._objects.put(key, _packed(lines), _CONTENT_TYPE, if_match=etag)

    def _lines(self, key: str, found: ObjectBody) -> Lines:
        try:
            return gzip.decompress(found.body).splitlines()
        except (OSError, EOFError, ValueError):
            raise self._foreign(key) from None

    def _id(self, key: str, line: bytes) -> str:
        try:
            return line.split(b'"', _ID_POSITION + 1)[_ID_POSITION].decode()
        except (IndexError, ValueError):
            raise self._foreign(key) from None

    def _entry(self, key: str, line: bytes) -> StagedConversation:
        try:
            found = json.loads(line, parse_float=Decimal)
            return StagedConversation(found["interactionId"], found["version"], found["conversation"])
        except (ValueError, KeyError, TypeError):
            raise self._foreign(key) from None

    def _foreign(self, key: str) -> StoreMisconfigured:
        return StoreMisconfigured(f"bucket {self.bucket}: {key} is not what save writes; move it elsewhere")


def new_key(*, forced: bool = False) -> str:
    """Return the key of an object that is written now; `forced` for a save that ignores the rows' versions."""
    time = iso(datetime.now(UTC)).replace(":", "-")
    return f"{PREFIX}{time}-{uuid.uuid4().hex}{_FORCED if forced else ''}.jsonl.gz"


def _line(entry: StagedConversation) -> bytes:
    values = {
        "interactionId": entry.interaction_id,
        "version": entry.version,
        "conversation": entry.conversation,
    }
    return json_text(values).encode("ascii")


def _packed(lines: Iterable[bytes]) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines), _LEVEL, mtime=0)
