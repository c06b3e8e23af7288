"""Chunks on their way from process to save: none waits for another, and a retry does only what is left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tasks.batch import Fetched, Processed, Work
from tasks.errors import NotReady, TransientError
from tasks.events import parse
from tasks.events.event import InteractionEvent
from tasks.passage import Passage, side_by_side
from tasks.process import counts
from tasks.records import build_record
from tasks.save import Saving
from tests.integration.test_pipeline import event_text
from tests.unit.conftest import read_conversation


def chunk(number: int) -> list[Work]:
    """A chunk of one interaction."""
    id_ = f"00000000-0000-4000-8000-{number:012d}"
    (event,) = parse(event_text(id_))
    assert isinstance(event, InteractionEvent)
    return [Work(id_, [event])]


def done() -> Processed:
    """What came of a chunk."""
    return Processed({}, frozenset())


async def test_a_chunk_arrives_while_another_is_still_processed() -> None:
    """What is handed on can be saved at once; the end comes only when the passage is closed."""
    slow, quick = chunk(1), chunk(2)
    passage = Passage([slow, quick], 1)
    arriving = passage.arriving("run")
    waiting = asyncio.ensure_future(anext(arriving))
    await asyncio.sleep(0)
    assert not waiting.done()
    passage.hand_on(quick, processed := done())
    assert (await waiting).processed is processed
    passage.hand_on(slow, done())
    passage.close()
    assert len([saving async for saving in arriving]) == 1
    assert not passage.waiting


async def test_a_retry_saves_only_what_is_left() -> None:
    """Of three chunks the one that was not written comes again, and then what came meanwhile."""
    chunks = [chunk(number) for number in range(3)]
    passage = Passage(chunks, 1)
    for works in chunks[:2]:
        passage.hand_on(works, done())
    first = passage.arriving("run")
    written, failed = await anext(first), await anext(first)
    written.complete = True
    await first.aclose()
    passage.hand_on(chunks[2], last := done())
    passage.close()
    again: list[Saving] = [saving async for saving in passage.arriving("run")]
    assert again[0] is failed
    assert [saving.processed for saving in again[1:]] == [last]


async def test_errors_come_together_and_the_gravest_first() -> None:
    """One thing's failure stops no other; an error that sends the whole run back comes before the rest."""
    seen: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)
        if number:
            raise (TransientError if number == 1 else NotReady)(str(number))

    errors = await side_by_side([0, 1, 2], call, at_once=2)
    assert sorted(seen) == [0, 1, 2]
    assert [type(error) for error in errors] == [NotReady, TransientError]


def test_what_was_written_is_no_longer_held_and_still_counted() -> None:
    """The log's counts stay right when a chunk was written before the last one was processed."""
    (work,) = chunk(1)
    processed = done()
    processed.fetched.append(Fetched(work, build_record(read_conversation("voice"), datetime.now(UTC)), {}))
    before = counts([processed])
    processed.release()
    assert not processed.fetched
    assert counts([processed]) == before == "1 fetched, 0 missing, 0 postponed, 0 failed"
