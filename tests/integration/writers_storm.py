"""A process of its own: many transactions wait for one that needs a second connection. Prints how many were made."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from pathlib import Path

import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments.sandbox.prefect_on_sqlite import install

WAITING = 30  # transactions; Prefect's own pool has fifteen connections
PATIENCE = 15.0  # seconds; the pool's own is 30


async def storm(path: Path) -> int:
    """Let the first transaction need another connection while the rest wait for it; the rows afterwards."""
    database = AioSqliteConfiguration(f"sqlite+aiosqlite:///{path}")
    engine = await database.engine()

    async def insert(*, first: bool = False) -> None:
        async with await database.session(engine) as session, database.begin_transaction(session):
            await session.execute(sa.text("INSERT INTO happened VALUES (1)"))
            if first:
                rest = [
                    asyncio.create_task(insert(), context=contextvars.Context()) for _ in range(WAITING - 1)
                ]
                await asyncio.sleep(1)
                async with asyncio.timeout(PATIENCE), await database.session(engine) as other:
                    await other.execute(sa.text("SELECT 1"))
        if first:
            await asyncio.gather(*rest)

    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE happened (number INTEGER)"))
    await asyncio.create_task(insert(first=True), context=contextvars.Context())
    async with await database.session(engine) as session:
        found: int = (await session.execute(sa.text("SELECT count(*) FROM happened"))).scalar_one()
    await engine.dispose()
    return found


if __name__ == "__main__":
    install()
    sys.stdout.write(str(asyncio.run(storm(Path(sys.argv[1])))))
