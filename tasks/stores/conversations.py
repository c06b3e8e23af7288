"""Whole conversations as releases before 0.2 kept them in S3: read, listed and erased until the last has gone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tasks.stores.s3 import ObjectBucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


class ConversationBucket:
    """Objects `conversations/<interactionId>/<sha256 of canonical JSON>.json.gz`, which nothing writes any more.

    Thread-safe. Every method raises StoreUnavailable.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = ObjectBucket(client, bucket)
        self.bucket = bucket

    def latest(self, interaction_id: str) -> dict[str, Any] | None:
        """Return the conversation that was written last, its numbers exact; None without a readable object."""
        entries = [
            entry
            for page in self._pages("list_objects_v2", interaction_id)
            for entry in page.get("Contents", [])
        ]
        if not entries:
            return None
        key = max(entries, key=itemgetter("LastModified"))["Key"]
        if (read := self._objects.get(key)) is None:
            return None
        try:
            found = json.loads(gzip.decompress(read.body), parse_float=Decimal)
        except (ValueError, OSError, EOFError):
            return None
        return found if isinstance(found, dict) else None

    def keys(self, interaction_id: str) -> Iterator[str]:
        """Yield the key of every object of one interaction."""
        for page in self._pages("list_objects_v2", interaction_id):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def versions(self, interaction_id: str) -> Iterator[ObjectIdentifierTypeDef]:
        """Yield every version and delete marker of one interaction's objects."""
        for page in self._pages("list_object_versions", interaction_id):
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def versioning(self) -> str:
        """Return whether the bucket keeps versions: `enabled`, `suspended`, `off`, or `unknown` without permission."""
        return self._objects.versioning()

    def erase(self, interaction_id: str, *, versioned: bool) -> int:
        """Delete every object of one interaction, in a versioned bucket every version; return how many.

        Raises StoreUnavailable also when S3 does not delete all of them.
        """
        objects: list[ObjectIdentifierTypeDef] = (
            list(self.versions(interaction_id))
            if versioned
            else [{"Key": key} for key in self.keys(interaction_id)]
        )
        self._objects.delete_all(objects)
        return len(objects)

    def _pages(self, operation: Any, interaction_id: str) -> Iterator[Any]:
        return self._objects.pages(operation, f"conversations/{interaction_id}/")
