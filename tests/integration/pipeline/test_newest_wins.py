"""The newest record wins: whatever is saved in whatever order, however often, the item ends the same.

The real store on the embedded DynamoDB. The answers of Genesys's about one conversation over time (not settled,
settled, corrected, ended again, ended earlier than it said before, the same content once more, an older state from a
replica that lags) are saved in any order by two writers, of this release and of the one before, whose calls interleave
in any way, whose clocks are wrong by up to three days, and whose network loses calls and answers. Which answer is the
newest is decided here by `Answer.rank`, not by the `version` that the store compares.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.genesys.http.tokens import CLIENT_ID, CLIENT_SECRET
from deployments.sandbox.genesys.process import running
from tasks.genesys import GenesysClient, MemoryWindowStore, RateLimiter, SharedWindow
from tasks.genesys.clock import Clock
from tasks.records import CONTENT_FIELDS, build_record
from tasks.settings import Settings
from tasks.stores import (
    InteractionTable,
    ItemRefused,
    NewRow,
    PreviousItem,
    Provenance,
    WriteOutcome,
    dynamodb,
)
from tests.support.emulator import Emulator, create_table
from tests.support.interleaving import Fault, interleave
from tests.support.sandbox import SandboxDriver
from tests.support.stored import staged_conversation
from tests.support.writers import (
    AGENTS,
    STAGES,
    START,
    STEPS,
    Answer,
    Save,
    Skews,
    conversation,
    defer,
    erase,
    faults,
    name_of,
    named_saves,
    new_deferral,
    operations,
    saves,
    schedules,
    skews,
    staging_of,
    write,
    write_interleaved,
)


@pytest.fixture(scope="module")
def client(aws: Emulator) -> Any:
    """Create a table `interactions`; return the kind of DynamoDB client that workers have."""
    return create_table(dynamodb.client(4, aws), "interactions", "interactionId")


@STEPS
@given(st.tuples(operations, operations), schedules, skews, faults)
def test_two_writers_in_any_interleaving_end_as_the_newest(
    client: Any, work: tuple[list[Any], list[Any]], schedule: list[int], skew: Skews, fault: list[Fault]
) -> None:
    """The item has the content of the newest answer that was saved (or of one of its second), and nothing else's."""
    id_, item = write_interleaved(client, list(work), schedule, skew=skew, fault=fault)
    answers = [each.answer for each in [*work[0], *work[1]] if isinstance(each, Save)]
    rank = max((answer.rank for answer in answers), default=None)
    newest = {record.content_hash: record for record in (a.record(id_) for a in answers if a.rank == rank)}
    stored = newest.get(item.get("contentHash", ""))
    assert (stored is None) == (not answers)
    if stored:
        assert {name: item[name] for name in CONTENT_FIELDS if name in item} == stored.content
        assert item["version"] == stored.version
        assert item["staged"] == staging_of(stored.version)
        assert item["startDays"] == {item["startedAt"][:10]}
        assert item["runs"][-1] == item["flowRunId"]


@STEPS
@given(st.lists(saves, min_size=2, max_size=6), st.data())
def test_any_order_and_any_repetition_ends_the_same(
    client: Any, work: list[Save], data: st.DataObject
) -> None:
    """The same saves, shuffled and repeated, leave the same version and the same content."""
    again = data.draw(st.permutations([*work, *data.draw(st.lists(st.sampled_from(work), max_size=4))]))
    id_, first = write_interleaved(client, [list(work)])
    _, second = write_interleaved(client, [list(again)], interaction_id=id_)
    for name in ("version", "contentHash", *CONTENT_FIELDS):
        assert first.get(name) == second.get(name)


@settings(STEPS, max_examples=120)
@given(st.tuples(*[st.lists(named_saves, min_size=1, max_size=3)] * 2), schedules, faults)
def test_a_name_is_never_another_persons(
    client: Any, work: tuple[list[Any], list[Any]], schedule: list[int], fault: list[Fault]
) -> None:
    """In any interleaving agentName is agentId's or absent; what every save of the newest answer knew is there."""
    _, item = write_interleaved(client, list(work), schedule, fault=fault)
    saves = [*work[0], *work[1]]
    newest = max(save.minute for save in saves)
    assert item["agentId"] == AGENTS[newest % 2]
    assert item.get("agentName") in (None, name_of(item["agentId"]))
    assert item.get("names", {}) == {id_: name_of(id_) for id_ in item.get("names", {})}
    if all(item["agentId"] in save.known for save in saves if save.minute == newest):
        assert item["agentName"] == item["names"][item["agentId"]]


@STEPS
@given(operations, schedules, skews, faults)
def test_an_erased_interaction_never_changes(
    client: Any, work: list[Any], schedule: list[int], skew: Skews, fault: list[Fault]
) -> None:
    """Whatever is saved while it is erased and afterwards, forced replays too: only the tombstone is left."""
    force = [each.forced for each in work if isinstance(each, Save)]
    id_, item = write_interleaved(client, [[*work, *force[:2]], [erase]], schedule, skew=skew, fault=fault)
    assert set(item) - {"startDays"} == {"interactionId", "erasedAt", "receiptId"}
    assert item.get("startDays") in (None, {"2026-03-02"})
    write([*work, *force, erase], id_, client)
    assert InteractionTable(client, "interactions").get(id_) == item


@settings(STEPS, max_examples=8)
@given(st.permutations(range(26)), schedules, st.lists(st.sampled_from(Fault), min_size=40, max_size=80))
def test_the_history_holds_the_last_twenty_runs(
    client: Any, seconds: list[int], schedule: list[int], fault: list[Fault]
) -> None:
    """However many runs and writers change an item, it names at most 20 runs, the last one last."""
    stages = (Answer("settled" if second % 2 else "corrected", second) for second in seconds)
    work = [Save(each, f"run {each.second}", "over") for each in stages]
    ordered = sorted(work, key=lambda each: each.answer.second)
    _, item = write_interleaved(client, [ordered[::2], ordered[1::2], work], schedule, fault=fault)
    assert len(item["runs"]) <= 20
    assert item["runs"][-1] == item["flowRunId"]


def test_a_history_that_grew_too_long_is_shortened(client: Any) -> None:
    """Where a worker died between a write and the trimming, the next write trims the history."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    table.save(Answer("settled", 0).record(id_), Provenance("first", 1))
    client.update_item(
        TableName="interactions",
        Key={"interactionId": {"S": id_}},
        UpdateExpression="SET runs = :runs",
        ExpressionAttributeValues={":runs": {"L": [{"S": f"run {n}"} for n in range(23)]}},
    )
    table.save(Answer("corrected", 1).record(id_), Provenance("last", 1))
    item = table.get(id_)
    assert item is not None
    assert item["runs"] == [*[f"run {n}" for n in range(4, 23)], "last"]


def test_an_erasure_between_a_write_and_its_trimming_stands(client: Any) -> None:
    """Erased between a write and the trimming of its history, the interaction stays erased, without an error."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    for second in range(20):
        table.save(Answer(STAGES[2 + second % 2], second).record(id_), Provenance(f"run {second}", 1))
    last = Save(Answer("ended again", 30), "last", "over")
    interleave(client, [partial(write, [last], id_), partial(write, [erase], id_)], [0, 1, 0])
    assert set(table.get(id_) or {}) == {"interactionId", "erasedAt", "receiptId", "startDays"}


def test_each_write_says_what_it_came_to(client: Any) -> None:
    """The outcome says written, already by this run, same content, stale, or erased."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")

    def save(kind: str, second: int, run: str) -> WriteOutcome:
        return table.save(Answer(kind, second).record(id_), Provenance(run, 1))

    assert save("settled", 1, "a") is WriteOutcome.WRITTEN
    assert save("settled", 1, "a") is WriteOutcome.ALREADY_BY_THIS_RUN
    assert save("settled", 2, "a") is WriteOutcome.ALREADY_BY_THIS_RUN
    assert save("settled", 3, "b") is WriteOutcome.REFRESHED
    assert save("settled", 0, "b") is WriteOutcome.REFRESHED
    assert save("corrected", 2, "c") is WriteOutcome.STALE
    assert save("unsettled", 9, "c") is WriteOutcome.STALE
    assert save("corrected", 4, "c") is WriteOutcome.WRITTEN
    assert table.write_tombstone(id_, "receipt") is PreviousItem.RECORD
    assert save("ended again", 9, "d") is WriteOutcome.ERASED
    assert table.defer(id_, Provenance("d", 1), new_deferral()) is WriteOutcome.ERASED


def test_many_new_rows_are_inserted_and_no_other_is_touched(client: Any) -> None:
    """Of sixty rows those whose item exists, in whatever form, are left as they are; the others are inserted."""
    table = InteractionTable(client, "interactions")
    ids = [str(uuid.uuid4()) for _ in range(60)]
    held, waiting, erased = ids[:3]
    table.save(Answer("ended again", 5).record(held), Provenance("first", 1))
    defer(table, waiting)
    erase(table, erased)
    before = {id_: table.get(id_) for id_ in ids[:3]}
    rows = [NewRow(Answer("settled", 9).record(id_), Provenance("second", 1)) for id_ in ids]
    assert table.insert(rows) == set(ids[3:])
    assert {id_: table.get(id_) for id_ in ids[:3]} == before
    assert table.insert(rows) == frozenset()


def test_an_inserted_row_is_the_row_that_a_save_makes(client: Any) -> None:
    """Every attribute is the same, with and without a deferral."""
    table = InteractionTable(client, "interactions")
    for kind in ("settled", "unsettled"):
        id_ = str(uuid.uuid4())
        record = Answer(kind, 1).record(id_)
        provenance = Provenance("run", 2, "event", "customer.end", "2026-01-15T10:00:00.000Z")
        deferral = None if record.settled else new_deferral()
        table.save(record, provenance, deferral)
        saved = table.get(id_) or {}
        client.delete_item(TableName="interactions", Key={"interactionId": {"S": id_}})
        assert table.insert([NewRow(record, provenance, deferral)]) == {id_}
        inserted = table.get(id_) or {}
        assert ("savedAt" in inserted) == ("savedAt" in saved) == record.settled
        assert inserted | {"savedAt": None} == saved | {"savedAt": None}


def test_an_item_that_cannot_be_inserted_does_not_stop_the_others(client: Any) -> None:
    """One that is too large and one that DynamoDB has no type for are left out; the others are inserted."""
    table = InteractionTable(client, "interactions")
    ids = [str(uuid.uuid4()) for _ in range(4)]
    records = [Answer("settled", 1).record(id_) for id_ in ids]
    records[1].content["metrics"] = {f"tX{'x' * 60}{n}": n for n in range(8_000)}
    records[2].content["metrics"] = {"tTalk": 0.5}
    assert table.insert([NewRow(record, Provenance("run", 1)) for record in records]) == {ids[0], ids[3]}


def test_provenance_is_outside_content_and_version(client: Any) -> None:
    """Saves that differ only in run, attempt and event have the same version."""
    ids = [str(uuid.uuid4())] * 2
    table = InteractionTable(client, "interactions")
    versions = []
    for number, id_ in enumerate(ids):
        table.save(
            Answer("settled", 1).record(id_),
            Provenance(f"run {number}", number + 1, f"event {number}", "customer.end", START.isoformat()),
        )
        item = table.get(id_) or {}
        versions.append((item["version"], item["contentHash"]))
    assert versions[0] == versions[1]
    assert (item["flowRunId"], item["attempt"]) == ("run 0", 1)  # the second found the content there


class _WrongClock(Clock):
    """A machine's clock that is wrong."""

    def __init__(self, skew: timedelta) -> None:
        self._skew = skew

    def now(self) -> datetime:
        """Return the time by the wrong clock."""
        return super().now() + self._skew


def test_a_workers_clock_does_not_date_a_fetch() -> None:
    """Workers whose clocks are four days apart date their answers the same, by Genesys's clock."""
    id_ = str(uuid.uuid4())
    records = []
    with running() as url:
        for skew in (timedelta(days=-2), timedelta(days=2)):
            conversations = genesys(url, _WrongClock(skew)).get_conversations([id_])
            records.append(build_record(conversations.conversations[id_], conversations.dates[id_]))
    assert abs(records[0].fetched_at - records[1].fetched_at) < timedelta(minutes=1)
    assert abs(records[0].fetched_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert records[0].content_hash == records[1].content_hash


def genesys(url: str, clock: Clock) -> GenesysClient:
    """Return a client of the simulator with a clock of its own."""
    known = Settings.model_validate(
        {
            "genesys_client_id": CLIENT_ID,
            "genesys_client_secret": CLIENT_SECRET,
            "genesys_login_url": url,
            "genesys_api_url": url,
            "interaction_table": "interactions",
            "quarantine_table": "quarantine",
        }
    )
    client = GenesysClient.from_settings(
        known, RateLimiter(SharedWindow(MemoryWindowStore(), 60.0, 1.0), lambda: 300)
    )
    client._transport.clock = clock  # noqa: SLF001 - there is no other way to make a machine's clock wrong
    return client


def test_a_record_that_no_item_can_hold_is_refused_by_name(client: Any) -> None:
    """Above 400 KB the write raises ItemRefused, with AWS's code and nothing of the content."""
    id_ = str(uuid.uuid4())
    whole = conversation(id_, "settled")
    sessions = whole["participants"][0]["sessions"]
    sessions[0]["metrics"] = [{"name": f"tX{'x' * 60}{n}", "value": n} for n in range(8_000)]
    record = build_record(whole, START)
    assert len(json.dumps(record.content, default=str)) > 400_000
    with pytest.raises(ItemRefused, match=r"table interactions: .*ValidationException") as caught:
        InteractionTable(client, "interactions").save(record, Provenance("run", 1))
    assert "xxx" not in str(caught.value)


def test_a_conversation_too_large_for_an_item_is_a_record_and_a_whole(driver: SandboxDriver) -> None:
    """Of a conversation of half a megabyte the record is in the table, the whole in the bucket."""
    id_ = str(uuid.uuid4())
    driver.simulator(f"conversations/{id_}/events", type="grown", bytes=500_000)
    driver.end(id_)
    row = driver.until(lambda: driver.settled(id_))
    assert row["endedAt"]
    whole = staged_conversation(driver, row)
    assert len(json.dumps(whole, default=float)) > 400_000
    assert whole["conversationId"] == id_
    assert not driver.quarantined(interactionId=id_)


def test_the_samples_of_this_module_differ() -> None:
    """Each stage has content of its own: with equal contents the property would hold for any store."""
    assert (
        len({Answer(kind, 0).record(str(uuid.UUID(int=1, version=4))).content_hash for kind in STAGES}) == 6
    )
