"""Staged conversations in S3: what is read is what was put, and an entry that is removed is in no object any more."""

from __future__ import annotations

import gzip
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tasks.stores import (
    StagedConversation,
    StagedObject,
    StagingBucket,
    StoreMisconfigured,
    StoreUnavailable,
    s3,
)
from tasks.stores.staging import new_key
from tests.support.emulator import Emulator
from tests.support.samples import conversation_names, read_conversation

FOREIGN = (b"no gzip", gzip.compress(b"no JSON\n"), gzip.compress(b'{"interactionId":"a"}\n')[:-4])


@pytest.fixture
def client(aws: Emulator) -> Any:
    """Return the kind of client that workers have."""
    return s3.client(4, aws)


@pytest.fixture
def bucket(client: Any) -> StagingBucket:
    """Return the staging of an empty bucket."""
    name = f"staging-{uuid.uuid4().hex[:8]}"
    client.create_bucket(Bucket=name)
    return StagingBucket(client, name)


def entry(name: str = "voice", version: str = "1~000000000000001~a") -> StagedConversation:
    """Return a sample conversation under an id of its own."""
    id_ = str(uuid.uuid4())
    return StagedConversation(id_, version, read_conversation(name) | {"conversationId": id_})


def the_object(bucket: StagingBucket, key: str) -> StagedObject:
    """Return an object as the listing has it."""
    return next(staged for staged in bucket.list() if staged.key == key)


def body(client: Any, bucket: StagingBucket, key: str) -> bytes:
    """Return the bytes of an object."""
    found: bytes = client.get_object(Bucket=bucket.bucket, Key=key)["Body"].read()
    return found


def versions(client: Any, bucket: StagingBucket) -> list[dict[str, Any]]:
    """Return every version and delete marker of a bucket."""
    answer = client.list_object_versions(Bucket=bucket.bucket)
    return [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]


def test_what_is_read_is_what_was_put(bucket: StagingBucket) -> None:
    """Every sample comes back in its order, its numbers exact."""
    entries = [entry(name) for name in conversation_names()]
    entries[0].conversation["fractions"] = [Decimal("0.1"), Decimal("0.12345678901234567890123")]
    assert bucket.read(bucket.put(entries)) == entries


def test_an_object_is_compressed_json_lines_named_after_its_time(client: Any, bucket: StagingBucket) -> None:
    """Keys in one order, compact, a line an entry whatever its text; the key's time is the moment of the write."""
    first = StagedConversation("a", "1~1~x", {"n": Decimal("1.5"), "text": "a\nb\u2028\ud800é"})
    before = datetime.now(UTC) - timedelta(seconds=1)
    key = bucket.put([first, replace(first, interaction_id="b")])
    moment = re.fullmatch(r"staging/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})Z-[0-9a-f]{32}\.jsonl\.gz", key)
    assert moment is not None
    assert (
        before
        <= datetime.strptime(moment[1], "%Y-%m-%dT%H-%M-%S.%f").replace(tzinfo=UTC)
        <= datetime.now(UTC)
    )
    line = '{"interactionId":"a","version":"1~1~x","conversation":{"n":1.5,"text":"a\\nb\\u2028\\ud800\\u00e9"}}\n'
    assert gzip.decompress(body(client, bucket, key)).decode() == line + line.replace('"a",', '"b",', 1)


def test_the_oldest_object_is_listed_first(client: Any, bucket: StagingBucket) -> None:
    """What is listed is below `staging/` alone, in the order of writing, with the size and S3's time."""
    keys = []
    for _ in range(3):
        keys.append(bucket.put([entry()]))
        after = datetime.now(UTC)
        while datetime.now(UTC) - after < timedelta(milliseconds=1):
            pass
    client.put_object(Bucket=bucket.bucket, Key="conversations/1/2.json.gz", Body=b"")
    found = list(bucket.list())
    assert [staged.key for staged in found] == keys
    assert [staged.size for staged in found] == [len(body(client, bucket, key)) for key in keys]
    assert all(abs(datetime.now(UTC) - staged.modified) < timedelta(minutes=1) for staged in found)


def test_an_object_of_a_forced_save_is_known_by_its_key(bucket: StagingBucket) -> None:
    """Its entries may be older than their rows and still be written: the listing says so."""
    keys = [bucket.put([entry()], new_key(forced=forced)) for forced in (False, True)]
    assert {staged.key: staged.forced for staged in bucket.list()} == dict(
        zip(keys, (False, True), strict=True)
    )


def test_one_interaction_is_found_by_its_greatest_version(bucket: StagingBucket) -> None:
    """Of two entries of an interaction the newer is found; of another interaction, and in no object, none."""
    older, other = entry(), entry("chat")
    newer = replace(older, version="1~000000000000002~a")
    key = bucket.put([newer, older, other])
    assert bucket.find(older.interaction_id, key) == newer
    assert bucket.find(str(uuid.uuid4()), key) is None
    assert bucket.find(older.interaction_id, "staging/none") is None


def test_an_object_that_is_gone_is_read_as_none(client: Any, bucket: StagingBucket) -> None:
    """A missing object is None; a missing bucket is an error."""
    assert bucket.read("staging/none") is None
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        StagingBucket(client, "nowhere-at-all").read("staging/none")


def test_an_object_keeps_only_what_it_is_told_to(bucket: StagingBucket) -> None:
    """Rewritten under the same key with some entries, deleted with none."""
    entries = [entry(), entry("chat"), entry("email")]
    key = bucket.put(entries)
    assert bucket.keep_only(the_object(bucket, key), entries[1:])
    assert bucket.read(key) == entries[1:]
    assert bucket.keep_only(the_object(bucket, key), [])
    assert list(bucket.list()) == []


@pytest.mark.parametrize("kept", [0, 1], ids=["deleting", "rewriting"])
@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
def test_an_object_that_changed_meanwhile_stays_as_it_is(
    bucket: StagingBucket, kept: int, *, gone: bool
) -> None:
    """What was erased after the listing does not come back, and nothing that was not looked at is deleted."""
    entries = [entry(), entry("chat")]
    key = bucket.put(entries)
    listed = the_object(bucket, key)
    bucket.erase(frozenset(e.interaction_id for e in entries[: 2 if gone else 1]), versioned=False)
    assert not bucket.keep_only(listed, entries[:kept])
    assert bucket.read(key) == (None if gone else entries[1:])


def test_an_erased_interaction_is_in_no_object(bucket: StagingBucket) -> None:
    """Objects that had it are rewritten or deleted and counted; the others, and their entries, stay."""
    erased, also, kept = entry(), entry("chat"), entry("email")
    alone, shared, others = bucket.put([erased]), bucket.put([erased, kept, also]), bucket.put([kept])
    ids = frozenset({erased.interaction_id, also.interaction_id})
    untouched = the_object(bucket, others)
    assert bucket.holding(ids) == 2
    assert bucket.erase(ids, versioned=False) == 2
    assert (bucket.read(alone), bucket.read(shared), bucket.read(others)) == (None, [kept], [kept])
    assert the_object(bucket, others) == untouched
    assert bucket.holding(ids) == bucket.erase(ids, versioned=False) == 0


def test_an_erased_interaction_is_in_no_version_of_a_versioned_bucket(
    client: Any, bucket: StagingBucket
) -> None:
    """Only current versions are left, those of what stays; a delete marker is not left either."""
    client.put_bucket_versioning(Bucket=bucket.bucket, VersioningConfiguration={"Status": "Enabled"})
    erased, kept = entry(), entry("chat")
    bucket.put([erased])
    shared = bucket.put([erased, kept])
    published = bucket.put([erased])
    assert bucket.keep_only(the_object(bucket, published), [])
    assert len(versions(client, bucket)) == 4
    assert bucket.erase(frozenset({erased.interaction_id}), versioned=True) == 2
    assert [each["Key"] for each in versions(client, bucket)] == [shared]
    assert bucket.read(shared) == [kept]


def test_removing_from_one_object_says_whether_it_was_there(bucket: StagingBucket) -> None:
    """An object without the interaction, and one that is gone, are left alone."""
    erased, kept = entry(), entry("chat")
    key = bucket.put([erased, kept])
    ids = frozenset({erased.interaction_id})
    assert bucket.remove(ids, key)
    assert not bucket.remove(ids, key)
    assert not bucket.remove(ids, "staging/none")
    assert bucket.read(key) == [kept]


@pytest.mark.parametrize("content", FOREIGN, ids=["plain", "lines", "cut"])
def test_what_others_put_there_is_named(client: Any, bucket: StagingBucket, content: bytes) -> None:
    """An object that cannot be read is no empty one: whether it holds what is to be erased is not known."""
    client.put_object(Bucket=bucket.bucket, Key="staging/other", Body=content)
    with pytest.raises(StoreMisconfigured, match="staging/other is not what save writes"):
        bucket.read("staging/other")
    with pytest.raises(StoreMisconfigured, match="staging/other is not what save writes"):
        bucket.erase(frozenset({"a"}), versioned=False)
