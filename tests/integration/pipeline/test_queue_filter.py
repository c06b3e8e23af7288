"""QUEUE_IDS: a conversation of other queues leaves nothing behind, whatever was answered about it before it ended.

Process and save on the sandbox's stores, with answers made here: the states of a conversation, whose queues grow
until it ends, answered in any order and however often, as replicas that lag do; then its last state.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.pipeline.outcomes import OutcomeKind
from tasks.pipeline.work import PipelineRun
from tasks.records import InteractionRecord, build_record
from tests.support.chunk_saves import START, ChunkSaves
from tests.support.events import event_text
from tests.support.sandbox import SandboxDriver, replaced_worker
from tests.support.stored import staging_bucket

WANTED, *OTHERS = (f"90000000-0000-4000-8000-00000000000{number}" for number in range(3))
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


class State(NamedTuple):
    """A state of a conversation: the queues that it has touched, and whether it has ended."""

    queue_ids: tuple[str, ...]
    ended: bool

    def conversation(self, interaction_id: str) -> dict[str, Any]:
        """Return the details."""
        segments = [
            {"segmentType": "interact", "segmentStart": "2026-01-15T09:00:00.000Z", "queueId": queue_id}
            for queue_id in self.queue_ids
        ]
        session = {"mediaType": "voice", "segments": segments}
        details = {
            "conversationId": interaction_id,
            "conversationStart": "2026-01-15T09:00:00.000Z",
            "participants": [{"purpose": "acd", "sessions": [session]}],
        }
        return details | ({"conversationEnd": "2026-01-15T09:30:00.000Z"} if self.ended else {})


class Pipeline:
    """Process and save of one interaction, by runs of attempt 1 or later."""

    def __init__(self, driver: SandboxDriver) -> None:
        self.id = str(uuid.uuid4())
        addresses, s3, bucket = driver.addresses, driver.sandbox.client("s3"), f"queue-filter-{self.id}"
        s3.create_bucket(Bucket=bucket)
        self._saves = ChunkSaves(
            driver.sandbox.client("dynamodb"),
            s3,
            bucket,
            interaction_table=addresses.interaction_table,
            quarantine_table=addresses.quarantine_table,
            queue_ids=WANTED,
        )
        self._second = 0

    def answer(self, state: State, attempt: int = 1) -> OutcomeKind:
        """Take an answer, later than all before it, through process and save; return the outcome."""
        self._second += 1
        run = PipelineRun(f"run-{self._second}", attempt=attempt)
        write = self._saves.save({self.id: state.conversation(self.id)}, run, self._second)
        ((outcome,),) = write.outcomes.values()
        return outcome.kind

    def record(self, state: State) -> InteractionRecord:
        """Return the record of the last answer, which was this state."""
        return build_record(state.conversation(self.id), START + timedelta(seconds=self._second))

    @property
    def row(self) -> dict[str, Any] | None:
        """The row in the table, if there is one."""
        return self._saves.interactions.get(self.id)

    @property
    def objects(self) -> list[str]:
        """The keys of the staged objects that hold the conversation."""
        return self._saves.staged(self.id)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[State], State]:
    """Draw the answers about a conversation, any of its states in any order, and its last state."""
    queue_ids = draw(st.permutations([WANTED, *OTHERS]))[: draw(st.integers(0, 3))]
    states = [State(tuple(queue_ids[:number]), ended=False) for number in range(len(queue_ids) + 1)]
    last = State(tuple(queue_ids), ended=True)
    return draw(st.lists(st.sampled_from([*states, last]), max_size=5)), last


@EXAMPLES
@given(histories())
def test_what_is_left_is_the_last_state_or_nothing(
    driver: SandboxDriver, history: tuple[Sequence[State], State]
) -> None:
    """Of a wanted queue's conversation the record, of another's no row and no object, at no time a record of it."""
    answers, last = history
    pipeline, stored = Pipeline(driver), False
    for state in answers:
        pipeline.answer(state)
        row = pipeline.row or {}
        assert stored <= ("version" in row), "a record has vanished"
        stored = "version" in row
        assert stored <= (WANTED in last.queue_ids)
        assert bool(pipeline.objects) == stored
    outcome = pipeline.answer(last)
    if WANTED in last.queue_ids:
        assert pipeline.row is not None
        assert pipeline.row["contentHash"] == pipeline.record(last).content_hash
        assert "dueAt" not in pipeline.row
    else:
        assert outcome is OutcomeKind.UNCHANGED
        assert (pipeline.row, pipeline.objects) == (None, [])


def test_a_placeholder_ends_with_the_waiting(driver: SandboxDriver) -> None:
    """A conversation that never ends, of another queue, leaves no placeholder once DEFERRAL_LIMIT has passed."""
    pipeline, live = Pipeline(driver), State((OTHERS[0],), ended=False)
    assert pipeline.answer(live) is OutcomeKind.DEFERRED
    assert set(pipeline.row or {}) >= {"interactionId", "dueAt"}
    assert "settled" not in (pipeline.row or {})
    assert pipeline.answer(live, attempt=1_000) is OutcomeKind.DEFERRED  # the other run's wait stands
    pipeline.answer(State((OTHERS[0],), ended=True))
    assert pipeline.answer(live, attempt=1_000) is OutcomeKind.UNCHANGED
    assert (pipeline.row, pipeline.objects) == (None, [])


def test_a_settled_record_stays(driver: SandboxDriver) -> None:
    """An answer without the wanted queue neither deletes nor changes what is stored, and its wait ends."""
    pipeline = Pipeline(driver)
    pipeline.answer(State((WANTED,), ended=True))
    before = pipeline.row
    assert pipeline.answer(State((OTHERS[0],), ended=True)) is OutcomeKind.UNCHANGED
    assert pipeline.row == before


def test_an_unsettled_record_settles(driver: SandboxDriver) -> None:
    """One that is stored already, as a release before stored it, is not asked for again once it has ended."""
    pipeline = Pipeline(driver)
    pipeline.answer(State((WANTED,), ended=False))
    ended = State((OTHERS[0],), ended=True)
    assert pipeline.answer(ended) is OutcomeKind.SAVED
    assert pipeline.row is not None
    assert (pipeline.row["settled"], "dueAt" in pipeline.row) == (True, False)


def test_a_live_conversation_of_another_queue_through_the_flow(driver: SandboxDriver) -> None:
    """While it lasts there is a placeholder and no object; the later run that finds it ended leaves nothing."""
    id_ = str(uuid.uuid4())
    driver.simulator("faults", not_settled_ids=[id_])
    with replaced_worker(driver.sandbox, QUEUE_IDS=str(uuid.uuid4())):
        run = driver.finished(driver.create_run([event_text(id_)]))
        assert "1 deferred" in run["state"]["message"]
        assert "version" not in driver.stored_row(id_)
        driver.simulator("faults", not_settled_ids=[])
        driver.until(lambda: driver.row(id_) is None)
    assert staging_bucket(driver).holding(frozenset({id_})) == 0
    assert not driver.quarantined(interactionId=id_)
