"""Two writers at one row: what they do, in which interleaving, by which clocks, and with which lost answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tasks.records import InteractionRecord, build_record
from tasks.stores import (
    Deferral,
    InteractionTable,
    NewRow,
    Provenance,
    StoreUnavailable,
)
from tests.integration.stepped import Fault, SkewedDatetime, Stepped, interleave
from tests.unit.conftest import read_conversation

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
KINDS = ("unsettled", "known better", "settled", "corrected", "ended again")
RUNS = ("run-1", "run-2", "run-3")
DAY = 86_400.0
STEPS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

Skews = tuple[float, float]
Operation = Callable[[InteractionTable, str], Any]


def conversation(interaction_id: str, kind: str) -> dict[str, Any]:
    """What Genesys says of a conversation at some stage; each stage is another content."""
    details = read_conversation("voice") | {"conversationId": interaction_id}
    measured = details["participants"][0]["sessions"][0].setdefault("metrics", [])
    number = KINDS.index(kind)
    measured.append({"name": "tStage", "value": number, "emitDate": "2026-01-15T10:00:00.000Z"})
    if kind in ("unsettled", "known better"):
        del details["conversationEnd"]
        details["participants"] = details["participants"][: number + 1]
    elif kind == "ended again":
        later = datetime.fromisoformat(details["conversationEnd"]) + timedelta(minutes=10)
        details["conversationEnd"] = later.isoformat().replace("+00:00", "Z")
    return details


@dataclass(frozen=True)
class Fetched:
    """One answer of Genesys's: the conversation's stage, and when, by Genesys's clock, in seconds."""

    kind: str
    second: int

    def record(self, interaction_id: str) -> InteractionRecord:
        """The record of it."""
        return build_record(conversation(interaction_id, self.kind), START + timedelta(seconds=self.second))


@dataclass(frozen=True)
class Saved:
    """A fetch on its way into the table, by a run, with or without a deferral."""

    fetched: Fetched
    run: str
    waiting: str

    def __call__(self, table: InteractionTable, interaction_id: str) -> Any:
        """Save it as the save task does."""
        record = self.fetched.record(interaction_id)
        deferral = None if record.settled or self.waiting != "deferred" else later()
        return table.save(
            record,
            Provenance(self.run, 1),
            deferral,
            keep_waiting=not record.settled and self.waiting != "over",
        )


@dataclass(frozen=True)
class Inserted(Saved):
    """The same, taken for new: inserted if the table holds nothing, else saved."""

    def __call__(self, table: InteractionTable, interaction_id: str) -> Any:
        """Save it as the save task does what it did not find when it looked."""
        record = self.fetched.record(interaction_id)
        deferral = None if record.settled or self.waiting != "deferred" else later()
        if not table.insert([NewRow(record, Provenance(self.run, 1), deferral)]):
            super().__call__(table, interaction_id)


def later() -> Deferral:
    """A deferral by the thread's own clock."""
    return Deferral(SkewedDatetime.now(UTC) + timedelta(minutes=1), 2)


def put_off(table: InteractionTable, interaction_id: str) -> Any:
    """Note when to ask again, as for an interaction that Genesys did not return."""
    return table.defer(interaction_id, Provenance("run-4", 1), later())


def give_up(table: InteractionTable, interaction_id: str) -> Any:
    """End the waiting."""
    return table.give_up(interaction_id, "run-4")


def bury(table: InteractionTable, interaction_id: str) -> Any:
    """Erase the interaction."""
    return table.entomb(interaction_id, "receipt")


def forced(saved: Saved, table: InteractionTable, interaction_id: str) -> Any:
    """Save whatever the version, as a forced replay does."""
    return table.save(saved.fetched.record(interaction_id), Provenance(saved.run, 1), force=True)


fetches = st.builds(Fetched, st.sampled_from(KINDS), st.integers(0, 3))
saves = st.builds(
    lambda kind, *rest: kind(*rest),
    st.sampled_from((Saved, Inserted)),
    fetches,
    st.sampled_from(RUNS),
    st.sampled_from(("deferred", "standing", "over")),
)
others = st.sampled_from((put_off, give_up))
works = st.lists(st.one_of(saves, saves, saves, others), min_size=1, max_size=4)
schedules = st.lists(st.integers(0, 1), max_size=24)
skews = st.tuples(st.floats(-3 * DAY, 3 * DAY), st.floats(-3 * DAY, 3 * DAY))
faults = st.lists(st.sampled_from(Fault), max_size=12)


def writer(work: list[Operation], interaction_id: str, client: Stepped) -> None:
    """Do one thing after the other; what failed for want of an answer is done again, as tasks and runs do."""
    table = InteractionTable(client, "interactions")  # type: ignore[arg-type]  # it has all of a client's calls
    for operation in work:
        while True:
            try:
                operation(table, interaction_id)
            except StoreUnavailable:
                continue
            break


def ended(
    client: Any,
    work: list[list[Any]],
    schedule: Sequence[int] = (),
    *,
    skew: Sequence[float] = (),
    fault: Sequence[Fault] = (),
    interaction_id: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Let the writers at an interaction that the table does not know; its id, and its item afterwards."""
    interaction_id = interaction_id or str(uuid.uuid4())
    client.delete_item(TableName="interactions", Key={"interactionId": {"S": interaction_id}})
    writers = [partial(writer, part, interaction_id) for part in work]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.stores.interactions.datetime", SkewedDatetime)
        interleave(client, writers, schedule, skews=skew, faults=fault)
    return interaction_id, InteractionTable(client, "interactions").get(interaction_id) or {}
