"""The table of names that all workers share: of users, queues, wrap-up codes and divisions, by kind and id.

An entry with a name expires some days after it was learnt, one without earlier; what is still needed then is asked
for anew. The table holds nothing that Genesys could not tell again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.stores.dynamodb import DynamoTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTRIBUTES = ("kind", "id", "name", "pending", "expiresAt")


class NameKey(NamedTuple):
    """What has a name: its kind (`user`, `queue`, `wrapUpCode`, `division`) and its id."""

    kind: str
    id: str

    @property
    def directory_id(self) -> str:
        """The entry's key in the table."""
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """What is known of one id: its name, or that Genesys has none, or (`pending`) that Genesys gave no answer yet."""

    key: NameKey
    name: str | None = field(repr=False)
    expires_at: int
    """Epoch seconds."""
    pending: bool = False

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> DirectoryEntry:
        """Return the entry that an item describes."""
        key = NameKey(str(item["kind"]), str(item["id"]))
        return cls(key, item.get("name"), int(item["expiresAt"]), bool(item.get("pending")))

    def item(self) -> dict[str, Any]:
        """Return the entry's item."""
        name = {} if self.name is None else {"name": self.name}
        pending = {"pending": True} if self.pending else {}
        return {
            "directoryId": self.key.directory_id,
            "kind": str(self.key.kind),
            "id": self.key.id,
            "expiresAt": self.expires_at,
            **name,
            **pending,
        }


class DirectoryTable:
    """The table of names; thread-safe. Methods raise StoreUnavailable, `put` also ItemRefused."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._table = DynamoTable(client, name, "directoryId")

    def lookup(self, keys: Iterable[NameKey]) -> list[DirectoryEntry]:
        """Return the entries of these keys that exist and have not expired, in no order."""
        ids = sorted({key.directory_id for key in keys})
        return list(_valid(self._table.get_many(ids, _ATTRIBUTES)))

    def put(self, entries: Iterable[DirectoryEntry]) -> None:
        """Write entries, whatever the table holds; no two of the same key."""
        self._table.put_many(entry.item() for entry in entries)

    def entries(self) -> Iterator[DirectoryEntry]:
        """Yield every entry that has not expired, by a scan."""
        return _valid(self._table.pages("scan", attributes=_ATTRIBUTES))


def _valid(items: Iterable[Mapping[str, Any]]) -> Iterator[DirectoryEntry]:
    """Yield the entries of items; DynamoDB removes expired ones only within days."""
    now = datetime.now(UTC).timestamp()
    return (entry for entry in map(DirectoryEntry.from_item, items) if entry.expires_at > now)
