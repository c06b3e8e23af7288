"""`sql` and `tables`: questions about all interactions, and what can be asked about."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

Format = Annotated[Literal["table", "csv", "json"], Parameter(name="--format")]


def sql(statement: str, *, form: Format = "table", json: bool = False, reveal: bool = False) -> int:
    """Answer a SELECT over the analytics tables and views, with DuckDB; it reads them and nothing else.

    The exit code is 2 for a statement or a setting that cannot work, 1 when the tables could not be read.

    Args:
        statement: One SELECT, in quotes.
        form: How to print the rows: a table, CSV, or JSON.
        json: The same as --format json.
        reveal: Personal columns (addresses, names, whole conversations), too.
    """
    # The extra takes half a second to import, and the other commands do not need it.
    from deployments.sql.output import answer  # noqa: PLC0415

    return answer(statement, "json" if json else form, reveal=reveal)


def tables(*, json: bool = False) -> int:
    """List the analytics tables and views: rows, columns, what they hold.

    Args:
        json: Print JSON, with the columns' types and descriptions.
    """
    from deployments.sql.output import contents  # noqa: PLC0415

    return contents(as_json=json)
