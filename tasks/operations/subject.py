"""A person's interactions, found by a scan of the whole table in parallel parts: persons ask rarely."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tasks.stores.queries import ScanSegment

if TYPE_CHECKING:
    from tasks.stores.interactions import InteractionTable

T = TypeVar("T")
SEGMENTS = 8
"""Parts of the table that are read at once."""


@dataclass(frozen=True)
class Subject:
    """Who is meant: interactions by id, those of an external contact, those of a customer's keys, or all of them."""

    interaction_ids: tuple[str, ...] = ()
    external_contact_id: str | None = None
    customer_keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anybody is named."""
        return bool(self.interaction_ids or self.searched)

    @property
    def searched(self) -> bool:
        """Whether the table has to be read to know the interactions."""
        return bool(self.external_contact_id or self.customer_keys)


@dataclass(frozen=True)
class Found:
    """A person's interactions, sorted; `without_keys` records were not searched by address, for they have no keys."""

    interaction_ids: tuple[str, ...]
    without_keys: int = 0


def find(table: InteractionTable, subject: Subject) -> Found:
    """Return a person's interactions, those named included. Blocks for as long as a scan takes.

    Raises StoreUnavailable.
    """
    ids, without = set(subject.interaction_ids), 0
    if subject.searched:
        ids.update(*_in_parts(partial(table.of_customer, subject.external_contact_id, subject.customer_keys)))
    if subject.customer_keys:
        without = sum(_in_parts(table.count_without_keys))
    return Found(tuple(sorted(ids)), without)


def _in_parts(scan: Callable[[ScanSegment], T]) -> list[T]:
    with ThreadPoolExecutor(SEGMENTS) as pool:
        return list(pool.map(scan, (ScanSegment(number, SEGMENTS) for number in range(SEGMENTS))))
