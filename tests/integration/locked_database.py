"""A process of its own: somebody else holds the database's lock. Prints why a write was refused."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.exc import OperationalError

from deployments.sandbox.prefect_on_sqlite import install


async def write(path: Path) -> str:
    """Try to write while another connection holds the lock; what SQLite says to it."""
    database = AioSqliteConfiguration(f"sqlite+aiosqlite:///{path}")
    engine = await database.engine()
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE happened (number INTEGER)"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        async with await database.session(engine) as session:
            await session.execute(sa.text("INSERT INTO happened VALUES (1)"))
    except OperationalError as refused:
        return str(refused.orig)
    finally:
        other.close()
        await engine.dispose()
    return "it was written"


if __name__ == "__main__":
    install()
    sys.stdout.write(asyncio.run(write(Path(sys.argv[1]))))
