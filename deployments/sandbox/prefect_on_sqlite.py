"""The Prefect command line with SQLite transactions that wait: `python -m deployments.sandbox.prefect_on_sqlite`.

A sandbox aid for the pinned version of Prefect. Its server opens SQLite transactions as DEFERRED; one that has
read and then wants to write while another wrote is refused at once ("database is locked", answered as 503, and
events are dropped), whatever the busy time-out. Opened as IMMEDIATE it waits its turn; only the outermost one
of a request, or it would wait for itself. SQLite lets those that wait try again and again, and whoever is lucky
goes first: with many of them one waits for its whole minute, while each holds a connection, of which Prefect has
fifteen, and the one that they wait for may need a second one. So they queue before they take a connection, and
there is no bound on connections.

Who waits within SQLite holds its connection's mutex, and when the garbage collector of the server's own thread meets a
cursor of that connection, all of the server stands until the wait is over, the transaction that is waited for
included. So nobody waits there for a minute. And events that were stored already fail all that arrived with them.
Postgres, which production wants, has no such trouble.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from prefect.server.database import configurations, provide_database_interface
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.events.storage import database as event_storage
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

PINNED = "3.8.8"
_NO_BOUND = -1  # SQLAlchemy's word for it
_LONGEST_TURN = 30.0  # seconds
_BUSY_MILLISECONDS = 5_000  # Prefect has 60,000

# What the context's outermost transaction has begun; None outside of any.
_begun: ContextVar[list[Any] | None] = ContextVar("begun", default=None)


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """First come, first served; whoever has waited for too long tries without its turn, as SQLite would have it."""
    queue = _queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    try:
        async with asyncio.timeout(_LONGEST_TURN):
            await queue.acquire()
    except TimeoutError:
        yield
        return
    try:
        yield
    finally:
        queue.release()


def install() -> None:
    """Patch the server in this process; raises RuntimeError for any other version of Prefect."""
    if (found := version("prefect")) != PINNED:
        raise RuntimeError(f"made for Prefect {PINNED}, found {found}: check the aid, then change the pin")

    original = configurations.AioSqliteConfiguration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> AsyncIterator[Any]:
        if _begun.get() is not None:
            async with original(self, session, with_for_update) as transaction:
                yield transaction
            return
        token = _begun.set([])
        try:
            async with _turn(), original(self, session, with_for_update) as transaction:
                yield transaction
        finally:
            _begun.reset(token)

    def begin_sqlite_stmt(self: Any, conn: sa.Connection) -> None:
        del self
        if (mode := configurations.SQLITE_BEGIN_MODE.get()) is None:
            return
        begun = _begun.get()
        if begun is not None and not begun:
            begun.append(conn)
            mode = "IMMEDIATE"
        conn.exec_driver_sql(f"BEGIN {mode}")

    set_up = configurations.AioSqliteConfiguration.setup_sqlite

    def setup_sqlite(self: Any, conn: Any, record: Any) -> None:
        set_up(self, conn, record)
        cursor = conn.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.close()

    configurations.AioSqliteConfiguration.setup_sqlite = setup_sqlite  # type: ignore[method-assign]
    vars(configurations)["create_async_engine"] = partial(create_async_engine, max_overflow=_NO_BOUND)
    configurations.AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[method-assign]
    configurations.AioSqliteConfiguration.begin_sqlite_stmt = begin_sqlite_stmt  # type: ignore[method-assign]
    _pass_over_known_events()


def _pass_over_known_events() -> None:
    """Have events that are stored already passed over: a batch of nothing else is a row without values to Prefect."""
    original: Any = event_storage._write_sqlite_events  # noqa: SLF001 - an aid for the pinned version

    async def write_sqlite_events(session: AsyncSession, events: list[ReceivedEvent]) -> None:
        db = provide_database_interface()
        new = {event.id: event for event in events}
        async with db.database_config.begin_transaction(session):  # an event goes with its resources, or not
            for batch in event_storage._in_safe_batches(list(new.values())):  # noqa: SLF001
                ids = [event.id for event in batch]
                for known in await session.scalars(sa.select(db.Event.id).where(db.Event.id.in_(ids))):
                    del new[known]
            if new:
                await original(session=session, events=list(new.values()))

    event_storage._write_sqlite_events = write_sqlite_events  # noqa: SLF001


if __name__ == "__main__":
    install()
    from prefect.cli import app

    app()
