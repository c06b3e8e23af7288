"""Answers without end: decoded bytes are capped, and such an answer is one that is too large."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from tasks.genesys import GenesysClient, GenesysError, NameKind, ResponseTooLarge, Unavailable
from tasks.genesys.transport import MAX_ANSWER_BYTES
from tests.support.fake_genesys import FakeGenesys, ReceivedRequest, Reply
from tests.support.genesys import START, FakeClock, all_known, ids

MB = 1_000_000
GZIP = {"Content-Encoding": "gzip"}
PEAK = 2 * MAX_ANSWER_BYTES  # what an answer takes at most, with the buffer that grows


@cache
def zeros(megabytes: int, wbits: int = 31) -> bytes:
    """Return so many megabytes of zeros, as gzip or (15) as deflate: a thousandth of it."""
    compress, part = zlib.compressobj(9, wbits=wbits), bytes(MB)
    return b"".join([*(compress.compress(part) for _ in range(megabytes)), compress.flush()])


A_LENGTH = Reply(raw=b"{}", claims=10**12)
ENDLESS: dict[str, Callable[[], Reply]] = {
    "gzip": lambda: Reply(raw=zeros(1_050), headers=GZIP),
    "gzip, in members": lambda: Reply(raw=zeros(15) * 70, headers=GZIP),
    "gzip, chunked": lambda: Reply(raw=zeros(1_050), headers=GZIP, chunked=True),
    "deflate": lambda: Reply(raw=zeros(1_050, 15), headers={"Content-Encoding": "deflate"}),
    "a length": lambda: A_LENGTH,
    "no end": lambda: Reply(raw=b" " * 65_536, chunked=True, endless=True),
}


@contextmanager
def peak_below(limit: int) -> Iterator[None]:
    """Fail when Python holds more than so many bytes at once; the server's own are in it."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("reply", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_answer_without_end_is_one_that_is_too_large(
    genesys: FakeGenesys, client: GenesysClient, reply: Callable[[], Reply]
) -> None:
    """It is read up to 64 MB, not tried again, and no other id is refused for it."""
    (id_,) = ids(1)
    genesys.script.append(reply())
    assert len(genesys.script[0].content) < 1.1 * MB
    with peak_below(PEAK):
        batch = client.get_conversations([id_])
    assert isinstance(batch.refused[id_], ResponseTooLarge)
    assert "more than 64 MB" in str(batch.refused[id_])
    assert len(genesys.api) == batch.requests == 1


def test_the_others_are_fetched(genesys: FakeGenesys, client: GenesysClient) -> None:
    """The batch is halved until the conversation that spoils it is alone, as for Genesys's own 413."""
    wanted = ids(20)
    spoils = wanted[7]

    def answer(request: ReceivedRequest) -> Reply:
        return A_LENGTH if spoils in request.query["id"][0] else all_known(request)

    genesys.default = answer
    batch = client.get_conversations(wanted)
    assert set(batch.conversations) == set(wanted) - {spoils}
    assert list(batch.refused) == [spoils]
    assert batch.requests == len(genesys.api) <= 11


def test_a_page_and_names_are_too_large_as_well(genesys: FakeGenesys, client: GenesysClient) -> None:
    """A query's page, which reconcile then halves; names are asked for in halves."""
    genesys.default = lambda _: A_LENGTH
    with pytest.raises(ResponseTooLarge):
        client.query_conversations(START, START)
    before = len(genesys.api)
    with pytest.raises(ResponseTooLarge):
        client.get_names(NameKind.USER, ids(4))
    assert len(genesys.api) - before == 3  # four, two, one


@pytest.mark.parametrize("status", [500, 503, 429, 403])
def test_the_page_of_an_error_means_what_its_status_says(
    genesys: FakeGenesys, client: GenesysClient, clock: FakeClock, status: int
) -> None:
    """An error is an error, however long its page is: a passing one is tried again."""
    genesys.script.extend([Reply(status, raw=b"{}", claims=10**12)] * 2)
    with pytest.raises(GenesysError) as caught:
        client.get_conversations(ids(2))
    assert caught.value.status == status
    assert not isinstance(caught.value, ResponseTooLarge)
    assert len(clock.sleeps) == len(genesys.api) - 1 == (0 if status == 403 else 1)


def test_a_token_without_end_is_no_refusal_of_the_client(genesys: FakeGenesys, client: GenesysClient) -> None:
    """The credentials are not blamed."""
    genesys.tokens.append(A_LENGTH)
    with pytest.raises((ResponseTooLarge, Unavailable), match="access token"):
        client.get_conversations(ids(1))


def test_an_answer_of_the_most_bytes_is_read(genesys: FakeGenesys, client: GenesysClient) -> None:
    """The cap is of what is decoded, and is reached by no byte less."""
    (id_,) = ids(1)
    body = b'{"conversations": []}'
    for size in (MAX_ANSWER_BYTES, MAX_ANSWER_BYTES + 1):
        genesys.script.append(Reply(raw=gzip.compress(body.ljust(size), 1), headers=GZIP))
    assert client.get_conversations([id_]).missing == {id_}
    assert list(client.get_conversations([id_]).refused) == [id_]
