"""The directory: names are asked for in batches, once for all, and never at the expense of a record."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from flows.reports.directory import markdown, message
from tasks.errors import PipelineError
from tasks.genesys import BadRequest, NameKind, NotPermitted, Throttled, Unavailable
from tasks.operations.directory_refresh import RefreshCounts, refresh
from tasks.pipeline.directory import Directory
from tasks.pipeline.name_cache import MAX_ENTRIES, NameCache
from tasks.pipeline.name_requests import NameRequests
from tasks.settings import Settings
from tasks.stores import StoreUnavailable
from tasks.stores.directory import DirectoryEntry, NameKey


class Genesys:
    """Knows a name of every id but `unknown`; raises what `errors` has for a kind; holds answers until `go`."""

    def __init__(self) -> None:
        self.asked: list[tuple[NameKind, set[str]]] = []
        self.unknown: set[str] = set()
        self.errors: dict[NameKind, PipelineError] = {}
        self.go = threading.Event()
        self.go.set()

    def get_names(self, kind: NameKind, ids: Iterable[str]) -> dict[str, str]:
        """Return names."""
        wanted = set(ids)
        self.asked.append((kind, wanted))
        assert self.go.wait(180)
        if kind in self.errors:
            raise self.errors[kind]
        return {id_: f"{kind.label} {id_[:8]}" for id_ in wanted - self.unknown}


class Table:
    """The shared table, in memory; counts its reads."""

    def __init__(self) -> None:
        self.held: dict[NameKey, DirectoryEntry] = {}
        self.reads = 0
        self.error: PipelineError | None = None

    def lookup(self, keys: Iterable[NameKey]) -> list[DirectoryEntry]:
        """Return the entries of keys."""
        self.reads += 1
        if self.error:
            raise self.error
        return [self.held[key] for key in keys if key in self.held]

    def put(self, entries: Iterable[DirectoryEntry]) -> None:
        """Hold entries."""
        if self.error:
            raise self.error
        self.held |= {entry.key: entry for entry in entries}

    def entries(self) -> Iterator[DirectoryEntry]:
        """Yield all entries."""
        yield from list(self.held.values())


def settings(**more: float) -> Settings:
    """Return settings, with a wait that no test reaches by chance."""
    return Settings(
        genesys_client_id="c",
        genesys_client_secret=SecretStr("s"),
        interaction_table="i",
        quarantine_table="q",
        **{"directory_wait": 180, **more},  # type: ignore[arg-type]
    )


@pytest.fixture
def genesys() -> Iterator[Genesys]:
    """Genesys, which is let go at the end."""
    made = Genesys()
    yield made
    made.go.set()


@pytest.fixture
def table() -> Table:
    """The table of all workers."""
    return Table()


def worker(genesys: Genesys, table: Table, **more: float) -> Directory:
    """Return the directory of another worker process."""
    given = settings(**more)
    return Directory(table, NameRequests(genesys, given), given)


def keys(kind: NameKind = NameKind.USER, count: int = 1) -> set[NameKey]:
    """Return keys of new ids."""
    return {NameKey(kind, str(uuid4())) for _ in range(count)}


def named(wanted: Iterable[NameKey]) -> dict[NameKey, str]:
    """Return the names that Genesys has for keys."""
    return {key: f"{NameKind(key.kind).label} {key.id[:8]}" for key in wanted}


def test_a_warm_directory_asks_nobody(genesys: Genesys, table: Table) -> None:
    """The second time names come out of memory: no read of the table, no request."""
    directory, wanted = worker(genesys, table), keys(count=3) | keys(NameKind.QUEUE)
    assert directory.names(wanted) == named(wanted)
    requests, reads = len(genesys.asked), table.reads
    assert (requests, reads) == (2, 1)  # one for each kind; one read for all
    assert directory.names(wanted) == named(wanted)
    assert (len(genesys.asked), table.reads) == (requests, reads)


def test_workers_share_what_one_has_asked(genesys: Genesys, table: Table) -> None:
    """Another worker finds the names in the table, and asks Genesys only for what is not there."""
    wanted, more = keys(count=2), keys()
    worker(genesys, table).names(wanted)
    assert worker(genesys, table).names(wanted | more) == named(wanted | more)
    assert [ids for _, ids in genesys.asked] == [{key.id for key in wanted}, {key.id for key in more}]


def test_an_unknown_id_is_not_asked_for_again(genesys: Genesys, table: Table) -> None:
    """Neither by this worker nor by another; it has no name, and costs its neighbours none."""
    (unknown,), known = keys(), keys()
    genesys.unknown = {unknown.id}
    for _ in range(2):
        assert worker(genesys, table).names(known | {unknown}) == named(known)
    assert len(genesys.asked) == 1
    assert table.held[unknown].name is None
    assert not table.held[unknown].pending


def test_names_are_kept_for_days_and_the_lack_of_one_for_less(genesys: Genesys, table: Table) -> None:
    """The entries expire after DIRECTORY_DAYS and DIRECTORY_UNKNOWN."""
    (unknown,), (known,) = keys(), keys()
    genesys.unknown = {unknown.id}
    worker(genesys, table, directory_days=30, directory_unknown=7200).names({known, unknown})
    now = time.time()
    assert table.held[known].expires_at == pytest.approx(now + 30 * 86_400, abs=60)
    assert table.held[unknown].expires_at == pytest.approx(now + 7200, abs=60)


@pytest.mark.parametrize(
    "error",
    [Throttled("no budget", retry_after=300), Unavailable("down"), BadRequest("no"), NotPermitted("403")],
)
def test_a_failure_costs_the_names_of_its_kind_only(
    genesys: Genesys, table: Table, error: PipelineError
) -> None:
    """Queues are named though users are not; the users are noted for the refresh, and asked for once, not again."""
    genesys.errors = {NameKind.USER: error}
    directory, users, queues = worker(genesys, table), keys(count=2), keys(NameKind.QUEUE)
    for _ in range(3):
        assert directory.names(users | queues) == named(queues)
    assert directory.names(keys()) == {}  # another id of the paused kind
    assert [kind for kind, _ in genesys.asked].count(NameKind.USER) == 1
    assert all(table.held[key].pending for key in users)
    genesys.errors = {}
    assert worker(genesys, table).names(users) == named(users)  # pending is no answer


def test_a_missing_permission_is_said_once(
    genesys: Genesys, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning for each kind names the permission; no line holds a name."""
    genesys.errors = {kind: NotPermitted("answered 403") for kind in (NameKind.USER, NameKind.QUEUE)}
    directory = worker(genesys, table)
    for _ in range(3):
        directory.requests._paused_until.clear()  # noqa: SLF001 - as after the pause
        directory.names(keys(NameKind.USER) | keys(NameKind.QUEUE) | keys(NameKind.WRAP_UP_CODE))
    warnings = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert sorted("directory:user:view" in each for each in warnings) == [False, True]
    assert sorted("routing:queue:view" in each for each in warnings) == [False, True]


def test_a_slow_genesys_holds_up_one_chunk_only(genesys: Genesys, table: Table) -> None:
    """The first chunk waits DIRECTORY_WAIT seconds, those that follow not at all; what comes late serves the next."""
    directory, wanted, known = worker(genesys, table), keys(), keys()
    assert directory.names(known) == named(known)
    genesys.go.clear()
    directory._wait = 0.2  # noqa: SLF001 - DIRECTORY_WAIT of the first chunk, and of the others
    assert directory.names(wanted) == {}
    directory._wait = 3600.0  # noqa: SLF001 - whoever waits now waits for longer than this test may last
    for _ in range(20):
        assert directory.names(wanted | known | keys()) == named(known)
    genesys.go.set()
    deadline = time.monotonic() + 180
    while directory.names(wanted) != named(wanted):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_chunks_that_lack_the_same_ask_once(genesys: Genesys, table: Table) -> None:
    """Ten chunks at once with one id make one request, and all get the name."""
    directory, wanted = worker(genesys, table), keys()
    genesys.go.clear()
    found: list[dict[NameKey, str]] = []
    chunks = [threading.Thread(target=lambda: found.append(directory.names(wanted))) for _ in range(10)]
    for chunk in chunks:
        chunk.start()
    deadline = time.monotonic() + 180
    while not genesys.asked:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    genesys.go.set()
    for chunk in chunks:
        chunk.join(180)
    assert found == [named(wanted)] * 10
    assert len(genesys.asked) == 1


def test_a_table_that_does_not_answer_costs_the_names(genesys: Genesys, table: Table) -> None:
    """Nothing is raised; Genesys is not asked by every worker in the table's place; what is in memory is used."""
    directory, known = worker(genesys, table), keys()
    directory.names(known)
    table.error = StoreUnavailable("down")
    for _ in range(3):
        assert directory.names(known | (lacking := keys())) == named(known)
        assert directory.names(lacking) == {}
    assert len(genesys.asked) == 1


def test_a_bug_costs_the_names(
    genesys: Genesys, table: Table, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen exception is logged by its type, and the directory goes on."""
    directory = worker(genesys, table)

    def broken(*_: object) -> None:
        raise RuntimeError("Ada Example")

    monkeypatch.setattr(directory.requests, "ask", broken)
    assert directory.names(keys()) == {}
    monkeypatch.undo()
    assert directory.names(wanted := keys()) == named(wanted)
    assert "RuntimeError" in caplog.text
    assert "Ada" not in caplog.text


def test_a_name_is_made_storable(table: Table) -> None:
    """Blanks around it go, text that is no Unicode is mended, and one that is empty is none."""
    ids = [str(uuid4()) for _ in range(3)]

    class Odd:
        def get_names(self, kind: NameKind, wanted: Iterable[str]) -> dict[str, str]:
            del kind, wanted
            return dict(zip(ids, ("  Ada ", "A\ud800", "   "), strict=True))

    given = settings()
    directory = Directory(table, NameRequests(Odd(), given), given)
    found = directory.names({NameKey(NameKind.USER, id_) for id_ in ids})
    assert {key.id: name for key, name in found.items()} == {ids[0]: "Ada", ids[1]: "A?"}


def test_the_memory_is_bounded() -> None:
    """However many ids come, no more than MAX_ENTRIES are held."""
    cache = NameCache()
    for number in range(MAX_ENTRIES + 10):
        cache.add(NameKey("user", str(number)), "x", 60)
    assert len(cache._entries) <= MAX_ENTRIES  # noqa: SLF001 - the bound is what is tested


def test_a_name_stands_until_a_newer_one_is_known() -> None:
    """After its time a name is missing, but still used; an answer without a name does not remove it."""
    now = [0.0]
    cache, (key,) = NameCache(lambda: now[0]), keys()
    cache.add(key, "Ada", 10)
    now[0] = 11.0
    assert cache.missing({key}) == {key}
    assert cache.names({key}) == {key: "Ada"}
    cache.add(key, None, 10)
    assert (cache.missing({key}), cache.names({key})) == (set(), {key: "Ada"})
    cache.add(key, "Ada Lovelace", 10)
    assert cache.names({key}) == {key: "Ada Lovelace"}


def test_a_refresh_renews_names_and_lets_the_rest_expire(genesys: Genesys, table: Table) -> None:
    """New names replace old ones and expire no later; what Genesys no longer returns keeps its last name."""
    same, other, gone, unknown, waiting = (next(iter(keys(NameKind.QUEUE))) for _ in range(5))
    later = int(time.time()) + 1000
    table.put(
        [
            DirectoryEntry(same, f"queues {same.id[:8]}", later),
            DirectoryEntry(other, "as it was called before", later),
            DirectoryEntry(gone, "deleted", later),
            DirectoryEntry(unknown, None, later),
            DirectoryEntry(waiting, None, later, pending=True),
        ]
    )
    genesys.unknown = {gone.id, unknown.id}
    directory = worker(genesys, table)
    counts = refresh(directory, NameKind.QUEUE, directory.entries())
    assert counts == RefreshCounts(known=5, named=3, changed=2, unknown=2, refused=0)
    assert {key: entry.name for key, entry in table.held.items()} == {
        **named({same, other, waiting}),
        gone: "deleted",
        unknown: None,
    }
    assert {entry.expires_at for key, entry in table.held.items() if key != waiting} == {later}
    assert table.held[waiting].expires_at > later
    requests = len(genesys.asked)
    assert directory.names({other, waiting}) == named({other, waiting})
    assert len(genesys.asked) == requests


def test_a_refresh_counts_what_it_may_not_ask_for(genesys: Genesys, table: Table) -> None:
    """A missing permission is no error of the refresh, and costs no name; the message names it."""
    table.put([DirectoryEntry(key, "Ada", int(time.time()) + 1000) for key in keys(count=3)])
    genesys.errors = {NameKind.USER: NotPermitted("403")}
    directory = worker(genesys, table)
    counts = refresh(directory, NameKind.USER, directory.entries())
    assert counts == RefreshCounts(known=3, refused=3)
    assert {entry.name for entry in table.held.values()} == {"Ada"}
    report = {NameKind.USER: counts, NameKind.QUEUE: RefreshCounts(known=2, named=2, changed=1)}
    assert message(report) == (
        "5 known, 2 named (1 changed), 0 unknown, 3 refused; the OAuth client has no role with directory:user:view"
    )
    assert "| users | 3 | 0 | 0 | 0 | 3 |" in markdown(report)
    assert "`directory:user:view`" in markdown(report)
    assert "routing:queue:view" not in markdown(report)
