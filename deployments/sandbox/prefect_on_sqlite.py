"""The Prefect command line with SQLite transactions that wait: `python -m deployments.sandbox.prefect_on_sqlite`.

A sandbox aid for the pinned version of Prefect. Its server opens SQLite transactions as DEFERRED; one that has
read and then wants to write while another wrote is refused at once ("database is locked", answered as 503, and
events are dropped), whatever the busy time-out. Opened as IMMEDIATE it waits its turn. Postgres, which
production wants, has no such trouble.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from prefect.server.database import configurations

PINNED = "3.8.8"


def install() -> None:
    """Patch the server in this process; raises RuntimeError for any other version of Prefect."""
    if (found := version("prefect")) != PINNED:
        raise RuntimeError(f"made for Prefect {PINNED}, found {found}: check the aid, then change the pin")

    def begin_sqlite_stmt(self: Any, conn: sa.Connection) -> None:
        del self
        if configurations.SQLITE_BEGIN_MODE.get() is not None:
            conn.exec_driver_sql("BEGIN IMMEDIATE")

    configurations.AioSqliteConfiguration.begin_sqlite_stmt = begin_sqlite_stmt  # type: ignore[method-assign]


if __name__ == "__main__":
    install()
    from prefect.cli import app

    app()
