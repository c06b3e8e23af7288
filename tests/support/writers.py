"""Writers of one item of the interaction table: their operations, and Hypothesis's strategies for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tasks.records import InteractionRecord, build_record
from tasks.stores import (
    Deferral,
    DeferralReason,
    InteractionTable,
    NewRow,
    Provenance,
    RowNames,
    StoreUnavailable,
)
from tests.support.former_version import former_version
from tests.support.interleaving import Fault, SkewedDatetime, SteppedClient, interleave
from tests.support.samples import read_conversation
from tests.support.stored import new_record

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
STAGES = ("unsettled", "known better", "settled", "corrected", "ended again", "ended earlier")
_MOVED_ENDS = {"ended again": timedelta(minutes=10), "ended earlier": -timedelta(minutes=1)}
RUNS = ("run-1", "run-2", "run-3")
DAY = 86_400.0
STEPS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

Skews = tuple[float, float]
Operation = Callable[[InteractionTable, str], Any]


def conversation(interaction_id: str, stage: str) -> dict[str, Any]:
    """Return a conversation as Genesys has it at some stage; each stage has other content."""
    details = read_conversation("voice") | {"conversationId": interaction_id}
    metrics = details["participants"][0]["sessions"][0].setdefault("metrics", [])
    number = STAGES.index(stage)
    metrics.append({"name": "tStage", "value": number, "emitDate": "2026-01-15T10:00:00.000Z"})
    if stage in ("unsettled", "known better"):
        del details["conversationEnd"]
        details["participants"] = details["participants"][: number + 1]
    elif stage in _MOVED_ENDS:
        moved = datetime.fromisoformat(details["conversationEnd"]) + _MOVED_ENDS[stage]
        details["conversationEnd"] = moved.isoformat().replace("+00:00", "Z")
    return details


@dataclass(frozen=True)
class Answer:
    """One answer of Genesys's: the conversation's stage, and when, in seconds of Genesys's clock.

    The stage may be older than an earlier answer's: a replica that lags. `former` is the answer as a worker of a
    release before 0.2 stores it.
    """

    stage: str
    second: int
    former: bool = False

    def record(self, interaction_id: str) -> InteractionRecord:
        """Return its record."""
        details = conversation(interaction_id, self.stage)
        record = build_record(details, START + timedelta(seconds=self.second))
        return replace(record, version=former_version(record)) if self.former else record

    @property
    def rank(self) -> tuple[bool, bool, str, int]:
        """How true its content is, by what the documents say and without `version`; equal within one second.

        Settled before unsettled, today's form before the former one, then the later answer; of former settled ones
        first the later end.
        """
        end = conversation("", self.stage).get("conversationEnd", "")
        return bool(end), not self.former, end if self.former else "", self.second


@dataclass(frozen=True)
class Save:
    """A run's save of an answer; an unsettled one with a deferral, or keeping the one that stands, or ending it."""

    answer: Answer
    run: str
    waiting: str

    def __call__(self, table: InteractionTable, interaction_id: str) -> None:
        """Save it as the save task does."""
        record = self.answer.record(interaction_id)
        keep = not record.settled and self.waiting != "over"
        deferral, confirm = self._deferral(record), new_confirmation()
        table.save(record, self._provenance(record), deferral, confirm=confirm, keep_deferral=keep)

    def forced(self, table: InteractionTable, interaction_id: str) -> None:
        """Save whatever the version, as a forced replay does."""
        record = self.answer.record(interaction_id)
        table.save(record, self._provenance(record), force=True)

    def _provenance(self, record: InteractionRecord) -> Provenance:
        return Provenance(self.run, 1, staged=staging_of(record.version))

    def _deferral(self, record: InteractionRecord) -> Deferral | None:
        return None if record.settled or self.waiting != "deferred" else new_deferral()


@dataclass(frozen=True)
class Insert(Save):
    """A save of an interaction that was not in the table when the run looked it up."""

    def __call__(self, table: InteractionTable, interaction_id: str) -> None:
        """Insert it, and save it where it was not inserted."""
        record = self.answer.record(interaction_id)
        if not table.insert([NewRow(record, self._provenance(record), self._deferral(record))]):
            super().__call__(table, interaction_id)


AGENTS = ("b0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002")


@dataclass(frozen=True)
class NamedSave:
    """A save of the answer of a minute, whose agent is one of two, with the names of those that are known."""

    minute: int
    known: frozenset[str]
    insert: bool

    def __call__(self, table: InteractionTable, interaction_id: str) -> None:
        """Insert or save it, as the save task does."""
        agent_id = AGENTS[self.minute % 2]
        record = new_record(interaction_id, self.minute, agentId=agent_id)
        names = RowNames({id_: name_of(id_) for id_ in self.known}, complete=agent_id in self.known)
        row = NewRow(record, Provenance("run", 1), None, names)
        if not (self.insert and table.insert([row])):
            table.save(record, row.provenance, names=names)


def staging_of(version: str) -> str:
    """Return the key of the object that holds the conversation of a version."""
    return f"staging/{version}"


def name_of(user_id: str) -> str:
    """Return a user's name."""
    return f"name of {user_id}"


def new_deferral() -> Deferral:
    """Return a deferral of a minute, by the thread's own clock."""
    return Deferral(SkewedDatetime.now(UTC) + timedelta(minutes=1), 2)


def new_confirmation() -> Deferral:
    """Return a confirmation in a quarter of an hour, by the thread's own clock."""
    due_at = SkewedDatetime.now(UTC) + timedelta(minutes=15)
    return Deferral(due_at, 2, reason=DeferralReason.CONFIRMATION)


def defer(table: InteractionTable, interaction_id: str) -> None:
    """Defer, as for an interaction that Genesys did not return."""
    table.defer(interaction_id, Provenance("run-4", 1), new_deferral())


def remove_deferral(table: InteractionTable, interaction_id: str) -> None:
    """End the deferral."""
    table.remove_deferral(interaction_id, "run-4")


def erase(table: InteractionTable, interaction_id: str) -> None:
    """Erase the interaction."""
    table.write_tombstone(interaction_id, "receipt")


answers = st.builds(Answer, st.sampled_from(STAGES), st.integers(0, 3), st.sampled_from((False, False, True)))
saves = st.builds(
    lambda operation, *rest: operation(*rest),
    st.sampled_from((Save, Insert)),
    answers,
    st.sampled_from(RUNS),
    st.sampled_from(("deferred", "standing", "over")),
)
named_saves = st.builds(
    NamedSave, st.integers(0, 3), st.frozensets(st.sampled_from(AGENTS)), insert=st.booleans()
)
others = st.sampled_from((defer, remove_deferral))
operations = st.lists(st.one_of(saves, saves, saves, others), min_size=1, max_size=4)
schedules = st.lists(st.integers(0, 1), max_size=24)
skews = st.tuples(st.floats(-3 * DAY, 3 * DAY), st.floats(-3 * DAY, 3 * DAY))
faults = st.lists(st.sampled_from(Fault), max_size=12)


def write(operations: Sequence[Operation], interaction_id: str, client: SteppedClient) -> None:
    """Do the operations in order; one without an answer is done again, as tasks and runs do."""
    table = InteractionTable(client, "interactions")  # type: ignore[arg-type]  # it has all of a client's calls
    for operation in operations:
        while True:
            try:
                operation(table, interaction_id)
            except StoreUnavailable:
                continue
            break


def write_interleaved(
    client: Any,
    writers: Sequence[Sequence[Operation]],
    schedule: Sequence[int] = (),
    *,
    skew: Sequence[float] = (),
    fault: Sequence[Fault] = (),
    interaction_id: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Run the writers on an interaction that the table does not hold; return its id, and its item afterwards."""
    interaction_id = interaction_id or str(uuid.uuid4())
    client.delete_item(TableName="interactions", Key={"interactionId": {"S": interaction_id}})
    threads = [partial(write, operations, interaction_id) for operations in writers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.stores.interactions.datetime", SkewedDatetime)
        interleave(client, threads, schedule, skews=skew, faults=fault)
    return interaction_id, InteractionTable(client, "interactions").get(interaction_id) or {}
