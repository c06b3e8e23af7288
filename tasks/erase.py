"""erase: tombstones first, then everything else that is kept of the interactions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.bootstrap import Services, services
from tasks.errors import PermanentError
from tasks.events.shapes import canonical_id
from tasks.process import in_thread
from tasks.retries import Policy, policy
from tasks.stores import Buried

T = TypeVar("T")
CHUNK = 100  # interactions of one task run
_CONTACT_LIMIT = 100  # characters; Genesys's ids have 36
_SEARCH_TIMEOUT = 3600.0  # seconds; a search reads a whole table, a megabyte in some 50 ms


class BadRequest(PermanentError):
    """The erasure cannot be done as it was asked for; nothing was erased."""

    code = "bad-request"


@dataclass(frozen=True)
class Request:
    """What to erase, checked."""

    interaction_ids: tuple[str, ...]
    external_contact_id: str | None

    @classmethod
    def checked(cls, interaction_ids: Sequence[str], external_contact_id: str) -> Request:
        """Return the request. Raises BadRequest, which names positions and never repeats what was there."""
        canonical = [canonical_id(id_) for id_ in interaction_ids]
        wrong = [str(number) for number, id_ in enumerate(canonical, 1) if id_ is None]
        if wrong:
            places = ", ".join(wrong[:10]) + (", ..." if len(wrong) > 10 else "")  # noqa: PLR2004
            raise BadRequest(
                f"{len(wrong)} of {len(canonical)} interaction ids are no UUIDs (in places {places}): "
                "correct them and run again; nothing was erased"
            )
        contact = external_contact_id.strip()
        if len(contact) > _CONTACT_LIMIT or not contact.isprintable():
            raise BadRequest(
                "the external contact id is none: give the id that Genesys has; nothing was erased"
            )
        if not canonical and not contact:
            raise BadRequest("give interaction ids or an external contact id; nothing was erased")
        return cls(tuple(dict.fromkeys(id_ for id_ in canonical if id_)), contact or None)


@dataclass(frozen=True)
class Tally:
    """What was found, or removed: numbers only."""

    records: int = 0
    placeholders: int = 0
    tombstones: int = 0
    nothing: int = 0
    objects: int = 0
    quarantined: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @classmethod
    def of(cls, buried: Iterable[Buried], objects: int = 0) -> Tally:
        """Count what the table held of some interactions."""
        found = list(buried)
        return cls(
            found.count(Buried.RECORD),
            found.count(Buried.PLACEHOLDER),
            found.count(Buried.TOMBSTONE),
            found.count(Buried.NOTHING),
            objects,
        )


def searching() -> Policy:
    """A task's policy for reading a whole table: only its time-out differs."""
    longer = policy(retries=5, first_delay=2)
    longer["timeout_seconds"] = max(longer["timeout_seconds"], _SEARCH_TIMEOUT)
    return longer


@task(name="search", **searching())
async def search(request: Request) -> list[str]:
    """Every interaction that is meant: those named, and all that the external contact took part in."""
    given = services()
    found = list(request.interaction_ids)
    if (contact := request.external_contact_id) is not None:
        found += await in_thread(given.storing, lambda: list(given.interactions.of_contact(contact)))
    get_run_logger().info("found: %d interactions", len(set(found)))
    return sorted(set(found))


@task(name="entomb", **policy(retries=5, first_delay=2))
async def entomb(interaction_ids: list[str], receipt: str, *, dry_run: bool) -> Tally:
    """Put tombstones where the interactions are, were, or could come; when dry, only look."""
    given = services()

    def bury(id_: str) -> Buried:
        if dry_run:
            return Buried.of(given.interactions.get(id_))
        return given.interactions.entomb(id_, receipt, _expiry(given))

    return Tally.of(await _each(given, bury, interaction_ids))


@task(name="delete-conversations", **policy(retries=5, first_delay=2))
async def delete_conversations(interaction_ids: list[str], *, dry_run: bool) -> Tally:
    """Delete the interactions' objects in the bucket, every version of them; when dry, only count."""
    given = services()
    archive = given.archive
    if archive is None:
        return Tally()
    versioned = await in_thread(given.storing, archive.versioning) in ("enabled", "suspended")

    def delete(id_: str) -> int:
        if dry_run:
            return sum(1 for _ in (archive.versions(id_) if versioned else archive.keys(id_)))
        return archive.erase(id_, versioned=versioned)

    return Tally(objects=sum(await _each(given, delete, interaction_ids)))


@task(name="delete-quarantined", **searching())
async def delete_quarantined(interaction_ids: list[str], *, dry_run: bool) -> Tally:
    """Delete every quarantine row that mentions one of the interactions; when dry, only count."""
    given = services()
    wanted = frozenset(interaction_ids)
    if not wanted:
        return Tally()
    keys = await in_thread(given.storing, lambda: list(given.quarantine.mentioning(wanted)))
    if not dry_run:
        await _each(given, given.quarantine.remove, keys)
    return Tally(quarantined=len(keys))


@task(name="look-around", cache_policy=NO_CACHE, persist_result=False)
async def look_around() -> dict[str, str]:
    """What AWS keeps beside the stores, as far as we may ask: versions of objects, backups of tables."""
    given = services()
    found = {"versioning": "no bucket"}
    if given.archive is not None:
        found["versioning"] = await in_thread(given.storing, given.archive.versioning)
    for name, table in (("interactions", given.interactions), ("quarantine", given.quarantine)):
        found[f"{name} backups"] = await in_thread(given.storing, table.recovery)
    return found


async def _each(given: Services, call: Callable[[str], T], items: Sequence[str]) -> list[T]:
    """Call for each item, side by side; no limit of writes: erasures are few, and their queue has its own."""
    calls = (in_thread(given.storing, _bound(call, item)) for item in items)
    return list(await asyncio.gather(*calls))


def _bound(call: Callable[[str], T], item: str) -> Callable[[], T]:
    return lambda: call(item)


def _expiry(given: Services) -> int | None:
    days = given.settings.tombstone_days
    return int((datetime.now(UTC) + timedelta(days=days)).timestamp()) if days else None


def chunks(interaction_ids: Sequence[str], size: int = CHUNK) -> list[list[str]]:
    """The ids in groups, in their order."""
    return [list(interaction_ids[start : start + size]) for start in range(0, len(interaction_ids), size)]


def as_dict(tally: Tally) -> dict[str, Any]:
    """The numbers by name."""
    return {f.name: getattr(tally, f.name) for f in fields(tally)}
