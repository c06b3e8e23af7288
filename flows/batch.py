"""The way of a batch through validate, process and save, shared by the flows that take it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from prefect.runtime import flow_run

from tasks.batch import Processed, Validated, Work
from tasks.bootstrap import Lane, services
from tasks.errors import NotReady, PermanentError, TransientError
from tasks.outcomes import Outcome
from tasks.passage import Passage
from tasks.process import postponed, process
from tasks.quarantine import quarantine
from tasks.save import Saving
from tasks.settings import task_policy
from tasks.steps import process_all, save_all
from tasks.stores import Deferral
from tasks.validate import validate

_SHARE_OF_TIME = 0.9  # of the flow's time-out, after which a run goes back itself rather than being ended


@dataclass
class Batch:
    """A batch's results: every event's outcome, and the interactions that need a later run."""

    outcomes: list[Outcome] = field(default_factory=list)
    deferred: list[tuple[Work, Deferral]] = field(default_factory=list)
    trouble: str | None = None  # what a person has to mend before anything can work

    def add(self, saving: Saving) -> None:
        """Take in a saved chunk."""
        for outcomes in saving.outcomes.values():
            self.outcomes += outcomes
        self.deferred += saving.deferred
        for _, why in saving.processed.postponed:
            if isinstance(why, PermanentError):
                self.trouble = f"{why.code}: {why}"


async def run_batch(events: list[str], attempt: int, *, throttled: int = 0) -> Batch:
    """Take the events through all three steps.

    Chunks of a hundred interactions go side by side, each saved as soon as it is processed; a slow or failing
    chunk holds up no other. Raises NotReady when the stores or the limits are not there: what was saved until
    then is found as saved when the run is executed again.
    """
    try:
        async with asyncio.timeout(task_policy().flow_timeout * _SHARE_OF_TIME):
            return await _run(events, attempt, throttled)
    except TimeoutError:
        raise NotReady("the batch was not done in time; what was saved stays saved") from None


async def _run(events: list[str], attempt: int, throttled: int) -> Batch:
    validated = await validate(events)
    batch = Batch()
    if validated.rejections:
        batch.outcomes += await quarantine(validated.rejections, run_id())
    for saving in await _all_chunks(validated, attempt, throttled):
        batch.add(saving)
    return batch


async def _all_chunks(validated: Validated, attempt: int, throttled: int) -> list[Saving]:
    chunks = validated.chunks(services().settings.genesys_batch_size)
    passage = Passage(chunks, attempt, throttled)
    async with services().write_slots.kept():
        results = await asyncio.gather(
            _process_or_postpone(passage), save_all(passage, run_id()), return_exceptions=True
        )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return passage.savings


async def _process_or_postpone(passage: Passage) -> None:
    """Chunks that Genesys cannot answer for are postponed."""
    try:
        await process_all(passage)
    except NotReady:
        raise
    except TransientError as error:
        for works in list(passage.waiting):
            passage.hand_on(works, await postponed(works, error))
    finally:
        passage.close()


async def process_or_postpone(works: list[Work], attempt: int, lane: Lane) -> Processed:
    """One chunk; postponed when Genesys cannot answer for it."""
    try:
        return await process(works, attempt, lane)
    except NotReady:
        raise
    except TransientError as error:
        return await postponed(works, error)


def run_id() -> str:
    """This flow run's id."""
    return str(flow_run.id)
