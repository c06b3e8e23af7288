"""save: one conditional write for each interaction, its deferral in the same step, and the outcomes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from prefect import get_run_logger, task

from tasks.batch import Fetched, Processed, Work
from tasks.bootstrap import Services, services
from tasks.errors import NotReady, PermanentError, PipelineError
from tasks.events import to_text
from tasks.genesys import RetryLater
from tasks.limits import STORE_WRITES
from tasks.outcomes import Kind, Outcome
from tasks.patience import due, settle_delay, throttle_delay
from tasks.process import as_bug, in_thread
from tasks.retries import policy
from tasks.stores import Deferral, NewRow, Provenance, QuarantineRow, Write, Written
from tasks.stores.dynamodb import iso
from tasks.stores.inserts import STATEMENTS
from tasks.stores.quarantine import failed_id

_log = logging.getLogger(__name__)


class NeverKnown(PermanentError):
    """Genesys did not know the interaction, however often it was asked."""

    code = "never-known"


class GaveUp(PermanentError):
    """Genesys could not be asked until patience ended."""

    code = "gave-up"


class Saving:
    """A chunk being saved; `outcomes` survives the task's retries, so that a retry does only what is left."""

    __slots__ = (
        "attempt",
        "complete",
        "deferred",
        "flow_run_id",
        "force",
        "inserted",
        "outcomes",
        "processed",
        "throttled",
    )

    def __init__(
        self,
        processed: Processed,
        flow_run_id: str,
        attempt: int,
        *,
        throttled: int = 0,
        force: bool = False,
    ) -> None:
        self.processed = processed
        self.flow_run_id = flow_run_id
        self.attempt = attempt
        self.throttled = throttled  # of the attempts before this one
        self.force = force
        self.inserted: dict[
            str, Deferral | None
        ] = {}  # new rows, written many at once, and what they wait for
        self.outcomes: dict[str, list[Outcome]] = {}
        self.complete = False
        self.deferred: list[tuple[Work, Deferral]] = []  # those that need a later run

    def done(self, work: Work, kind: Kind, detail: str = "") -> None:
        """Note what became of an interaction."""
        self.outcomes[work.interaction_id] = work.outcomes(kind, detail)

    def delay(self, given: Services) -> float | None:
        """Seconds until what is not there yet is asked for again; None when patience has ended."""
        return settle_delay(max(1, self.attempt - self.throttled), given.settings)

    def put_off(self, work: Work, deferral: Deferral, why: str, *, new: bool) -> None:
        """Note that an interaction waits; `new` when no run is on its way for it yet."""
        detail = f"{why}; attempt {deferral.attempt} is due"
        self.outcomes[work.interaction_id] = work.outcomes(Kind.DEFERRED, detail, iso(deferral.due_at))
        if new:
            self.deferred.append((work, deferral))


@task(name="save", **policy(retries=5, first_delay=2))
async def save(saving: Saving) -> Saving:
    """Write a processed chunk and return it with its outcomes.

    Raises StoreUnavailable after the task's retries: the run then goes back and waits.
    """
    await save_chunk(saving)
    get_run_logger().info("saved, attempt %d: %d interactions", saving.attempt, len(saving.outcomes))
    return saving


async def save_chunk(saving: Saving) -> None:
    """Write what is left of a chunk, under the limit `store-writes`. Raises StoreUnavailable.

    Interactions that the table does not know yet are inserted many at once; every other one, and whatever was
    not inserted, is a conditional write of its own.
    """
    given = services()
    total = await in_thread(given.storing, partial(given.limits.value, STORE_WRITES))
    async with given.write_slots.one(total):
        parts = (in_thread(given.storing, partial(_insert, given, saving, part)) for part in _new(saving))
        await _all(parts)
        calls = (in_thread(given.storing, write) for write in _writes(given, saving))
        await _all(calls)
    saving.complete = True


async def _all(calls: Iterable[Awaitable[None]]) -> None:
    """Wait for every call, then raise the first error."""
    for error in await asyncio.gather(*calls, return_exceptions=True):
        if error is not None:
            raise error


def _new(saving: Saving) -> Iterator[list[Fetched]]:
    """What was fetched and the table did not hold when it was looked up, a round trip's worth at a time."""
    known = saving.processed.stored.keys() | saving.inserted | saving.outcomes.keys()
    new = [each for each in saving.processed.fetched if each.work.interaction_id not in known]
    for start in range(0, len(new), STATEMENTS):
        yield new[start : start + STATEMENTS]


def _insert(given: Services, saving: Saving, part: list[Fetched]) -> None:
    rows = [_new_row(given, saving, fetched) for fetched in part]
    inserted = given.interactions.insert(rows)
    deferrals = {row.record.interaction_id: row.deferral for row in rows}
    saving.inserted |= {id_: deferrals[id_] for id_ in inserted}
    for fetched in part:
        id_ = fetched.work.interaction_id
        if id_ in inserted and given.archive is None and id_ not in saving.processed.quarantined:
            # No call is left to make, so no turn of a thread of its own is taken.
            _guarded(given, saving, fetched.work, partial(_save_fetched, given, saving, fetched))


def _new_row(given: Services, saving: Saving, fetched: Fetched) -> NewRow:
    work, record, _ = fetched
    return NewRow(record, _provenance(saving, work), _wait(given, saving, fetched)[0])


def _wait(given: Services, saving: Saving, fetched: Fetched) -> tuple[Deferral | None, bool]:
    """When to ask again for what was fetched, and whether that needs a run; never for what is settled."""
    if fetched.record.settled:
        return None, False
    return _deferral(saving, fetched.work, saving.delay(given))


def _writes(given: Services, saving: Saving) -> list[Callable[[], None]]:
    """What is left to write, one call for each interaction."""
    processed = saving.processed
    writes: list[tuple[Work, Callable[[], None]]] = []
    for work, reason in processed.ignored:
        writes.append((work, partial(saving.done, work, Kind.UNCHANGED, reason)))
    for fetched in processed.fetched:
        writes.append((fetched.work, partial(_save_fetched, given, saving, fetched)))
    for work in processed.missing:
        writes.append((work, partial(_save_missing, given, saving, work)))
    for work, why in processed.postponed:
        writes.append((work, partial(_postpone, given, saving, work, why)))
    for work, error in processed.failed:
        writes.append((work, partial(fail, given, saving, work, error)))
    return [
        partial(_guarded, given, saving, work, write)
        for work, write in writes
        if work.interaction_id not in saving.outcomes
    ]


def _guarded(given: Services, saving: Saving, work: Work, write: Callable[[], None]) -> None:
    """One interaction's trouble stays its own: what can never be written is quarantined, and so is a bug."""
    try:
        write()
    except NotReady:
        raise
    except PermanentError as error:
        fail(given, saving, work, error)
    except Exception as bug:  # noqa: BLE001 - logged, and its row is in quarantine
        _log.exception("interaction %s: a bug of ours in save", work.interaction_id)
        fail(given, saving, work, as_bug(bug))


def _save_fetched(given: Services, saving: Saving, fetched: Fetched) -> None:
    work, record, _ = fetched
    provenance = _provenance(saving, work)
    if work.interaction_id in saving.inserted:
        deferral, new, write = saving.inserted[work.interaction_id], True, Write(Written.WRITTEN)
    else:
        deferral, new = _wait(given, saving, fetched)
        write = given.interactions.save(
            record, provenance, deferral if new else None, force=saving.force, keep_waiting=bool(deferral)
        )
    _archive(given, fetched, write.written)
    if write.written is Written.ERASED:
        saving.done(work, Kind.UNCHANGED, write.written.value)
    elif deferral is not None:
        if write.written is Written.STALE and new:
            given.interactions.defer(work.interaction_id, provenance, deferral)
        saving.put_off(work, deferral, "the conversation has not ended", new=new)
    else:
        _finish(given, saving, work, write.written)


def _finish(given: Services, saving: Saving, work: Work, written: Written) -> None:
    if work.interaction_id in saving.processed.quarantined:
        given.quarantine.remove(failed_id(work.interaction_id))
    if written in (Written.WRITTEN, Written.OWN):
        saving.done(work, Kind.SAVED)
    else:
        saving.done(work, Kind.UNCHANGED, written.value)


def _archive(given: Services, fetched: Fetched, written: Written) -> None:
    """The whole conversation, after the row: at once for a new content, if absent for a known one."""
    if given.archive is None or written in (Written.ERASED, Written.STALE):
        return
    put = given.archive.put if written is Written.WRITTEN else given.archive.put_if_absent
    put(fetched.work.interaction_id, fetched.conversation)


def _save_missing(given: Services, saving: Saving, work: Work) -> None:
    stored = saving.processed.stored.get(work.interaction_id)
    if stored is not None and stored.known and stored.settled:
        given.interactions.give_up(work.interaction_id, saving.flow_run_id)
        saving.done(work, Kind.UNCHANGED, "Genesys no longer returns it; the settled record stays")
        return
    if _put_off(given, saving, work, saving.delay(given), "Genesys does not know it yet"):
        return
    given.interactions.give_up(work.interaction_id, saving.flow_run_id)
    if stored is not None and stored.known:
        saving.done(work, Kind.UNCHANGED, "patience ended; the record stays unsettled")
    else:
        fail(
            given,
            saving,
            work,
            NeverKnown("Genesys never returned this interaction; check its id and division"),
        )


def _postpone(given: Services, saving: Saving, work: Work, why: PipelineError) -> None:
    delay, throttled = saving.delay(given), False
    if isinstance(why, RetryLater) and why.asked_to_wait:
        delay, throttled = throttle_delay(saving.attempt, why.retry_after, given.settings), True
    if _put_off(given, saving, work, delay, why.code, throttled=throttled):
        return
    given.interactions.give_up(work.interaction_id, saving.flow_run_id)
    fail(given, saving, work, GaveUp(f"Genesys could not be asked until patience ended: {why}"))


def _put_off(
    given: Services, saving: Saving, work: Work, delay: float | None, why: str, *, throttled: bool = False
) -> bool:
    """Whether the interaction is asked for again: not when patience has ended, here and everywhere else."""
    deferral, new = _deferral(saving, work, delay, throttled=throttled)
    if deferral is None:
        return False
    if new:
        write = given.interactions.defer(work.interaction_id, _provenance(saving, work), deferral)
        if write.written is Written.ERASED:
            saving.done(work, Kind.UNCHANGED, write.written.value)
            return True
    saving.put_off(work, deferral, why, new=new)
    return True


def fail(given: Services, saving: Saving, work: Work, error: PermanentError) -> None:
    """Put an interaction that was given up into quarantine, with the error and the event as it travelled.

    One that was erased meanwhile leaves nothing behind.
    """
    if given.interactions.is_erased(work.interaction_id):
        saving.done(work, Kind.UNCHANGED, Written.ERASED.value)
        return
    row = QuarantineRow(
        "failed", error.code, str(error), to_text(work.first), work.first.event_id, work.interaction_id
    )
    given.quarantine.put(row, saving.flow_run_id)
    # Or reconcile would ask again and again for what waited.
    given.interactions.give_up(work.interaction_id, saving.flow_run_id)
    saving.done(work, Kind.FAILED, f"{error.code}: {error}")


def _deferral(
    saving: Saving, work: Work, delay: float | None, *, throttled: bool = False
) -> tuple[Deferral | None, bool]:
    """When to ask again, if at all, and whether that needs a run; without `delay` this run's patience has ended.

    It needs none when another run is on its way for the same interaction. A run that is executed again finds
    its own deferral and keeps its time, so that the later run's idempotency key stays the same.
    """
    fresh = (
        None if delay is None else Deferral(due(delay), saving.attempt + 1, saving.throttled + int(throttled))
    )
    stored = saving.processed.stored.get(work.interaction_id)
    if stored is None or stored.due_at is None or stored.due_at <= iso(datetime.now(UTC)):
        return fresh, fresh is not None
    standing = Deferral(datetime.fromisoformat(stored.due_at), stored.attempt, stored.throttled)
    if stored.deferred_by == saving.flow_run_id:
        return standing, True
    return (standing, False) if fresh is None or stored.attempt > saving.attempt else (fresh, True)


def _provenance(saving: Saving, work: Work) -> Provenance:
    event = work.first
    return Provenance(
        flow_run_id=saving.flow_run_id,
        attempt=saving.attempt,
        event_id=event.event_id,
        event_type=event.event_type,
        event_time=iso(event.event_time) if event.event_time else None,
    )
