"""The product's one property: whatever arrives in whatever order, how ever often, the record ends the same.

The real store on the embedded DynamoDB. What is fetched of one conversation over time (not settled yet, settled,
corrected, ended again; the same content fetched once more) is saved in any order by two writers, whose calls
interleave in any way, whose clocks are wrong in any way, and whose network loses calls and answers.
"""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox import servers
from deployments.sandbox.genesys.process import running
from deployments.sandbox.processes import Child
from deployments.sandbox.stack import CLIENT_ID, CLIENT_SECRET
from tasks.genesys import GenesysClient, MemoryLedger, SharedBudget, Tally
from tasks.genesys.clock import Clock
from tasks.records import CONTENT_FIELDS, build_record
from tasks.settings import Settings
from tasks.stores import (
    Buried,
    ConversationArchive,
    InteractionTable,
    ItemRefused,
    NewRow,
    Provenance,
    Written,
    dynamodb,
)
from tests.integration.sandbox import Driver
from tests.integration.stepped import Fault, interleave
from tests.integration.test_pipeline import archived
from tests.integration.writers_at_work import (
    KINDS,
    START,
    STEPS,
    Fetched,
    Saved,
    Skews,
    bury,
    conversation,
    ended,
    faults,
    forced,
    later,
    put_off,
    saves,
    schedules,
    skews,
    works,
    writer,
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boto3.Session]:
    """A session whose clients talk to an emulator of this module's own."""
    started: list[Child] = []

    def adopt(child: Child) -> Child:
        started.append(child)
        return child

    try:
        url = servers.emulator(tmp_path_factory.mktemp("newest-wins"), adopt)
        yield _Session(
            url,
            aws_access_key_id=servers.AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=servers.AWS["AWS_SECRET_ACCESS_KEY"],
            region_name=servers.AWS["AWS_DEFAULT_REGION"],
        )
    finally:
        for child in started:
            child.stop()


class _Session(boto3.Session):
    """A session whose clients talk to one endpoint."""

    def __init__(self, url: str, **known: str) -> None:
        super().__init__(**known)
        self._url = url

    def client(self, service: str, **more: Any) -> Any:  # type: ignore[override]  # one service at a time
        """A client of the emulator."""
        return super().client(service, endpoint_url=self._url, **more)


@pytest.fixture(scope="module")
def client(aws: boto3.Session) -> Any:
    """The workers' own kind of DynamoDB client, and a table `interactions`."""
    made = dynamodb.client(4, aws)
    made.create_table(
        TableName="interactions",
        KeySchema=[{"AttributeName": "interactionId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "interactionId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return made


@STEPS
@given(st.tuples(works, works), schedules, skews, faults)
def test_two_writers_in_any_interleaving_end_as_the_newest(
    client: Any, work: tuple[list[Any], list[Any]], schedule: list[int], skew: Skews, fault: list[Fault]
) -> None:
    """The row's version and content are the greatest version's that was fetched, and nothing of another's."""
    id_, item = ended(client, list(work), schedule, skew=skew, fault=fault)
    saved = [each.fetched.record(id_) for each in [*work[0], *work[1]] if isinstance(each, Saved)]
    newest = max(saved, key=lambda record: record.version, default=None)
    assert item.get("version") == (newest and newest.version)
    assert item.get("contentHash") == (newest and newest.content_hash)
    if newest:
        assert {name: item[name] for name in CONTENT_FIELDS if name in item} == newest.content
        assert item["runs"][-1] == item["flowRunId"]


@STEPS
@given(st.lists(saves, min_size=2, max_size=6), st.data())
def test_any_order_and_any_repetition_ends_the_same(
    client: Any, work: list[Saved], data: st.DataObject
) -> None:
    """The same fetches, shuffled and repeated, leave the same version and the same content."""
    again = data.draw(st.permutations([*work, *data.draw(st.lists(st.sampled_from(work), max_size=4))]))
    id_, first = ended(client, [list(work)])
    _, second = ended(client, [list(again)], interaction_id=id_)
    for name in ("version", "contentHash", *CONTENT_FIELDS):
        assert first.get(name) == second.get(name)


@STEPS
@given(works, schedules, skews, faults)
def test_an_erased_interaction_never_changes(
    client: Any, work: list[Any], schedule: list[int], skew: Skews, fault: list[Fault]
) -> None:
    """Whatever is on its way while it is erased, forced replays too: a tombstone is all that is left."""
    force = [partial(forced, each) for each in work if isinstance(each, Saved)]
    id_, item = ended(client, [[*work, *force[:2]], [bury]], schedule, skew=skew, fault=fault)
    assert set(item) == {"interactionId", "erasedAt", "receiptId"}
    writer([*work, *force, bury], id_, client)
    assert InteractionTable(client, "interactions").get(id_) == item


@settings(STEPS, max_examples=8)
@given(st.permutations(range(26)), schedules, st.lists(st.sampled_from(Fault), min_size=40, max_size=80))
def test_the_history_holds_the_last_twenty_runs(
    client: Any, seconds: list[int], schedule: list[int], fault: list[Fault]
) -> None:
    """However many runs change a row, by however many writers: it names at most 20 of them, the last one last."""
    stages = (Fetched("settled" if second % 2 else "corrected", second) for second in seconds)
    work = [Saved(each, f"run {each.second}", "over") for each in stages]
    ordered = sorted(work, key=lambda each: each.fetched.second)
    _, item = ended(client, [ordered[::2], ordered[1::2], work], schedule, fault=fault)
    assert len(item["runs"]) <= 20
    assert item["runs"][-1] == item["flowRunId"]


def test_a_history_that_grew_too_long_is_shortened(client: Any) -> None:
    """A worker that died between a write and the shortening leaves no lasting trace: the next write mends it."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    table.save(Fetched("settled", 0).record(id_), Provenance("first", 1))
    client.update_item(
        TableName="interactions",
        Key={"interactionId": {"S": id_}},
        UpdateExpression="SET runs = :runs",
        ExpressionAttributeValues={":runs": {"L": [{"S": f"run {n}"} for n in range(23)]}},
    )
    table.save(Fetched("corrected", 1).record(id_), Provenance("last", 1))
    item = table.get(id_)
    assert item is not None
    assert item["runs"] == [*[f"run {n}" for n in range(4, 23)], "last"]


def test_an_erasure_between_a_write_and_its_shortening_costs_nothing(client: Any) -> None:
    """The write was made, then the interaction is erased, then the history is gone: no error, and it stays erased."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")
    for second in range(20):
        table.save(Fetched(KINDS[2 + second % 2], second).record(id_), Provenance(f"run {second}", 1))
    last = Saved(Fetched("ended again", 30), "last", "over")
    interleave(client, [partial(writer, [last], id_), partial(writer, [bury], id_)], [0, 1, 0])
    assert set(table.get(id_) or {}) == {"interactionId", "erasedAt", "receiptId"}


def test_each_write_says_what_it_came_to(client: Any) -> None:
    """Written, written by this run before, same content, stale, erased: each is told apart."""
    id_ = str(uuid.uuid4())
    table = InteractionTable(client, "interactions")

    def save(kind: str, second: int, run: str) -> Written:
        return table.save(Fetched(kind, second).record(id_), Provenance(run, 1)).written

    assert save("settled", 1, "a") is Written.WRITTEN
    assert save("settled", 1, "a") is Written.OWN
    assert save("settled", 2, "a") is Written.OWN
    assert save("settled", 3, "b") is Written.REFRESHED
    assert save("settled", 0, "b") is Written.REFRESHED
    assert save("corrected", 2, "c") is Written.STALE
    assert save("unsettled", 9, "c") is Written.STALE
    assert save("corrected", 4, "c") is Written.WRITTEN
    assert table.entomb(id_, "receipt") is Buried.RECORD
    assert save("ended again", 9, "d") is Written.ERASED
    assert table.defer(id_, Provenance("d", 1), later()).written is Written.ERASED


def test_many_new_rows_are_inserted_and_no_other_is_touched(client: Any) -> None:
    """Of sixty rows those that the table holds, in whatever form, are left as they are; the others are added."""
    table = InteractionTable(client, "interactions")
    ids = [str(uuid.uuid4()) for _ in range(60)]
    held, waiting, erased = ids[:3]
    table.save(Fetched("ended again", 5).record(held), Provenance("first", 1))
    put_off(table, waiting)
    bury(table, erased)
    before = {id_: table.get(id_) for id_ in ids[:3]}
    rows = [NewRow(Fetched("settled", 9).record(id_), Provenance("second", 1)) for id_ in ids]
    assert table.insert(rows) == set(ids[3:])
    assert {id_: table.get(id_) for id_ in ids[:3]} == before
    assert table.insert(rows) == frozenset()


def test_an_inserted_row_is_the_row_that_a_save_makes(client: Any) -> None:
    """Attribute by attribute, with and without a deferral."""
    table = InteractionTable(client, "interactions")
    for kind in ("settled", "unsettled"):
        id_ = str(uuid.uuid4())
        record = Fetched(kind, 1).record(id_)
        provenance = Provenance("run", 2, "event", "customer.end", "2026-01-15T10:00:00.000Z")
        deferral = None if record.settled else later()
        table.save(record, provenance, deferral)
        saved = table.get(id_)
        client.delete_item(TableName="interactions", Key={"interactionId": {"S": id_}})
        assert table.insert([NewRow(record, provenance, deferral)]) == {id_}
        assert table.get(id_) == saved


def test_an_item_that_cannot_be_inserted_costs_no_other(client: Any) -> None:
    """One that is too large and one that DynamoDB has no type for are left out; their neighbours are added."""
    table = InteractionTable(client, "interactions")
    ids = [str(uuid.uuid4()) for _ in range(4)]
    records = [Fetched("settled", 1).record(id_) for id_ in ids]
    records[1].content["metrics"] = {f"t{'x' * 60}{n}": n for n in range(8_000)}
    records[2].content["metrics"] = {"tTalk": 0.5}
    assert table.insert([NewRow(record, Provenance("run", 1)) for record in records]) == {ids[0], ids[3]}


def test_provenance_is_outside_content_and_version(client: Any) -> None:
    """Two interactions alike but for run, attempt and event have the same version."""
    ids = [str(uuid.uuid4())] * 2
    table = InteractionTable(client, "interactions")
    versions = []
    for number, id_ in enumerate(ids):
        table.save(
            Fetched("settled", 1).record(id_),
            Provenance(f"run {number}", number + 1, f"event {number}", "customer.end", START.isoformat()),
        )
        item = table.get(id_) or {}
        versions.append((item["version"], item["contentHash"]))
    assert versions[0] == versions[1]
    assert (item["flowRunId"], item["attempt"]) == ("run 0", 1)  # the second found the content there


class _WrongClock(Clock):
    def __init__(self, skew: timedelta) -> None:
        self._skew = skew

    def now(self) -> datetime:
        return super().now() + self._skew


def test_a_workers_clock_does_not_date_a_fetch() -> None:
    """Two workers whose clocks are four days apart date their fetches the same: by Genesys's clock."""
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
    """A client of the simulator with a clock of its own."""
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
    client = GenesysClient.from_settings(known, SharedBudget(Tally(MemoryLedger(), 65.0), lambda: 300))
    client._transport.clock = clock  # noqa: SLF001 - there is no other way to make a machine's clock wrong
    return client


def test_the_same_conversation_is_the_same_object(aws: boto3.Session) -> None:
    """Written twice, its keys in another order, absent or there already: one object, the same bytes."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="conversations")
    archive = ConversationArchive(s3, "conversations")
    id_ = str(uuid.uuid4())
    whole = conversation(id_, "settled")
    key = archive.put(id_, whole)
    body = s3.get_object(Bucket="conversations", Key=key)["Body"].read()
    turned = dict(reversed(whole.items()))
    assert archive.put_if_absent(id_, turned) == key
    assert archive.put(id_, turned) == key
    assert s3.get_object(Bucket="conversations", Key=key)["Body"].read() == body
    assert list(archive.keys(id_)) == [key]
    assert json.loads(gzip.decompress(body), parse_float=Decimal) == whole
    other = archive.put_if_absent(id_, conversation(id_, "corrected"))
    assert set(archive.keys(id_)) == {key, other}


def test_a_record_that_no_item_can_hold_is_refused_by_name(client: Any) -> None:
    """Above 400 KB the write is refused for good, with AWS's word for why and nothing of the content."""
    id_ = str(uuid.uuid4())
    whole = conversation(id_, "settled")
    sessions = whole["participants"][0]["sessions"]
    sessions[0]["metrics"] = [{"name": f"t{'x' * 60}{n}", "value": n} for n in range(8_000)]
    record = build_record(whole, START)
    assert len(json.dumps(record.content, default=str)) > 400_000
    with pytest.raises(ItemRefused, match=r"table interactions: .*ValidationException") as caught:
        InteractionTable(client, "interactions").save(record, Provenance("run", 1))
    assert "xxx" not in str(caught.value)


def test_a_conversation_too_large_for_an_item_is_a_record_and_a_whole(driver: Driver) -> None:
    """A conversation of half a megabyte: its record is in the table, all of it in the bucket."""
    id_ = str(uuid.uuid4())
    driver.simulator(f"conversations/{id_}/events", type="grown", bytes=500_000)
    driver.end(id_)
    row = driver.until(lambda: driver.settled(id_))
    assert row["endedAt"]
    key = driver.until(lambda: archived(driver, id_))[0]
    body = driver.sandbox.client("s3").get_object(Bucket=driver.addresses.conversation_bucket, Key=key)[
        "Body"
    ]
    whole = gzip.decompress(body.read())
    assert len(whole) > 400_000
    assert json.loads(whole)["conversationId"] == id_
    assert not driver.quarantined(interactionId=id_)


def test_the_samples_of_this_module_differ() -> None:
    """Each stage of a conversation is another content, so that the property is about something."""
    assert (
        len({Fetched(kind, 0).record(str(uuid.UUID(int=1, version=4))).content_hash for kind in KINDS}) == 5
    )
