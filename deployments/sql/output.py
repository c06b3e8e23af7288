"""The commands `sql` and `tables`: what they print, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments.aws import reason
from deployments.errors import CommandError
from deployments.sql.asking import AnalyticsSettings, open_analytics
from deployments.sql.formats import Format, show
from infra.errors import InvalidInput, explain
from tasks.errors import PermanentError, PipelineError
from tasks.records.json_text import json_text
from tasks.stores import StoreMisconfigured

if TYPE_CHECKING:
    from tasks.lake.asking.contents import Contents

ANSWERED, FAILED, BAD_INPUT = 0, 1, 2  # exit codes


def answer(statement: str, form: Format, *, reveal: bool) -> int:
    """Print what a SELECT returns; return the exit code."""

    def asked() -> None:
        found = open_analytics(AnalyticsSettings(), reveal=reveal).ask(statement)
        show(found.columns, found.rows(), form)

    return _ended(asked, as_json=form == "json")


def contents(*, as_json: bool) -> int:
    """Print every table and view with its rows and columns; return the exit code."""

    def listed() -> None:
        found = list(open_analytics(AnalyticsSettings(), reveal=True).contents())
        if as_json:
            lines = (json_text(each.plain()) for each in found)
            sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
        else:
            _print(found)

    return _ended(listed, as_json=as_json)


def _print(found: Sequence[Contents]) -> None:
    table = Table("name", "rows", "what it holds", show_lines=True)
    table.columns[1].justify = "right"
    for each in found:
        names = ", ".join(f"{c.name} (personal)" if c.personal else c.name for c in each.columns)
        rows = "" if each.rows is None else f"{each.rows:,}"
        table.add_row(escape(each.name), rows, f"{escape(each.description)}\n[dim]{escape(names)}[/dim]")
    Console(emoji=False).print(table)


def _ended(action: Callable[[], None], *, as_json: bool) -> int:
    """Do it; an expected failure is one text and an exit code: 2 for input that cannot work, 1 for any other."""
    try:
        action()
    except (CommandError, InvalidInput, PermanentError, ValueError) as error:
        return _failed(str(error), BAD_INPUT, as_json=as_json)
    except PipelineError as error:
        code = BAD_INPUT if isinstance(error, StoreMisconfigured) else FAILED
        return _failed(reason(error), code, as_json=as_json)
    except BotoCoreError as error:
        explanation = explain(error, flags=False)
        return _failed(str(explanation), BAD_INPUT if explanation.bad_input else FAILED, as_json=as_json)
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
    return ANSWERED


def _failed(message: str, code: int, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json_text({"error": message}) + "\n")
    else:
        Console(stderr=True, emoji=False).print(message, markup=False, highlight=False, soft_wrap=True)
    return code
