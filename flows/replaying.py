"""A replay's batches: the same steps as live events take, in the background share of the budget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from flows.background import Progress
from flows.batch import Batch, process_or_postpone, run_id
from tasks.batch import Processed
from tasks.bootstrap import Services, services
from tasks.outcomes import Kind, Outcome
from tasks.process import in_thread
from tasks.quarantine import quarantine
from tasks.replay import Portion, ReplayRequest
from tasks.save import Saving, save
from tasks.validate import validate

UNKNOWN = (
    "unknown-to-genesys: neither Genesys nor the table knows it; check the id and the divisions of the OAuth "
    "client, or replay it later"
)
_DEALT_WITH = (Kind.SAVED, Kind.UNCHANGED, Kind.DEFERRED)

Read = Callable[[], Portion]  # reads a portion's rows when its turn comes


async def portions(request: ReplayRequest) -> tuple[int, list[Read]]:
    """How many events there are to replay, and their batches."""
    given, size = services(), services().settings.genesys_batch_size
    now = datetime.now(UTC)
    keys = await in_thread(given.storing, lambda: request.quarantine_ids(given.quarantine, now))
    reads = [*_by_ids(list(request.interaction_ids), size), *_by_rows(given, keys, size)]
    return len(request.interaction_ids) + len(keys), reads


def _by_ids(ids: list[str], size: int) -> Iterator[Read]:
    event_id = f"replay:{run_id()}"
    for start in range(0, len(ids), size):
        yield lambda part=ids[start : start + size]: Portion.of_ids(part, event_id)  # type: ignore[misc]


def _by_rows(given: Services, keys: list[str], size: int) -> Iterator[Read]:
    for start in range(0, len(keys), size):
        yield lambda part=keys[start : start + size]: Portion.of_rows(given.quarantine.rows(part))  # type: ignore[misc]


async def replay_all(reads: list[Read], progress: Progress, *, force: bool) -> Batch:
    """Replay the portions, a few side by side. Raises NotReady; what was done by then is found as done."""
    total = Batch()
    in_flight = asyncio.Semaphore(services().settings.chunks_in_flight)

    async def one(read: Read) -> None:
        async with in_flight:
            portion = await in_thread(services().storing, read)
            done = await _replay(portion, force=force)
        total.outcomes += done.outcomes
        total.deferred += done.deferred
        total.trouble = total.trouble or done.trouble
        await progress.add(len(portion.texts))

    results = await asyncio.gather(*(one(read) for read in reads), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return total


async def _replay(portion: Portion, *, force: bool) -> Batch:
    """The three steps; what neither Genesys nor the table has heard of is not waited for."""
    batch = Batch()
    validated = await validate(portion.texts)
    if validated.rejections:
        batch.outcomes += await quarantine(validated.rejections, run_id())
    for works in validated.chunks(services().settings.genesys_batch_size):
        processed = await process_or_postpone(works, 1, "background")
        batch.outcomes += _unknown(processed)
        batch.add(await save(Saving(processed, run_id(), 1, force=force)))
    await _release(portion, batch.outcomes)
    return batch


def _unknown(processed: Processed) -> list[Outcome]:
    """Take the interactions out that nobody knows: a person is watching, and a mistyped id stays mistyped."""
    unknown = [work for work in processed.missing if work.interaction_id not in processed.stored]
    processed.missing = [work for work in processed.missing if work.interaction_id in processed.stored]
    return [outcome for work in unknown for outcome in work.outcomes(Kind.FAILED, UNKNOWN)]


async def _release(portion: Portion, outcomes: list[Outcome]) -> None:
    """Remove the `rejected` rows of interactions that are dealt with now (save removes the `failed` ones)."""
    given = services()
    dealt_with = {o.interaction_id for o in outcomes if o.interaction_id and o.kind in _DEALT_WITH}
    keys = [key for key, ids in portion.rejected.items() if dealt_with.issuperset(ids)]
    removals = [lambda key=key: given.quarantine.remove(key) for key in keys]
    lookups = [lambda id_=id_: _release_one(given, id_) for id_ in dealt_with]
    await asyncio.gather(*(in_thread(given.storing, call) for call in (*removals, *lookups)))


def _release_one(given: Services, interaction_id: str) -> None:
    for row in given.quarantine.of_interaction(interaction_id):
        if row["reason"] == "rejected":
            given.quarantine.remove(row["quarantineId"])
